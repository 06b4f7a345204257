"""The values behind interactive figures: one run by one estimator, as arrays.

A sheet has means over seeds, (layer, epoch), and values of single seeds, (seed, layer, epoch).
A page holds it as text (`written`); there and here points are taken from it by `interactive`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from infoplane.figures import bins, caps, plane, sentences, style, tables
from infoplane.figures.information_plane import InformationPlane
from infoplane.figures.training_curves import TrainingCurves
from infoplane.information import WHY_NONE

DIGITS = 4
"""Decimals of a value on a page: a ten-thousandth of a bit."""
UNSAID = ("deterministic", "not_a_bound")
"""Flags that either all values of a layer have or none; the caption states them."""
NUMBERS = ("ixt", "ixt_low", "ixt_high", "ity", "ity_low", "ity_high", "cap")
"""Numbers of every point, in bits."""
SPREADS = ("ixt_sd", "ity_sd", "n")
"""Further numbers of a mean: standard deviations over seeds in bits, number of seeds."""
WORDS = ("ixt_kind", "ity_kind", "flags")
"""Texts of every point: kinds of intervals, with why there is none, and flags."""
HOLLOW = "hollow"
"""Whether a point is drawn hollow: it is saturated or above an entropy; of a mean, any seed."""
WRONG = "wrong"
"""Of a mean: whether most seeds break the data processing inequality."""


class Sheet(NamedTuple):
    """Values in bits of one run by one estimator.

    run, estimator : names; quantities : those behind I(X;T) and I(T;Y), in words
    changes : what would change them, in a sentence, or nothing
    second : "Y", or "X̂" if that is a reconstruction
    layers : from input to output; epochs : those that were measured
    seeds : seeds drawn one by one; n_seeds : number of averaged seeds
    means : NUMBERS, SPREADS, WORDS, HOLLOW and WRONG, each (n_layers, n_epochs)
    of_seeds : NUMBERS, WORDS and HOLLOW, each (n_drawn, n_layers, n_epochs)
    limits : of the axes I(X;T) and I(T;Y); lines : reference lines of each, by name
    left_out : the missing seeds and the reasons, in words
    """

    run: str
    estimator: str
    quantities: tuple[str, str]
    changes: str
    second: str
    layers: list[str]
    epochs: list[int]
    seeds: list[int]
    n_seeds: int
    means: dict[str, np.ndarray]
    of_seeds: dict[str, np.ndarray]
    limits: plane.View
    lines: tuple[dict[str, float], dict[str, float]]
    left_out: str

    @classmethod
    def of(cls, information: pd.DataFrame, seeds: int | None = None) -> "Sheet | None":
        """The sheet of a table of information of one run and one estimator.

        seeds : how many are drawn one by one at most; None: all
        Returns None if no layer was measured in both quantities.
        """
        numbers = InformationPlane.numbers(information)
        if numbers[["ixt_mean", "ity_mean"]].dropna().empty:
            return None
        layers = tables.layers_of(numbers)
        epochs = sorted(int(epoch) for epoch in numbers.epoch.unique())
        gone = {*tables.failed_seeds(information), *tables.set_aside_seeds(information)}
        kept = [int(s) for s in information.seed.unique() if s not in gone]
        drawn = kept[:seeds]
        of_caps = caps.lines(caps.grouped(numbers))
        return cls(
            run=str(numbers.run.iloc[0]),
            estimator=str(numbers.estimator.iloc[0]),
            quantities=(str(numbers.quantity_ixt.iloc[0]), str(numbers.quantity_ity.iloc[0])),
            changes=sentences.changes(numbers),
            second=tables.second(numbers),
            layers=layers,
            epochs=epochs,
            seeds=drawn,
            n_seeds=len(kept),
            means=_means(numbers, layers, epochs),
            of_seeds=_of_seeds(information, drawn, layers, epochs),
            limits=plane.whole(numbers),
            lines=(
                tables.line(numbers, "entropy_x") | of_caps,
                tables.line(numbers, "entropy_y"),
            ),
            left_out=tables.left_out(numbers),
        )

    @property
    def title(self) -> str:
        """The run and the estimator, where they have names of their own."""
        return f"{self.run}, {self.estimator}"

    @property
    def measured(self) -> list[str]:
        """Layers that have a value at any epoch."""
        there = np.isfinite(self.means["ixt"]) | np.isfinite(self.means["ity"])
        return [
            x for x, any_there in zip(self.layers, there.any(axis=1), strict=True) if any_there
        ]


class Training(NamedTuple):
    """Metrics of the networks of one run over epochs; those by layer are in still figures.

    epochs : places of bins, as in training_curves; ends : the first and the last epoch
    layers : one, without a name
    means : {metric}, {metric}_sd and n, each (1, n_epochs); of_seeds : {metric},
    (n_drawn, 1, n_epochs)
    panels : for each label the metrics that share its axis, by what distinguishes them
    """

    run: str
    layers: list[str]
    epochs: list[float]
    ends: tuple[int, int]
    seeds: list[int]
    n_seeds: int
    means: dict[str, np.ndarray]
    of_seeds: dict[str, np.ndarray]
    panels: dict[str, dict[str, str]]

    @classmethod
    def of(cls, metrics: pd.DataFrame, seeds: int | None = None) -> "Training | None":
        """The training from a run's table of metrics; None if there is nothing to draw.

        seeds : how many are drawn one by one at most; None: all
        """
        numbers = TrainingCurves.numbers(metrics)
        numbers = numbers[numbers.layer == ""] if len(numbers) else numbers
        declared = [m for m in numbers.attrs["metrics"] if not m.by_layer]
        shown = [m for m in declared if f"{m.name}_mean" in numbers]
        shown = [m for m in shown if numbers[f"{m.name}_mean"].notna().any()]
        if not shown:
            return None
        gone = {*tables.seeds_that_failed(metrics), *tables.set_aside_seeds(metrics)}
        kept = [int(s) for s in metrics.seed.unique() if s not in gone]
        names = [metric.name for metric in shown]
        epochs = sorted(numbers.epoch.unique())
        means = {"n": numbers.n_seeds.to_numpy()[None]}
        for name in names:
            means[name] = numbers[f"{name}_mean"].to_numpy()[None]
            means[f"{name}_sd"] = numbers[f"{name}_sd"].to_numpy()[None]
        rows = metrics[metrics.seed.isin(kept[:seeds]) & (metrics.layer == "")]
        rows = rows.assign(epoch=rows.epoch.map(bins.of_epochs(metrics.epoch).epoch), layer="")
        binned = (
            rows.groupby(["seed", "layer", "epoch"], sort=False)[names].mean().reset_index()
        )
        axes = {"seed": kept[:seeds], "layer": [""], "epoch": epochs}
        of_label = tables.panels(shown)
        return cls(
            run=str(numbers.run.iloc[0]),
            layers=[""],
            epochs=[float(epoch) for epoch in epochs],
            ends=bins.ends(numbers),
            seeds=kept[:seeds],
            n_seeds=len(kept),
            means=means,
            of_seeds=_arrays(binned, names, axes),
            panels={
                " ".join(label.split()): {part: m.name for part, m in members.items()}
                for label, members in of_label.items()
            },
        )


def written(arrays: dict[str, np.ndarray]) -> dict:
    """Arrays as JSON: the values of each in order, or one value if all are equal; for texts,
    the distinct ones and the index of each. Values that are not finite are null."""
    result = {}
    for name, array in arrays.items():
        flat = array.ravel()
        if flat.dtype == object:
            texts, places = np.unique(flat.astype(str), return_inverse=True)
            result[name] = {"of": texts.tolist(), "at": places.tolist()}
        elif flat.dtype == bool:
            result[name] = flat.astype(int).tolist()
        else:
            finite = np.isfinite(flat)
            rounded = np.where(finite, flat.round(DIGITS), 0.0).tolist()
            result[name] = [x if ok else None for x, ok in zip(rounded, finite, strict=True)]
        values = result[name].get("at") if isinstance(result[name], dict) else result[name]
        if len(set(values)) == 1:
            every = result[name]["of"][0] if isinstance(result[name], dict) else values[0]
            result[name] = {"every": every}
    return result


def _means(numbers: pd.DataFrame, layers: list[str], epochs: list[int]) -> dict:
    """Columns of tables.by_epoch_and_layer as arrays (n_layers, n_epochs)."""
    values = pd.DataFrame(
        {
            "layer": numbers.layer,
            "epoch": numbers.epoch,
            "cap": numbers.ixt_cap,
            "n": numbers.n_seeds,
            "flags": _counted(numbers),
            HOLLOW: numbers.n_hollow > 0,
            WRONG: numbers.index.isin(plane.violating(numbers).index),
        }
    )
    for of in tables.VALUES:
        values[of], values[f"{of}_sd"] = numbers[f"{of}_mean"], numbers[f"{of}_sd"]
        values[f"{of}_low"] = numbers[f"{of}_interval_low_mean"]
        values[f"{of}_high"] = numbers[f"{of}_interval_high_mean"]
        values[f"{of}_kind"] = _kinds(numbers, of)
    names = (*NUMBERS, *SPREADS, *WORDS, HOLLOW, WRONG)
    return _arrays(values, names, {"layer": layers, "epoch": epochs})


def _of_seeds(
    information: pd.DataFrame, seeds: list[int], layers: list[str], epochs: list[int]
) -> dict:
    """Columns of an information table as arrays (n_seeds, n_layers, n_epochs)."""
    rows = information[information.seed.isin(seeds)]
    flags = rows["flags"].fillna("")
    hollow = [tables.has_flag(flags, flag) for flag in tables.HOLLOW]
    said = {text: _said(text) for text in flags.unique()}
    values = rows[["seed", "layer", "epoch", *tables.VALUES]].assign(
        cap=rows.ixt_cap, flags=flags.map(said), **{HOLLOW: np.any(hollow, axis=0)}
    )
    for of in tables.VALUES:
        values[f"{of}_low"] = rows[f"{of}_interval_low"]
        values[f"{of}_high"] = rows[f"{of}_interval_high"]
        values[f"{of}_kind"] = _kinds(rows, of)
    names = (*NUMBERS, *WORDS, HOLLOW)
    return _arrays(values, names, {"seed": seeds, "layer": layers, "epoch": epochs})


def _kinds(table: pd.DataFrame, of: str) -> pd.Series:
    """Kinds of intervals in words, with why there is none: "none: outside of …"."""
    kinds = table[tables.KIND_OF[of]].fillna("none").astype(str)
    said = table.get(tables.WHY_OF[of], pd.Series("", table.index)).fillna("")
    words = {text: _reasons(text) for text in said.unique()}
    return kinds.where(kinds != "none", kinds + said.map(words))


def _reasons(text: str) -> str:
    """Reasons from a cell of tables.WHY_OF: ": outside of what was tested (dimensions)"."""
    reasons = [part.partition(" ")[0] for part in text.split("|") if part]
    return f": {'; '.join(WHY_NONE[reason] for reason in reasons)}" if reasons else ""


def _arrays(values: pd.DataFrame, names: Sequence[str], axes: dict[str, list]) -> dict:
    """Columns as arrays over the axes; where there is no row NaN, "" or False."""
    places = pd.MultiIndex.from_product(axes.values(), names=[*axes])
    wide = values.set_index([*axes])[list(names)].reindex(places)
    shape, arrays = tuple(map(len, axes.values())), {}
    for name in names:
        column = wide[name]
        if name in WORDS:
            column = column.astype(object).fillna("")
        elif name in (HOLLOW, WRONG):
            column = column.eq(True)
        arrays[name] = column.to_numpy().reshape(shape)
    return arrays


def _counted(numbers: pd.DataFrame) -> list[str]:
    """Flags of a mean's seeds in words: "saturated in 3 of 10 seeds"."""
    counts = {flag: numbers[f"n_{flag}"].to_numpy() for flag in tables.COUNTED}
    counts = {f: n for f, n in counts.items() if f not in UNSAID and n.any()}
    of = tables.n_measured(numbers).to_numpy()
    texts = []
    for i in range(len(numbers)):
        found = [
            f"{_words(f)} in {int(n[i])} of {int(of[i])}" for f, n in counts.items() if n[i]
        ]
        texts.append(f"{', '.join(found)} seeds" if found else "no flags")
    return texts


def _said(flags: str) -> str:
    """Flags of one value in words: "saturated, not converged"."""
    found = [_words(flag) for flag in flags.split("|") if flag and flag not in UNSAID]
    return ", ".join(found) or "no flags"


def _words(flag: str) -> str:
    return flag.replace("_", " ").replace("dpi", "DPI")


def bits(value: float) -> str:
    """A number as a figure writes it; a dash if there is none."""
    return style.bits(value) if np.isfinite(value) else "–"
