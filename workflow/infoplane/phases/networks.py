"""The phases of each network, with intervals that follow from those of its estimates.

The same statistics as in `curves`, before the mean over networks: each network but the first is
judged at the epoch that the networks before it chose (`turns`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from infoplane.information import WEAKEST, WHY_NONE
from infoplane.phases.turns import chosen_before


class Curves(NamedTuple):
    """I(X;T) or I(T;Y) of networks over training, (n, n_epochs) each.

    value, low, high : bits; the ends are NaN where there is no interval
    kind : kinds of the intervals, names out of information.KINDS
    why : why there is no interval, names out of information.WHY_NONE; "" where there is one
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kind: np.ndarray
    why: np.ndarray


class Of(NamedTuple):
    """A statistic of each network that has it.

    at : (k,) indices of the networks; value, low, high : (k,), ends NaN where there is no
    interval; kind : (k,), the weakest kind of the intervals from which it follows
    why : (k,), why values from which it follows have no interval, names out of
    information.WHY_NONE joined by |; "" if all have one
    """

    at: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kind: np.ndarray
    why: np.ndarray


def statistics_of(
    epochs: np.ndarray, ixt: Curves, ity: Curves, gradient_snr: np.ndarray | None = None
) -> Mapping[str, Of]:
    """Every statistic of each network, by the names of `curves.Phases`.

    epochs : (n_epochs,) ascending; the networks are in an order that was fixed before training
    gradient_snr : (n, n_epochs), NaN or 0 where there is none; it has no interval

    The intervals are correct if those of the estimates are. The interval of a difference comes
    from interval arithmetic, [low − high, high − low], over all epochs that may be the turn,
    given the intervals of the networks before. It is wider than necessary if errors are
    correlated. The turn of a network is the epoch at which its own I(X;T) is highest; its
    interval spans all epochs at which I(X;T) may be highest.
    """
    n, last = len(ixt.value), ixt.value.shape[1] - 1
    turn = chosen_before(ixt.value)
    before = [_mean_before(_known(end, side)) for end, side in ((ixt.low, -1), (ixt.high, 1))]
    possible = _may_be_highest(turn, *before)
    chosen = _Chosen(turn, possible, _kinds_before(ixt.kind), _reasons_before(ixt.why))
    found = {
        "compression": _difference(ixt, chosen, last),
        "rise": _difference(ixt, chosen, 0),
        "fitting": _difference(ity, chosen, 0),
        "ity_end": Of(np.arange(n), *(field[:, last] for field in ity)),
        "turn": _turn(np.asarray(epochs), ixt),
    }
    if gradient_snr is not None:
        nothing, none = np.full(n - 1, np.nan), np.full(n - 1, "none", object)
        rows, why = np.arange(1, n), np.full(n - 1, "", object)
        found["gradient_snr"] = Of(rows, gradient_snr[rows, turn], nothing, nothing, none, why)
    return found


class _Chosen(NamedTuple):
    """The epoch at which each network but the first is judged, chosen by the networks before.

    turn : (n − 1,) indices of epochs; possible : (n − 1, n_epochs) whether an epoch may be the
    turn, given their intervals; kind : (n − 1,) the weakest kind of these intervals;
    why : (n − 1,) as in `Of`
    """

    turn: np.ndarray
    possible: np.ndarray
    kind: np.ndarray
    why: np.ndarray


def _weakest(kinds: np.ndarray) -> np.ndarray:
    """The kind with the weakest guarantee in each row; entries that are None do not count."""
    return np.array([min(filter(None, row), key=WEAKEST.index) for row in kinds], object)


def _reasons(whys: np.ndarray) -> np.ndarray:
    """All reasons of each row, in the order of WHY_NONE, with | in between."""
    found = ({one for text in row for one in text.split("|")} for row in whys)
    return np.array(["|".join(n for n in WHY_NONE if n and n in own) for own in found], object)


def _reasons_before(whys: np.ndarray) -> np.ndarray:
    """For each network but the first, all reasons of those before it."""
    joined = np.full((len(whys), len(whys)), "", object)
    for i, own in enumerate(_reasons(whys)):
        joined[i:, i] = own
    return _reasons(joined)[:-1]


def _kinds_before(kinds: np.ndarray) -> np.ndarray:
    """For each network but the first, the weakest kind of all networks before it."""
    own = [WEAKEST.index(kind) for kind in _weakest(kinds)]
    return np.array(WEAKEST, object)[np.minimum.accumulate(own)[:-1]]


def _known(ends: np.ndarray, side: int) -> np.ndarray:
    """Ends of intervals, infinite where there is no interval."""
    return np.where(np.isnan(ends), side * np.inf, ends)


def _mean_before(curves: np.ndarray) -> np.ndarray:
    """(n − 1, n_epochs) mean curve of the networks before each network but the first."""
    return np.cumsum(curves, axis=0)[:-1] / np.arange(1, len(curves))[:, None]


def _may_be_highest(highest: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(n, n_epochs) whether a curve between these ends may be highest at an epoch.

    highest : (n,) indices of the epochs at which the values are highest
    """
    possible = high >= low.max(axis=1)[:, None]
    possible[np.arange(len(highest)), highest] = True
    return possible


def _difference(curves: Curves, chosen: _Chosen, minus: int) -> Of:
    """Each network's value at its turn minus its value at another epoch, without the first."""
    rows = np.arange(1, len(curves.value))
    value, low, high, kind, why = (field[1:] for field in curves)
    low, high = _known(low, -1), _known(high, 1)
    lower, upper = low - high[:, [minus]], high - low[:, [minus]]
    lower[:, minus] = upper[:, minus] = 0.0  # the turn is this same epoch
    lower = np.where(chosen.possible, lower, np.inf).min(axis=1)
    upper = np.where(chosen.possible, upper, -np.inf).max(axis=1)
    used = np.where(chosen.possible, kind, None)
    kinds = _weakest(np.column_stack([used, kind[:, minus], chosen.kind]))
    whys = np.where(chosen.possible, why, "")
    whys = _reasons(np.column_stack([whys, why[:, minus], chosen.why]))
    ends = [np.where(kinds == "none", np.nan, end) for end in (lower, upper)]
    at = value[np.arange(len(rows)), chosen.turn]
    return Of(rows, at - value[:, minus], *ends, kinds, whys)


def _turn(epochs: np.ndarray, curves: Curves) -> Of:
    """The epoch at which each network's own curve is highest."""
    value, low, high, kind, why = curves
    highest = value.argmax(axis=1)
    kinds = _weakest(kind)
    possible = _may_be_highest(highest, _known(low, -1), _known(high, 1))
    first, last = possible.argmax(axis=1), possible.shape[1] - 1 - possible[:, ::-1].argmax(1)
    ends = [np.where(kinds == "none", np.nan, epochs[at]) for at in (first, last)]
    at = epochs[highest].astype(np.float64)
    return Of(np.arange(len(value)), at, *ends, kinds, _reasons(why))
