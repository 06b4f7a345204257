"""What a figure shows, in plain sentences: captions and alternative texts.

Everything said is read from the figure's own numbers, so that a caption cannot disagree
with what it stands under.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from infoplane.figures import bins, caps, plane, style, tables
from infoplane.table import nearest

UNSAID = ("estimator", "memory_mb", "batch")
"""Settings that a caption leaves out: said apart, or without effect on any number."""
CHOICE = ("schedule", "delta", "distance", "over")
"""Settings of an adaptive schedule that a caption names."""
PLANES = ("information_plane", "comparison", "information_curves")


class Chosen(NamedTuple):
    """Epochs that an adaptive schedule chose for one store, out of the kept ones.

    schedule : its settings
    """

    epochs: int
    kept: int
    schedule: Mapping[str, Any]

    @classmethod
    def of(cls, attributes: Mapping[str, Any], epochs: int) -> list["Chosen"]:
        """What a store of information says of itself; nothing with a fixed schedule."""
        schedule = attributes["measure"]["epochs"]
        adaptive = "delta" in schedule
        return [cls(epochs, attributes["n_kept"], schedule)] if adaptive else []


def caption(
    figure: str,
    numbers: pd.DataFrame,
    settings: Mapping[str, object] | None = None,
    chosen: Sequence["Chosen"] = (),
) -> str:
    """What is drawn, of how many seeds, which were left out, what bands and units are.

    figure : a name out of FIGURES; numbers : what that figure's numbers() returned;
    settings : the estimator's settings, named in the text; chosen : epochs that adaptive
    schedules chose, one entry a store
    Raises KeyError for an unknown figure.
    """
    if figure not in _CAPTIONS:
        raise KeyError(f"no caption for figure '{figure}'.{nearest(figure, _CAPTIONS)}")
    if numbers.empty:
        return "Nothing is drawn: every seed of this run failed or was set aside."
    said = _CAPTIONS[figure](numbers)
    if figure in PLANES:
        said += _estimator(numbers, settings or {})
    said += _chosen(numbers, chosen)
    return " ".join(sentence for sentence in said if sentence)


def alt(figure: str, numbers: pd.DataFrame) -> str:
    """One sentence in place of the image, with the values at the last epoch."""
    if numbers.empty:
        return "An empty figure: every seed failed or was set aside."
    name = figure.replace("_", " ").capitalize()
    runs = " and ".join(dict.fromkeys(numbers.run))
    if "epoch" not in numbers:
        return f"{name} of {runs}, up to {int(numbers.n_draws.max())} draws of an input."
    last = numbers[numbers.epoch == numbers.epoch.max()]
    text = f"{name} of {runs}, {_epochs(numbers)}."
    if figure in PLANES:
        ends = [
            f"{row.layer} {_value(row.ixt_mean)} and {_value(row.ity_mean)}"
            for row in last.itertuples()
        ]
        if len(set(numbers.run)) == 1:
            text += f" At the last epoch I(X;T) and I(T;Y) in bits: {'; '.join(ends)}."
    elif figure == "training_curves":
        row = last.iloc[0]
        first, end = int(row.first_epoch), int(row.last_epoch)
        at = f"epochs {first} to {end}" if end > first else f"epoch {end}"
        text += f" Training accuracy, {at}: {_value(row.accuracy_train_mean)}"
        test = row.accuracy_test_mean
        text += f", test accuracy {_value(test)}." if np.isfinite(test) else "."
    return text


def rst(text: str) -> str:
    """The same text for a reStructuredText file: nothing in it is read as markup."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def _information_plane(numbers: pd.DataFrame) -> list[str]:
    said = [
        f"Information plane of {numbers.run.iloc[0]}: I(T;Y) against I(X;T) in bits, one point "
        f"an epoch and layer, coloured by epoch ({_epochs(numbers)}).",
        "Thin lines join the layers of one epoch; large markers are the last epoch.",
        _seeds(numbers, "crosses at some epochs are ±1 standard deviation over seeds"),
        _levels(numbers),
        _flagged(numbers),
    ]
    if plane.squashed(numbers):
        said.insert(1, "The right panel enlarges the box in the left one.")
    return said


def _comparison(numbers: pd.DataFrame) -> list[str]:
    runs = list(dict.fromkeys(numbers.run))
    parts = [numbers[numbers.run == run] for run in runs]
    left_out = [
        f"{run}: {tables.left_out(part)}."
        for run, part in zip(runs, parts, strict=True)
        if tables.left_out(part)
    ]
    return [
        f"Information planes of {', '.join(runs)} on the same axes: I(T;Y) against I(X;T) in "
        f"bits, one point an epoch and layer, coloured by epoch ({_epochs(numbers)}).",
        _seeds(numbers, "crosses at some epochs are ±1 standard deviation", name=False),
        *left_out,
        *(
            f"{run}: every seed failed or was set aside."
            for run in numbers.attrs.get("runs_left_out", [])
        ),
        *dict.fromkeys(_levels(part) for part in parts),
        _flagged(numbers),
    ]


def _sensitivity(numbers: pd.DataFrame) -> list[str]:
    variants = list(dict.fromkeys(numbers.variant))
    return [
        f"Information planes of {numbers.run.iloc[0]} under {len(variants)} settings "
        f"({'; '.join(variants)}) on the same axes: I(T;Y) against I(X;T) in bits, one point "
        f"an epoch and layer, coloured by epoch ({_epochs(numbers)}).",
        "Under each title: the last hidden layer's I(X;T) at the first epoch, its largest and "
        "at the last epoch. What changes from panel to panel is of the setting.",
        _seeds(numbers, "crosses at some epochs are ±1 standard deviation"),
        _flagged(numbers),
    ]


def _binned_entropy(numbers: pd.DataFrame) -> list[str]:
    found = numbers.drop_duplicates("layer")
    values = "; ".join(
        f"{row.layer} {_value(row.pearson)} and {_value(row.spearman)}"
        for row in found.itertuples()
    )
    return [
        f"I(X;T) of {numbers.run.iloc[0]} by {numbers.estimator.iloc[0]} against H(Bin(T)), in "
        f"bits, a panel a layer, a point an epoch ({_epochs(numbers)}).",
        f"Pearson's and Spearman's correlation over these epochs: {values}.",
        _seeds(numbers, "spread is not shown"),
        _above_entropy(int(numbers.n_above_entropy.sum()), int(numbers.n_seeds.sum())),
    ]


def _window_length(numbers: pd.DataFrame) -> list[str]:
    end, most = int(numbers.end.iloc[0]), int(numbers.n_draws.max())
    drifting = int(numbers.n_drifting.sum())
    several = numbers.n_groups.max() > 1
    return [
        f"Pooled information of {numbers.run.iloc[0]} (pool {numbers.pool.iloc[0]}, windows "
        f"that end at epoch {end}) as a function of the draws r of each input, up to {most}: "
        "H(T|X), I(X;T) and I(T;Y) in bits, a line a layer.",
        "Dashed: log2 r, the most that r draws can show of H(T|X); where H(T|X) follows it, "
        "I(X;T) = H(T) − H(T|X) falls on with r.",
        f"Means over up to {int(numbers.n_groups.max())} seeds or groups of seeds; bands are "
        "±1 standard deviation."
        if several
        else "",
        f"In {drifting} of {int(numbers.n_groups.sum())} windows and layers the weights still "
        "drifted (hollow where most did)."
        if drifting
        else "",
        _above_entropy(int(numbers.n_above_entropy.sum()), int(numbers.n_groups.sum())),
    ]


def _pooled_planes(numbers: pd.DataFrame) -> list[str]:
    runs, planes = dict.fromkeys(numbers.run), list(dict.fromkeys(numbers.plane))
    return [
        f"Information planes of {', '.join(runs)}, {' beside '.join(planes)}, on the same "
        f"axes: I(T;Y) against I(X;T) in bits, coloured by epoch ({_epochs(numbers)}); of a "
        "pool the epoch is a window's last.",
        _seeds(numbers, "crosses are ±1 standard deviation", name=False),
        _levels(numbers),
        _flagged(numbers),
    ]


def _clustering_curves(numbers: pd.DataFrame) -> list[str]:
    return [
        f"Clustering of the activations of {numbers.run.iloc[0]} over training "
        f"({_epochs(numbers)}), every layer: no information, but what binning tracks.",
        "H(Bin(T)) in bits; mean Euclidean distances within and between classes; silhouette; "
        "class-distance normalised variance (CDNV); mean cosines.",
        _seeds(numbers, "bands are ±1 standard deviation over seeds"),
    ]


def _information_curves(numbers: pd.DataFrame) -> list[str]:
    bounds = tables.drawn_bounds(numbers)
    dotted = "Dotted lines are the mean lower and upper bounds of the estimator"
    if numbers[["ity_lower_mean", "ity_upper_mean"]].notna().any(axis=None):
        # said too where none is drawn: a reader of the CSV finds them
        dotted += "; those of I(T;Y) are drawn only where they lie between 0 and H(Y)"
    return [
        f"I(X;T) and I(T;Y) in bits of every layer of {numbers.run.iloc[0]} over training "
        f"({_epochs(numbers)}).",
        _seeds(numbers, "bands are ±1 standard deviation over seeds"),
        f"{dotted}." if bounds else "",
        _levels(numbers),
        _flagged(numbers),
    ]


def _training_curves(numbers: pd.DataFrame) -> list[str]:
    tested = numbers[["loss_test_mean", "accuracy_test_mean"]].notna().any().any()
    return [
        f"Cross-entropy loss in nats and accuracy of {numbers.run.iloc[0]} over training "
        f"({_epochs(numbers)}), on the training {'and the test set' if tested else 'set'}.",
        "" if tested else "There is no test set.",
        _bins(numbers, "mean"),
        _seeds(numbers, "bands are ±1 standard deviation over seeds"),
    ]


def _gradient_noise(numbers: pd.DataFrame) -> list[str]:
    return [
        f"Gradients of {numbers.run.iloc[0]} ({_epochs(numbers)}), every layer: left, the norm "
        "of the mean over an epoch's mini-batches (solid) and of the standard deviation "
        "(dashed), both divided by the norm of the weights; right, the first over the second.",
        "Above 1 the drift rules, below 1 the noise.",
        _bins(numbers, "geometric mean"),
        _seeds(numbers, "bands are ±1 standard deviation of the logarithm", "Geometric mean"),
    ]


_CAPTIONS: dict[str, Callable[[pd.DataFrame], list[str]]] = {
    "information_plane": _information_plane,
    "comparison": _comparison,
    "sensitivity": _sensitivity,
    "binned_entropy": _binned_entropy,
    "window_length": _window_length,
    "pooled_planes": _pooled_planes,
    "clustering_curves": _clustering_curves,
    "information_curves": _information_curves,
    "training_curves": _training_curves,
    "gradient_noise": _gradient_noise,
}


def _seeds(numbers: pd.DataFrame, spread: str, what: str = "Mean", name: bool = True) -> str:
    missing = tables.left_out(numbers) if name else ""
    if numbers.n_seeds.max() > 1:
        text = f"{what} of {tables.seeds_text(numbers)}; {spread}"
    else:
        text = "One seed, so no spread is shown"
    return f"{text}; {missing}." if missing else f"{text}."


def _levels(numbers: pd.DataFrame) -> str:
    """H(X), H(Y) and the cap, in words."""
    entropy_x, entropy_y = numbers.entropy_x.iloc[0], numbers.entropy_y.iloc[0]
    text = f"H(X) = {style.bits(entropy_x)} bits, H(Y) = {style.bits(entropy_y)} bits"
    limits = caps.grouped(numbers)
    if limits is None:
        return f"{text}; the estimator gives no cap."
    if limits.is_entropy and not limits.deviating:
        return f"{text}; the largest I(X;T) that the estimator can return equals H(X)."
    said = caps.text(limits)
    return f"{text}; the cap (the largest I(X;T) that the estimator can return) is {said}."


def _above_entropy(count: int, of: int) -> str:
    """Of a figure that has no hollow points to show it."""
    return f"Of {of} values, {count} above H(X) or H(Y)." if count else ""


def _flagged(numbers: pd.DataFrame) -> str:
    """Counts over all seeds, epochs and layers, or nothing where nothing is flagged."""
    counts = {
        "saturated": int(numbers.n_saturated.sum()),
        "outside the tested regime": int(numbers.n_outside_tested_regime.sum()),
        "not converged": int(numbers.n_not_converged.sum()),
        "with an exploded critic": int(numbers.n_exploded.sum()),
        "of windows in which weights drifted": int(numbers.n_not_stationary.sum()),
        "above H(X) or H(Y)": int(numbers.n_above_entropy.sum()),
        "of activations with heavy tails": int(numbers.n_heavy_tails.sum()),
        "in breach of the data processing inequality": int(numbers.n_violates_dpi.sum()),
        "negative": int(numbers.n_negative.sum()),
    }
    found = [f"{count} {name}" for name, count in counts.items() if count]
    if not found:
        return ""
    hollow = numbers.n_hollow.sum() > 0
    of = int(tables.n_measured(numbers).sum())
    return f"Of {of} values, {', '.join(found)}" + (
        "; a hollow point is saturated, outside the tested regime, of drifting weights, above "
        "H(X) or H(Y), or of heavy tails in at least one seed."
        if hollow
        else "."
    )


def _estimator(numbers: pd.DataFrame, settings: Mapping[str, object]) -> list[str]:
    method = settings.get("estimator", numbers.estimator.iloc[0])
    keys = [
        f"{key} = {value}"
        for key, value in settings.items()
        if key not in UNSAID and value is not None
    ]
    said = [f"Estimator: {method}{' with ' if keys else ''}{', '.join(keys)}."]
    if method == "kde" or numbers.n_not_a_bound.sum() > 0:
        said.append("I(T;Y) is a difference of two bounds of the same side, itself no bound.")
    if numbers.n_deterministic.sum() > 0:
        said.append(
            "T is a function of X, so the true I(X;T) is H(X) or infinite: the values say how "
            "the layers lie in space."
        )
    if numbers.n_needs_x.sum() > 0:
        said.append("I(X;T) needs x, which was not given.")
    if numbers.n_needs_noise.sum() > 0:
        said.append("Layers without noise of their own, as the output, are left out.")
    return said


def _chosen(numbers: pd.DataFrame, chosen: Sequence[Chosen]) -> list[str]:
    """How many epochs adaptive schedules chose, by which rule, and what joins their blocks."""
    by_schedule: dict[tuple, list[Chosen]] = {}
    for one in chosen:
        keys = (one.kept, *(one.schedule[key] for key in CHOICE))
        by_schedule.setdefault(keys, []).append(one)
    said = []
    for (kept, name, delta, distance, over), stores in by_schedule.items():
        counts = sorted({one.epochs for one in stores})
        many = " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
        unit = " bits" if distance == "raw" else " of H(X) and H(Y)"
        said.append(
            f"Measured at {many} of {kept} kept epochs: {name}, δ = {delta:g}{unit}, of "
            f"{'the mean over seeds' if over == 'mean' else 'every seed'}."
        )
    if numbers.get("n_interpolated", pd.Series(0)).sum() > 0:
        said.append("Blocks of seeds have epochs of their own, joined linearly for the mean.")
    return said


def _epochs(numbers: pd.DataFrame) -> str:
    if "n_epochs" in numbers:
        first, last = bins.ends(numbers)
        count = int(numbers.drop_duplicates("epoch").n_epochs.sum())
    else:
        first, last = int(numbers.epoch.min()), int(numbers.epoch.max())
        count = numbers.epoch.nunique()
    return f"epoch {first}" if count == 1 else f"{count} epochs from {first} to {last}"


def _bins(numbers: pd.DataFrame, what: str) -> str:
    """What is averaged over epochs, or nothing where every epoch is drawn."""
    until = bins.single_until(numbers)
    if until is None:
        return ""
    return (
        f"Each point is the {what} over a bin of epochs; the {numbers.epoch.nunique()} bins "
        f"are even on the logarithmic axis and hold one epoch each up to epoch {until}."
    )


def _value(value: float) -> str:
    return style.bits(value) if np.isfinite(value) else "not measured"
