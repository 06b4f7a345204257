"""Where the mean curve of networks is highest, chosen by other networks than the judged one.

The first network only chooses. Each further network is judged at the epoch at which the mean of
the networks *before* it is highest. Given these, the expectation of its own curve at this epoch
is the true mean there: the epoch was not chosen because its value is large. So its differences,
given the networks before, are on average not above the true one, and they are uncorrelated.
Student's interval of their mean is therefore valid. The idea is from Luedtke & van der Laan
2016, Annals of Statistics 44, 713-742.

Choosing by *all* others (leave one out) is not enough. Then each network helps to choose where
the others are judged, and their differences are correlated: of flat curves with noise up to
11 % are called falls, and 2.5 % are allowed (20 networks, 40 epochs).
"""

from typing import NamedTuple

import numpy as np

from infoplane.phases.intervals import CONFIDENCE, RESOLUTION, half_widths


class Turn(NamedTuple):
    """The epoch at which a mean curve is highest.

    first, last : the first and the last epoch at which the curve is not shown to be lower
    """

    epoch: int
    first: int
    last: int


def chosen_before(curves: np.ndarray) -> np.ndarray:
    """Where the mean curve of the networks before is highest, for each network but the first.

    curves : (n, n_epochs), networks in an order that was fixed before they were trained, such
    as the order of their seeds. Returns indices (n − 1,); the first of equal values.
    """
    return np.cumsum(curves, axis=0)[:-1].argmax(axis=1)


def differences(curves: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Each network's value at its chosen epoch minus its value at every epoch, but the first's.

    curves : (n, n_epochs); at : (n − 1,). Returns (n − 1, n_epochs).
    """
    judged = curves[1:]
    return judged[np.arange(len(judged)), at][:, None] - judged


def turn_of(epochs: np.ndarray, curves: np.ndarray, confidence: float = CONFIDENCE) -> Turn:
    """The epoch at which the mean of all curves is highest, and the interval of this epoch.

    epochs : (n_epochs,) ascending; curves : (n, n_epochs), bits, all finite

    An epoch is left out if the networks are significantly higher at their chosen epochs
    (`chosen_before`): if the interval of the mean difference lies above zero. So the interval
    ends before the last epoch only if compression is called present. It contains the true epoch
    in at least `confidence` of all experiments; for fewer than 3 networks it has all epochs.
    """
    highest = int(curves.mean(axis=0).argmax())
    possible = np.ones(len(epochs), bool)
    if len(curves) > 2:
        above = differences(curves, chosen_before(curves))
        possible = above.mean(axis=0) - half_widths(above, confidence) <= RESOLUTION
        possible[highest] = True
    inside = np.flatnonzero(possible)
    return Turn(*(int(epochs[i]) for i in (highest, inside[0], inside[-1])))
