"""Estimators of I(X;T) and I(T;Y): one file for each method, with a class of the same
interface.

An estimator derives from `PairEstimator` or `LayerEstimator` (interface.py lists what it may
declare and do). It is in the table below, or has the name "module:Class".
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from infoplane.estimators.interface import Estimator, LayerEstimator, PairEstimator
from infoplane.estimators.tables import expected
from infoplane.samples import Information, LayerInformation, Pair, Samples
from infoplane.settings import Settings, mistakes
from infoplane.table import Table

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "LayerEstimator",
    "PairEstimator",
    "estimate",
    "estimator_of",
    "from_written",
    "mutual_information",
]

ESTIMATORS = Table(
    "estimator",
    {
        "binned": "infoplane.estimators.binned:Binned",
        "exact": "infoplane.estimators.exact:Exact",
        "kde": "infoplane.estimators.kde:KDE",
        "ksg": "infoplane.estimators.ksg:KSG",
        "kl": "infoplane.estimators.kl:KL",
        "sliced": "infoplane.estimators.sliced:Sliced",
        "edge": "infoplane.estimators.edge:EDGE",
        "renyi": "infoplane.estimators.renyi:Renyi",
        "sp": "infoplane.estimators.sp:SP",
        "clustering": "infoplane.estimators.clustering:Clustering",
        "lnn": "infoplane.estimators.lnn:LNN",
        "lga": "infoplane.estimators.lga:LGA",
        "bmm": "infoplane.estimators.bmm:BMM",
        "mine": "infoplane.estimators.mine:MINE",
        "nwj": "infoplane.estimators.nwj:NWJ",
        "infonce": "infoplane.estimators.infonce:InfoNCE",
        "smile": "infoplane.estimators.smile:SMILE",
        "js": "infoplane.estimators.js:JS",
        "certified": "infoplane.estimators.certified:Certified",
        "compressed": "infoplane.estimators.compressed:Compressed",
    },
    open=True,
    base="infoplane.estimators.interface:Estimator",
)


def estimator_of(settings: Settings) -> Estimator:
    """The estimator with these settings of a configuration."""
    return ESTIMATORS[settings.estimator](settings)


def from_written(written: Mapping[str, Any]) -> Estimator:
    """The estimator with settings as a configuration writes them: `estimator` and its keys."""
    method = ESTIMATORS[written["estimator"]]
    return method(method.Settings.model_validate(written))


def estimate(
    t,
    y,
    *,
    x=None,
    centres=None,
    sigma=None,
    draws: bool = False,
    whole: bool = False,
    unseen: bool = False,
    shape: Sequence[int] = (),
    shape_x: Sequence[int] = (),
    estimator: str = "kde",
    **settings,
) -> LayerInformation:
    """Estimate I(X;T) and I(T;Y) of one layer, in bits: the call for notebooks.

    t : array, tensor, table or list of rows, (n_inputs, n_units); with draws=True (n_inputs,
        n_draws, n_units), several draws for each input
    y : (n_inputs,) or (n_inputs, 1) labels
    x : (n_inputs, …), features, for estimators that work on pairs; without x they give only
        I(T;Y), flagged 'needs_x'
    centres, sigma : for a noisy layer, t before its own noise, in the shape of t, and the
        standard deviation of this noise on each unit. Estimators of noisy layers (sp) need
        them; without them they give NaN, flagged 'needs_noise'
    whole : whether the inputs are all values of X, equally likely; counts are then exact
    unseen : whether they are independent draws from a population, and none of them trained the
        network; counts then have an interval for the population's information
    shape, shape_x : (channels, height, width) of a row of t, and of x, if these are flattened
        maps; for estimators that read maps, such as critics with convolutions
    settings : of the estimator, for example noise_variance=0.1

    Half precision becomes float32; other numbers become float32 or float64, whichever holds
    them exactly. Global settings of torch and NumPy have no effect and do not change.
    Raises KeyError for an unknown estimator, and ValueError for wrong settings or wrong
    samples. The message names the argument if its shape is wrong, or if values are missing,
    masked, complex, not finite, or not numbers that float64 can hold. Warns (UserWarning)
    before a call that is expected to take long (expected.py).

    Examples
    --------
    Four inputs of two classes, and a layer with one unit that separates the classes:

    >>> import infoplane
    >>> t, y = [[0.1], [0.2], [0.8], [0.9]], [0, 0, 1, 1]
    >>> layer = infoplane.estimate(t, y, estimator="binned", n_bins=2)
    >>> layer.ixt.value, layer.ity.value
    (1.0, 1.0)
    >>> layer.ity.quantity
    'I(bins of T; Y), 2 bins'
    >>> layer.ity.changes.split(",")[0]
    'finer bins give more bits'

    print(layer) says all of it: value, quantity, interval and its kind, cap, flags, and what
    would change the value.
    """
    beside = ("x", "centres", "sigma", "draws", "whole", "unseen", "shape", "shape_x")
    asked = _chosen(estimator, settings, beside)
    inputs = {"whole": whole, "unseen": unseen, "shape": shape, "shape_x": shape_x}
    samples = Samples.of(t, y, x, centres=centres, sigma=sigma, draws=draws, **inputs)
    n, d = samples.n_inputs * samples.n_draws, samples.n_units
    _warn_if_long(asked, samples.t, n, d, 0 if x is None else samples.x.shape[1])
    random = "" if samples.is_deterministic else "a network whose T is random given X"
    network = random if samples.centres is None else "the noisy network"
    return asked.session()([samples])[0].stated(asked.statements(network))


def mutual_information(
    a,
    b,
    *,
    shape_a: Sequence[int] = (),
    shape_b: Sequence[int] = (),
    estimator: str = "ksg",
    **settings,
) -> Information:
    """Estimate I(A;B) of any two variables, in bits.

    a : array, tensor, table or list of rows, (n, d_a)
    b : (n, d_b) numbers, or (n,) labels
    shape_a, shape_b : (channels, height, width) of a row of a, and of b, if these are flattened
        maps; for estimators that read maps, such as critics with convolutions
    settings : of the estimator, for example k=5
    Returns a record with value, interval, stderr, cap, flags, quantity, and what would change
    the value (`Information`).
    Raises and warns like `estimate`; also raises ValueError if the estimator only works on
    layers.

    Examples
    --------
    Two Gaussian variables with correlation 0.8 have −log2(1 − 0.8²) / 2 = 0.74 bits of
    information:

    >>> import numpy as np
    >>> import infoplane
    >>> a, noise = np.random.default_rng(0).normal(size=(2, 2000, 1))
    >>> found = infoplane.mutual_information(a, 0.8 * a + 0.6 * noise, estimator="ksg", k=5)
    >>> abs(found.value - 0.74) < 0.1
    True
    """
    asked = _chosen(estimator, settings, ("shape_a", "shape_b"))
    pair = Pair.of(a, b, shapes=(shape_a, shape_b))
    d_b = 0 if pair.is_labelled else pair.b.shape[1]
    _warn_if_long(asked, pair.a, pair.n, pair.a.shape[1], d_b)
    return asked.session().judged(pair)


def _warn_if_long(estimator: Estimator, values, n: int, d: int, features: int) -> None:
    """Warns before a call that will take long, for samples on the CPU."""
    message = "" if values.is_cuda else expected.warning(estimator, n, d, features)
    if message:
        warnings.warn(message, UserWarning, stacklevel=3)


def _chosen(name: str, settings: dict, beside: tuple[str, ...] = ()) -> Estimator:
    """The estimator of this name with its settings; beside : other arguments of the call."""
    method = ESTIMATORS[name]
    try:
        return method(method.Settings(estimator=name, **settings))
    except ValidationError as error:
        known = [key for key in method.Settings.model_fields if key != "estimator"]
        lines = mistakes(error, known, beside)
    raise ValueError("\n".join(f"estimator {name}: {line}" for line in lines))
