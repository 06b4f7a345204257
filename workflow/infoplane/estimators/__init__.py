"""Estimators of I(X;T) and I(T;Y): one file a method, all with the same interface.

An estimator is a module with

    class Settings(infoplane.settings.Settings)
        `estimator: Literal["name"]` and its keys

and one of

    def between(pair: Pair, settings) -> MutualInformation
        two variables; I(T;Y) and, where x is given, I(X;T) follow from it
    def estimate(samples: Samples, settings) -> Information
        one layer at one epoch of one seed, for methods on a layer's activations alone;
        `between` beside it, where the method can also treat two variables

and, where it gains from them,

    def between_batch(pairs: Sequence[Pair], settings, memory) -> list[MutualInformation]
    def estimate_batch(batch: Sequence[Samples], settings, survey=None) -> list[Information]
        many at once: layers, epochs, seeds
    def needs_survey(settings) -> bool
    def survey(batch: Sequence[Samples], settings, so_far=None) -> object
        a first pass over everything that will be measured, for what depends on all of it
        (a bin range that is global over training); its last result is handed to
        estimate_batch
    def remembers(settings) -> bool
        True: `memory`, a dict that lives as long as the measurement, is handed to
        between_batch, epochs come in order
    TRAITS = Traits(trains=True, ...)
        what it declares of itself: what else it needs, whether it trains networks, is exact,
        says nothing of pooled draws, … (traits.py lists all, with their defaults)
"""

import warnings

from pydantic import ValidationError

from infoplane.estimators import expected, interface
from infoplane.samples import Information, MutualInformation, Pair, Samples
from infoplane.settings import mistakes
from infoplane.table import Table

ESTIMATORS = Table(
    "estimator",
    {
        "binned": "infoplane.estimators.binned",
        "exact": "infoplane.estimators.exact",
        "kde": "infoplane.estimators.kde",
        "ksg": "infoplane.estimators.ksg",
        "kl": "infoplane.estimators.kl",
        "sliced": "infoplane.estimators.sliced",
        "edge": "infoplane.estimators.edge",
        "renyi": "infoplane.estimators.renyi",
        "sp": "infoplane.estimators.sp",
        "clustering": "infoplane.estimators.clustering",
        "lnn": "infoplane.estimators.lnn",
        "lga": "infoplane.estimators.lga",
        "mine": "infoplane.estimators.mine",
        "nwj": "infoplane.estimators.nwj",
        "infonce": "infoplane.estimators.infonce",
        "smile": "infoplane.estimators.smile",
        "js": "infoplane.estimators.js",
        "compressed": "infoplane.estimators.compressed",
    },
    open=True,
    functions=("between", "estimate", "between_batch", "estimate_batch"),
)


def estimate(
    t,
    y,
    *,
    x=None,
    centres=None,
    sigma=None,
    draws: bool = False,
    estimator: str = "kde",
    **settings,
) -> Information:
    """I(X;T) and I(T;Y) of one layer, in bits: the call for notebooks.

    t : array, tensor, table or list of rows, (n_inputs, n_units); with draws=True
        (n_inputs, n_draws, n_units), several draws of each input
    y : (n_inputs,) or (n_inputs, 1) labels
    x : (n_inputs, …), features, for estimators that work on pairs; without it these give
        I(T;Y) alone, flagged 'needs_x'
    centres, sigma : of a noisy layer, t before its own noise, of the shape of t, and the
        standard deviation of this noise on each unit; for estimators of noisy layers (sp),
        which without them answer with NaN, flagged 'needs_noise'
    settings : the estimator's own, for example noise_variance=0.1
    Half precision is widened to float32, other numbers to float32 or float64, whichever holds
    them exactly. Global settings of torch and NumPy neither matter nor change.
    Raises KeyError for an unknown estimator; ValueError for wrong settings, and naming the
    argument where samples have wrong shapes, or values that are missing, masked, complex, not
    finite, or no numbers that float64 holds. Warns (UserWarning) before it starts where it is
    expected to take long (expected.py).
    """
    module, chosen = _chosen(estimator, settings, ("x", "centres", "sigma", "draws"))
    samples = Samples.of(t, y, x, centres=centres, sigma=sigma, draws=draws)
    n, d = samples.n_inputs * samples.n_draws, samples.n_units
    _warn_if_long(module, chosen, samples.t, n, d, 0 if x is None else samples.x.shape[1])
    return interface.estimate_batch(module, [samples], chosen)[0]


def mutual_information(a, b, *, estimator: str = "ksg", **settings) -> MutualInformation:
    """I(A;B) in bits of any two variables.

    a : array, tensor, table or list of rows, (n, d_a)
    b : (n, d_b) numbers, or (n,) labels
    settings : the estimator's own, for example k=5
    Returns a record with value, lower, upper, stderr, cap, flags.
    Raises and warns as `estimate` does; ValueError too where the estimator works on layers
    alone.
    """
    module, chosen = _chosen(estimator, settings)
    pair = Pair.of(a, b)
    d_b = 0 if pair.is_labelled else pair.b.shape[1]
    _warn_if_long(module, chosen, pair.a, pair.n, pair.a.shape[1], d_b)
    return interface.between(module, pair, chosen)


def _warn_if_long(module, settings, values, n: int, d: int, features: int) -> None:
    """Warns before a call that will take long, for samples on the CPU."""
    message = "" if values.is_cuda else expected.warning(module, settings, n, d, features)
    if message:
        warnings.warn(message, UserWarning, stacklevel=3)


def _chosen(estimator: str, settings: dict, beside: tuple[str, ...] = ()):
    """The module of this name, and its settings; beside : other arguments of the call."""
    module = ESTIMATORS.complete(estimator)
    try:
        return module, module.Settings(estimator=estimator, **settings)
    except ValidationError as error:
        known = [key for key in module.Settings.model_fields if key != "estimator"]
        lines = mistakes(error, known, beside)
    raise ValueError("\n".join(f"estimator {estimator}: {line}" for line in lines))
