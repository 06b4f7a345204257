"""Captions and alternative texts of figures, in plain sentences.

All sentences are read from the figure's own numbers, so that a caption cannot disagree with its
figure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from infoplane.figures import bins, caps, style, tables
from infoplane.information import WEAKEST, why_none_in_words

UNSAID = ("estimator", "memory_mb", "batch")
"""Settings that a caption leaves out: they are stated elsewhere, or have no effect on any
number."""
CHOICE = ("schedule", "delta", "distance", "over")
"""Settings of an adaptive schedule that a caption names."""


class Chosen(NamedTuple):
    """Epochs that an adaptive schedule chose for one store, out of the kept ones.

    schedule : its settings
    """

    epochs: int
    kept: int
    schedule: Mapping[str, Any]

    @classmethod
    def of(cls, attributes: Mapping[str, Any], epochs: int) -> list["Chosen"]:
        """From the attributes of a store of information; nothing with a fixed schedule."""
        schedule = attributes["measure"]["epochs"]
        adaptive = "delta" in schedule
        return [cls(epochs, attributes["n_kept"], schedule)] if adaptive else []


def seeds(numbers: pd.DataFrame, spread: str, what: str = "Mean", name: bool = True) -> str:
    missing = tables.left_out(numbers) if name else ""
    if numbers.n_seeds.max() > 1:
        text = f"{what} of {tables.seeds_text(numbers)}; {spread}"
    else:
        text = "One seed, so no spread is shown"
    return f"{text}; {missing}." if missing else f"{text}."


def levels(numbers: pd.DataFrame) -> str:
    """H(X), H(Y) and the cap, in words."""
    of_runs = {
        run: tuple(style.bits(tables.level(rows, name)) for name in tables.ENTROPIES)
        for run, rows in numbers.groupby("run", sort=False)
    }
    texts = {
        run: f"H(X) = {x} bits" + ("" if y == style.bits(np.nan) else f", H(Y) = {y} bits")
        for run, (x, y) in of_runs.items()
    }
    text = next(iter(texts.values()))
    if len(set(texts.values())) > 1:
        text = "; ".join(f"{run}: {limits_text}" for run, limits_text in texts.items())
    if numbers.entropies_differ.any():
        text += ", means over seeds and epochs, each measured on its own inputs"
    limits = caps.grouped(numbers)
    if limits is None:
        return f"{text}; the estimator gives no cap."
    if limits.is_entropy and not limits.deviating:
        return f"{text}; the largest I(X;T) that the estimator can return equals H(X)."
    limits_text = caps.text(limits)
    return (
        f"{text}; the cap (the largest I(X;T) that the estimator can return) is {limits_text}."
    )


def named(text: str, numbers: pd.DataFrame) -> str:
    """A caption with the name of the second variable: X̂ if it is a reconstruction."""
    if "second" not in numbers:
        return text
    symbol = tables.second(numbers)
    if symbol != "Y":
        text = text.replace("above H(X) or H(Y)", "above H(X)")
        return (
            text.replace("between 0 and H(Y)", "above 0")
            .replace("; Y)", f"; {symbol})")
            .replace(";Y)", f";{symbol})")
        )
    others = dict.fromkeys(numbers.run[numbers.second != "Y"])
    return text + (f" In {', '.join(others)}, Y is the reconstruction X̂." if others else "")


GUARANTEES = {
    "none": "has none",
    "exact": "is exact",
    "proven": "is proven",
    "calibrated": "is calibrated on problems whose answer is known",
}
"""The meaning of an interval of each kind, in words."""


def intervals(numbers: pd.DataFrame) -> str:
    """The kinds of the intervals, all of them if rows differ; and how many values have none, by
    the reason."""
    of_kind: dict[str, list[str]] = {}
    for of, name in tables.KIND_OF.items():
        there = numbers[numbers[f"{of}_mean"].notna()][name].dropna()
        kinds = [kind for kind in WEAKEST if kind in set(there)]
        if kinds:
            found = " or ".join(GUARANTEES[kind] for kind in kinds if kind != "none")
            if found and "none" in kinds:
                found += ", where there is one"
            found = found or GUARANTEES["none"]
            of_kind.setdefault(found, []).append(tables.QUANTITY[f"quantity_{of}"])
    if set(of_kind) <= {GUARANTEES["none"]}:
        return f"No value has an interval. {without_interval(numbers)}".rstrip()
    texts = [
        f"{' and '.join(of)} {'have' if len(of) > 1 else 'has'} none"
        if found == GUARANTEES["none"]
        else f"the interval of {' and of '.join(of)} {found}"
        for found, of in of_kind.items()
    ]
    text = "; ".join(texts)
    return f"{text[0].upper()}{text[1:]}. {without_interval(numbers)}".rstrip()


def without_interval(numbers: pd.DataFrame) -> str:
    """How many values have no interval, by the reason; nothing if all have one, or if the
    reasons are unknown."""
    of_reason: dict[str, list[str]] = {}
    for of in tables.VALUES:
        for reason, n in tables.n_without(numbers, of).items():
            many = f"{n:,} {'value' if n == 1 else 'values'}"
            told = f"{many} of {tables.QUANTITY[f'quantity_{of}']}"
            of_reason.setdefault(why_none(reason, numbers), []).append(told)
    texts = [f"for {' and '.join(of)}: {reason}" for reason, of in of_reason.items()]
    return f"There is no interval {'; '.join(texts)}." if texts else ""


def why_none(reason: str, numbers: pd.DataFrame) -> str:
    """Why there is no interval, in words; a failed test with its size."""
    by_how_much = "; ".join(filter(None, set(numbers.get("not_calibrated", ()))))
    return why_none_in_words(reason, by_how_much)


def quantities(numbers: pd.DataFrame) -> str:
    """The quantities behind I(X;T) and I(T;Y), if they differ from these."""
    names = ["quantity_ixt", "quantity_ity"]
    pairs = numbers[names].drop_duplicates().itertuples(index=False)
    plain = tuple(tables.QUANTITY[name] for name in names)
    texts = [" and ".join(pair) for pair in pairs if tuple(pair) != plain]
    return f"The figure draws {'; '.join(texts)}." if texts else ""


def changes(numbers: pd.DataFrame) -> str:
    """What would change the values, in the words of their estimator; nothing if several
    estimators differ."""
    return stated_changes([set(numbers.get(f"changes_{of}", [""])) for of in tables.VALUES])


def stated_changes(of_both: Sequence[set[str]]) -> str:
    """The same, from what is stated for I(X;T) and for I(T;Y)."""
    if any(len(said) != 1 or said == {""} for said in of_both):
        return ""
    ixt, ity = (min(said) for said in of_both)
    if ixt == ity:
        return f"What would change the values: {ixt}."
    coordinates = ixt.partition("; of the layer's coordinates, ")
    same, _, of_ity = ity.partition("; of the layer's coordinates, ")
    if coordinates[0] == same:
        return (
            f"What would change the values: {same}; of the layer's coordinates, of I(X;T) "
            f"{coordinates[2]}; of I(T;Y) {of_ity}."
        )
    return f"What would change the values: of I(X;T) {ixt}; of I(T;Y) {ity}."


def ceiling(numbers: pd.DataFrame, where: str) -> str:
    """I(X;Y) of the population behind the inputs, if known and below H(Y). where : its marks in
    the figure"""
    found = tables.ceiling(numbers)
    if found.empty:
        return ""
    ends = dict.fromkeys([found.index[0], found.index[-1]])
    said = ", ".join(f"{style.bits(found[epoch])} bits at epoch {epoch}" for epoch in ends)
    return f"{where} are I(X;Y), which no true I(T;Y) exceeds: {said}."


def above_entropy(count: int, of: int) -> str:
    """For a figure without hollow points."""
    return f"Of {of} values, {_are(count)} above H(X) or H(Y)." if count else ""


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def flagged(numbers: pd.DataFrame) -> str:
    """Counts over all seeds, epochs and layers, or nothing if no value is flagged."""
    counts = {
        "saturated": int(numbers.n_saturated.sum()),
        "not converged": int(numbers.n_not_converged.sum()),
        "from a critic that exploded": int(numbers.n_exploded.sum()),
        "from windows in which weights drifted": int(numbers.n_not_stationary.sum()),
        "above H(X) or H(Y)": int(numbers.n_above_entropy.sum()),
        "from activations with heavy tails": int(numbers.n_heavy_tails.sum()),
        "from degenerate activations": int(numbers.n_degenerate.sum()),
        "in breach of the data processing inequality": int(numbers.n_violates_dpi.sum()),
        "negative": int(numbers.n_negative.sum()),
    }
    counted = [f"{_are(count)} {name}" for name, count in counts.items() if count]
    if not counted:
        return ""
    hollow = numbers.n_hollow.sum() > 0
    of = int(tables.n_measured(numbers).sum())
    return f"Of {of} values, {', '.join(counted)}" + (
        "; a hollow point is saturated or above H(X) or H(Y) in at least one seed."
        if hollow
        else "."
    )


def estimator(numbers: pd.DataFrame, settings: Mapping[str, object]) -> list[str]:
    method = settings.get("estimator", numbers.estimator.iloc[0])
    keys = [
        f"{key} = {value}"
        for key, value in settings.items()
        if key not in UNSAID and value is not None
    ]
    texts = [f"Estimator: {method}{' with ' if keys else ''}{', '.join(keys)}."]
    if method == "kde" or numbers.n_not_a_bound.sum() > 0:
        texts.append("I(T;Y) is a difference of two bounds of the same side, not a bound.")
    if numbers.n_deterministic.sum() > 0:
        texts.append(
            "T is a function of X, so the true I(X;T) is H(X) or infinite: the values describe "
            "the geometry of the layers."
        )
    if numbers.n_needs_x.sum() > 0:
        texts.append("I(X;T) needs x, which was not given.")
    if numbers.n_needs_noise.sum() > 0:
        texts.append("Layers without noise of their own, such as the output, are left out.")
    return texts


def chosen(numbers: pd.DataFrame, of_stores: Sequence[Chosen]) -> list[str]:
    """The number of epochs that adaptive schedules chose, their rule, and how blocks are
    joined."""
    by_schedule: dict[tuple, list[Chosen]] = {}
    for one in of_stores:
        keys = (one.kept, *(one.schedule[key] for key in CHOICE))
        by_schedule.setdefault(keys, []).append(one)
    texts = []
    for (kept, name, delta, distance, over), stores in by_schedule.items():
        counts = sorted({one.epochs for one in stores})
        many = " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
        unit = " bits" if distance == "raw" else " of H(X) and H(Y)"
        texts.append(
            f"The schedule {name} measured {many} of {kept} kept epochs, "
            f"δ = {delta:g}{unit} of "
            f"{'the mean over seeds' if over == 'mean' else 'every seed'}."
        )
    if numbers.get("n_interpolated", pd.Series(0)).sum() > 0:
        texts.append(
            "Blocks of seeds have their own epochs, which are joined linearly for the mean."
        )
    return texts


def of_runs(head: str, runs: Mapping[str, str]) -> list[str]:
    """A text for each run, once if it is the same for all; nothing if it is empty."""
    texts = set(runs.values())
    if texts <= {""}:
        return []
    if len(texts) == 1:
        return [f"{head}: {texts.pop()}."]
    return [f"{head}: {'; '.join(f'{text} in {run}' for run, text in runs.items() if text)}."]


def epochs(numbers: pd.DataFrame) -> str:
    if "n_epochs" in numbers:
        first, last = bins.ends(numbers)
        count = int(numbers.drop_duplicates("epoch").n_epochs.sum())
    else:
        first, last = int(numbers.epoch.min()), int(numbers.epoch.max())
        count = numbers.epoch.nunique()
    return f"epoch {first}" if count == 1 else f"{count} epochs from {first} to {last}"


def binned(numbers: pd.DataFrame, what: str) -> str:
    """The average over epochs, or nothing if every epoch is drawn."""
    until = bins.single_until(numbers)
    if until is None:
        return ""
    return (
        f"Each point is the {what} over a bin of epochs; the {numbers.epoch.nunique()} bins "
        f"are equal on the logarithmic axis and hold one epoch each up to epoch {until}."
    )


def listed(names: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    names = list(names)
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def in_words(label: str) -> str:
    """An axis label within a sentence: "loss in nats"."""
    quantity, _, unit = label.partition("[")
    return f"{quantity.strip()} in {unit.strip(' ]')}" if unit else quantity.strip()


def value(value: float) -> str:
    return style.bits(value) if np.isfinite(value) else "not measured"
