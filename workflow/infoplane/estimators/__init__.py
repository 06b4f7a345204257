"""Estimators of I(X;T) and I(T;Y): one file a method, all with the same interface.

An estimator is a module with

    class Settings(infoplane.settings.Settings)
        `estimator: Literal["name"]` and its keys
    def estimate(samples: Samples, settings: Settings) -> Information
        one layer at one epoch of one seed

and, where it gains from them,

    def estimate_batch(batch: Sequence[Samples], settings, survey=None) -> list[Information]
        many at once: the same layer at several epochs of several seeds
    def needs_survey(settings) -> bool
    def survey(batch: Sequence[Samples], settings, so_far=None) -> object
        a first pass over everything that will be measured, for what depends on all of it
        (a bin range that is global over training); its last result is handed to
        estimate_batch
"""

from infoplane.samples import Information, Samples
from infoplane.table import Table

ESTIMATORS = Table(
    "estimator",
    {
        "binned": "infoplane.estimators.binned",
        "kde": "infoplane.estimators.kde",
    },
)


def estimate(t, y, *, x=None, estimator: str = "kde", **settings) -> Information:
    """I(X;T) and I(T;Y) of one layer, in bits: the call for notebooks.

    t : array or tensor (n_inputs, n_units), or (n_inputs, n_draws, n_units)
    y : (n_inputs,) labels
    x : (n_inputs, n_features), for estimators that work on pairs
    settings : the estimator's own, for example noise_variance=0.1
    Raises KeyError for an unknown estimator, pydantic.ValidationError for wrong settings,
    ValueError where the samples have wrong shapes or values that are not finite.
    """
    module = ESTIMATORS[estimator]
    chosen = module.Settings(estimator=estimator, **settings)
    return module.estimate(Samples.of(t, y, x), chosen).with_saturation()
