"""Where the mean curve of networks is highest, chosen by others than the one that is judged.

The first network only chooses. Each further one is judged at the epoch at which the mean of
those *before* it is highest. Given these, its own curve there is on average what the mean of
all possible networks is: nothing was selected for being large. So its differences are, given
those before, on average never above the true one, and uncorrelated, and Student's interval of
their mean is valid: the idea of Luedtke & van der Laan 2016, Annals of Statistics 44,
713-742.

Choosing by *all* others (leave one out) is not enough. Then each network helps to choose where
the others are judged; their differences are correlated, and of flat curves with noise up to
11 % are called falls where 2.5 % may be (20 networks, 40 epochs).
"""

from typing import NamedTuple

import numpy as np

from infoplane.phases.intervals import CONFIDENCE, RESOLUTION, half_widths


class Turn(NamedTuple):
    """The epoch at which a mean curve is highest.

    first, last : of all epochs that are not shown to be lower, the first and the last one
    """

    epoch: int
    first: int
    last: int


def chosen_before(curves: np.ndarray) -> np.ndarray:
    """Of each network but the first, where the mean curve of those before it is highest.

    curves : (n, n_epochs), networks in an order that was fixed before they were trained, as
    their seeds are. Returns positions (n − 1,); of equal values the first.
    """
    return np.cumsum(curves, axis=0)[:-1].argmax(axis=1)


def differences(curves: np.ndarray, at: np.ndarray) -> np.ndarray:
    """What each network but the first has at its position, minus what it has at every epoch.

    curves : (n, n_epochs); at : (n − 1,). Returns (n − 1, n_epochs).
    """
    judged = curves[1:]
    return judged[np.arange(len(judged)), at][:, None] - judged


def turn_of(epochs: np.ndarray, curves: np.ndarray, confidence: float = CONFIDENCE) -> Turn:
    """The epoch at which the mean of all curves is highest, with the epochs that it may be.

    epochs : (n_epochs,) ascending; curves : (n, n_epochs), bits, all finite

    An epoch is left out where the networks, each where those before it are highest, lie above
    their own value there by a mean whose interval excludes zero. So the interval ends before
    the last epoch only where compression is called present. It holds the true epoch in
    at least `confidence` of all experiments; of fewer than 3 networks it is all epochs.
    """
    highest = int(curves.mean(axis=0).argmax())
    possible = np.ones(len(epochs), bool)
    if len(curves) > 2:
        above = differences(curves, chosen_before(curves))
        possible = above.mean(axis=0) - half_widths(above, confidence) <= RESOLUTION
        possible[highest] = True
    inside = np.flatnonzero(possible)
    return Turn(*(int(epochs[i]) for i in (highest, inside[0], inside[-1])))
