"""What every estimator offers, called in one way; what all results have in common."""

from collections.abc import Sequence

from infoplane.estimators import regime
from infoplane.estimators.limits import Limits
from infoplane.estimators.traits import traits_of
from infoplane.isolated import isolated
from infoplane.samples import Information, MutualInformation, Pair, Samples


@isolated()
def estimate_batch(
    module, batch: Sequence[Samples], settings, survey=None, memory: dict | None = None
) -> list[Information]:
    """One record a sample: by the module's own batch function, its own function for one, or
    from its mutual information of pairs, (T, Y) and, where there is x, (T, X)."""
    if hasattr(module, "estimate_batch"):
        records = module.estimate_batch(batch, settings, survey)
    elif hasattr(module, "estimate"):
        records = [module.estimate(samples, settings) for samples in batch]
    else:
        records = _from_pairs(module, batch, settings, memory)
    tested, limits = regime.of(module, settings), Limits()
    return [
        _judged(module, samples, limits.of_layer(samples, record.with_saturation()), tested)
        for samples, record in zip(batch, records, strict=True)
    ]


@isolated()
def between_batch(
    module, pairs: Sequence[Pair], settings, memory: dict | None = None
) -> list[MutualInformation]:
    """One record a pair. memory : what an estimator that remembers keeps between calls."""
    if not hasattr(module, "between") and not hasattr(module, "between_batch"):
        raise ValueError(
            f"estimator {settings.estimator} works on a layer's activations and labels, not on "
            "two variables; use infoplane.estimate"
        )
    if hasattr(module, "between_batch"):
        records = module.between_batch(pairs, settings, memory)
    else:
        records = [module.between(pair, settings) for pair in pairs]
    return [record.with_saturation() for record in records]


def between(module, pair: Pair, settings) -> MutualInformation:
    """The record of one pair, flagged where the estimator was not tested, and above H(B)."""
    (record,) = between_batch(module, [pair], settings)
    record = Limits().of_pair(pair, record)
    kind = "labels" if pair.is_labelled else "continuous"
    tested = regime.of(module, settings)
    inside = tested.contains(kind, pair.n, pair.widest, record.value)
    return record if inside else record.with_flag("outside_tested_regime")


def remembers(module, settings) -> bool:
    """Whether results depend on those of the epoch measured before."""
    return hasattr(module, "remembers") and module.remembers(settings)


def needs_fixed_epochs(module, settings) -> str:
    """Why epochs cannot be chosen by what was measured; empty: they can."""
    if remembers(module, settings):
        return "goes on from the epoch before"
    if traits_of(module).without_information:
        return "gives no information that could tell epochs apart"
    return ""


def _from_pairs(module, batch, settings, memory) -> list[Information]:
    # One call for all: estimators that train critics train all of them together.
    has_x = [samples.x is not None for samples in batch]
    pairs = [samples.with_labels() for samples in batch]
    pairs += [samples.with_inputs() for samples in batch if samples.x is not None]
    found = between_batch(module, pairs, settings, memory)
    with_x = iter(found[len(batch) :])
    return [
        _joined(with_y, next(with_x) if x else None)
        for with_y, x in zip(found[: len(batch)], has_x, strict=True)
    ]


def _joined(with_y: MutualInformation, with_x: MutualInformation | None) -> Information:
    """One record of both. Saturation and the cap are those of I(X;T)."""
    flags = [flag for flag in with_y.flags if flag != "saturated"]
    extra = {f"ity_{name}": value for name, value in with_y.extra.items()}
    about_y = {
        "ity": with_y.value,
        "ity_lower": with_y.lower,
        "ity_upper": with_y.upper,
        "ity_stderr": with_y.stderr,
    }
    if with_x is None:
        return Information(ixt=float("nan"), **about_y, flags=(*flags, "needs_x"), extra=extra)
    return Information(
        ixt=with_x.value,
        ixt_lower=with_x.lower,
        ixt_upper=with_x.upper,
        stderr=with_x.stderr,
        cap=with_x.cap,
        **about_y,
        flags=tuple(dict.fromkeys([*with_x.flags, *flags])),
        extra={f"ixt_{name}": value for name, value in with_x.extra.items()} | extra,
    )


def _judged(module, samples: Samples, record: Information, tested) -> Information:
    """The record, flagged where the truth is infinite or the estimator was not tested."""
    traits = traits_of(module)
    if samples.is_deterministic and traits.infinite_without_noise:
        record = record.with_flag("deterministic")
    if traits.exact:
        return record
    n, d = samples.n_inputs * samples.n_draws, samples.n_units
    inside = tested.contains("labels", n, d, record.ity)
    if inside and record.ixt == record.ixt:
        wider = max(d, samples.x.shape[1]) if takes_pairs(module) else d
        kind = "continuous" if takes_pairs(module) else "inputs"
        inside = tested.contains(kind, n, wider, record.ixt)
    return record if inside else record.with_flag("outside_tested_regime")


def takes_pairs(module) -> bool:
    """Whether I(X;T) and I(T;Y) of a layer follow from the information of two variables."""
    return not hasattr(module, "estimate") and not hasattr(module, "estimate_batch")
