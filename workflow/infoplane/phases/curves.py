"""Changes of I(X;T) and I(T;Y) of one layer before and after I(X;T) is highest.

The two phases of Shwartz-Ziv & Tishby 2017, arXiv:1703.00810: in the fitting phase I(T;Y)
rises, in the compression phase I(X;T) falls. Between them, the paper says, the gradient's
signal-to-noise ratio falls below 1 (figure 4).
"""

from typing import NamedTuple

import numpy as np

from infoplane.phases.intervals import CONFIDENCE, Estimate, mean_of
from infoplane.phases.turns import Turn, chosen_before, differences, turn_of


class Phases(NamedTuple):
    """One layer's phases, in bits except for `turn` (an epoch) and `gradient_snr` (a ratio).

    turn : the epoch at which I(X;T) is highest
    compression : I(X;T) at the turn minus at the last epoch
    rise : I(X;T) at the turn minus at the first epoch
    fitting : I(T;Y) at the turn minus at the first epoch
    ity_end : I(T;Y) at the last epoch
    gradient_snr : ‖mean‖ over ‖sd‖ of the layer's gradient at the turn, a geometric mean

    A phase is present if its estimate `is_positive`. The turn of each network is chosen by the
    networks before it (`turns`). So these are means over all networks but the first, and if the
    true turn is hard to find, they are too small rather than too large.
    """

    turn: Turn
    compression: Estimate
    rise: Estimate
    fitting: Estimate
    ity_end: Estimate
    gradient_snr: Estimate


def phases_of(
    epochs: np.ndarray,
    ixt: np.ndarray,
    ity: np.ndarray,
    gradient_snr: np.ndarray | None = None,
    confidence: float = CONFIDENCE,
) -> Phases:
    """The phases of a layer, from the curves of independent networks.

    epochs : (n_epochs,) ascending
    ixt, ity : (n, n_epochs), bits, one row per network, in an order fixed before training;
    ity may be NaN where it is not measured
    gradient_snr : (n, n_epochs), NaN or 0 where there is none, as at epoch 0

    Raises ValueError if shapes do not fit, epochs do not ascend, or ixt is not finite.
    """
    epochs, ixt, ity = (np.asarray(a, dtype=np.float64) for a in (epochs, ixt, ity))
    if gradient_snr is None:
        gradient_snr = np.full(ixt.shape, np.nan)
    gradient_snr = np.asarray(gradient_snr, dtype=np.float64)
    if ixt.ndim != 2 or not ixt.size:
        raise ValueError(f"ixt must be (networks, epochs), not of shape {ixt.shape}")
    shapes = {"ity": ity.shape, "gradient_snr": gradient_snr.shape}
    for name, shape in (shapes | {"epochs": (len(ixt), *epochs.shape)}).items():
        if shape != ixt.shape:
            raise ValueError(f"{name} must have the shape of ixt, {ixt.shape}, not {shape}")
    if not (np.diff(epochs) > 0).all():
        raise ValueError(f"epochs must ascend, not be {epochs.tolist()}")
    if not np.isfinite(ixt).all():
        raise ValueError("ixt must be finite: leave out networks that were not measured")
    at = chosen_before(ixt)
    judged = np.arange(len(at)), at
    above = differences(ixt, at)
    with np.errstate(divide="ignore"):
        noise = mean_of(np.log(gradient_snr[1:][judged]), confidence)
    return Phases(
        turn_of(epochs, ixt, confidence),
        compression=mean_of(above[:, -1], confidence),
        rise=mean_of(above[:, 0], confidence),
        fitting=mean_of(ity[1:][judged] - ity[1:, 0], confidence),
        ity_end=mean_of(ity[:, -1], confidence),
        gradient_snr=Estimate(*np.exp(noise[:3]).tolist(), noise.n),
    )
