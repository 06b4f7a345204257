"""The metrics of a network over training, declared by its trainer."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import bins, sentences, style, tables
from infoplane.figures.figure import Figure
from infoplane.figures.gradient_noise import COLUMNS, GRADIENTS
from infoplane.training.trainer import Metric

DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))


class TrainingCurves(Figure):
    """One panel per quantity over epochs: loss, accuracy, on training and on test inputs; a
    quantity by layer has one line per layer. Gradients have their own figure."""

    of = "run"

    @classmethod
    def numbers(cls, metrics: pd.DataFrame) -> pd.DataFrame:
        """Means over bins of epochs, and means and spreads of these over seeds: one row per
        bin, and one per bin and layer.

        metrics : the metrics table of one run, NaN where there is no number; its attrs
            declare the `metrics`
        Returns run, the bin (epoch, first_epoch, last_epoch, n_epochs), layer ("" of the
        network), {metric}_mean, {metric}_sd, n_seeds, seeds_left_out and seeds_set_aside: seeds
        whose training failed, or that are set aside.
        """
        declared = _shown(metrics.attrs["metrics"])
        columns = [metric.name for metric in declared]
        if not columns:
            nothing = pd.DataFrame(columns=["run", "epoch", *bins.ADDED, "layer"])
            nothing.attrs |= {"metrics": [], "why": "its trainer declares no metrics"}
            return nothing
        tables.require(metrics, ["run", "seed", "epoch", "layer", *columns], "metrics")
        run = tables.only(metrics, "run", "metrics")
        failed = tables.seeds_that_failed(metrics)
        aside = tables.set_aside_seeds(metrics)
        kept = metrics[~metrics.seed.isin([*failed, *aside])]
        parts = []
        for by_layer in (False, True):
            own = [metric.name for metric in declared if metric.by_layer == by_layer]
            rows = kept[(kept.layer != "") == by_layer]
            if own and len(rows):
                parts.append(bins.over_seeds(rows, ["layer"], own))
        columns = ["run", "epoch", *bins.ADDED, "layer"]
        result = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
        result = result.assign(run=run, **tables.naming(metrics, failed, aside))
        result = result[[*columns, *result.columns.drop(columns)]]
        result.attrs["metrics"] = declared
        return result

    @classmethod
    @style.styled
    def draw(cls, metrics: pd.DataFrame) -> Drawn:
        """One panel per quantity: mean over seeds with a band of ±1 sd."""
        shown = cls.numbers(metrics)
        panels = tables.panels(shown.attrs["metrics"])
        n_rows = -(-len(panels) // 2)
        figure = style.new_figure(6.9, 2.4 * max(1, n_rows))
        if shown.empty or not panels:
            why = (
                "all failed or were set aside" if panels else "its trainer declares no metrics"
            )
            return style.blank(figure, f"nothing to draw: {why}")
        places = figure.subplots(n_rows, min(2, len(panels)), squeeze=False).flatten()
        for axes in places[len(panels) :]:
            axes.remove()
        for axes, (label, members) in zip(places, panels.items(), strict=False):
            style.epoch_axis(axes, bins.ends(shown))
            axes.set_ylabel(label)
            for i, (part, metric) in enumerate(members.items()):
                dashes = DASHES[i % len(DASHES)]
                if not metric.by_layer:
                    _line(axes, shown[shown.layer == ""], metric, i, dashes, part)
                    continue
                layers = tables.layers_of(shown[shown.layer != ""])
                for place, layer in enumerate(layers):
                    name = f"{layer}, {part}" if len(members) > 1 else layer
                    _line(axes, shown[shown.layer == layer], metric, place, dashes, name)
            _limits(axes, members.values())
            if axes.lines and any(metric.by_layer for metric in members.values()):
                legend = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
                # Beside the last of an odd number there is room enough.
                room = len(panels) % 2 and len(panels) > 1 and axes is places[len(panels) - 1]
                legend.set_in_layout(not room)
            elif axes.lines:
                axes.legend(loc="best")
        notes = (
            [f"mean of {tables.seeds_text(shown)}, bands ±1 sd"]
            if shown.n_seeds.max() > 1
            else []
        )
        style.note(figure, [bins.text(shown), *notes, tables.left_out(shown)])
        return figure

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        drawn = [m for m in numbers.attrs["metrics"] if numbers[f"{m.name}_mean"].notna().any()]
        by_layer = [m for m in drawn if m.by_layer]
        parts = {metric.name.rpartition("_")[2] for metric in drawn}
        where = {"train": "the training", "test": "the test"}
        sets = " and ".join(text for part, text in where.items() if part in parts)
        text = _listed(drawn)
        return [
            f"{text} of {numbers.run.iloc[0]} over training "
            f"({sentences.epochs(numbers)}){f', on {sets} set' if sets else ''}.",
            f"{_listed(by_layer)}: one line per layer." if by_layer else "",
            "There is no test set." if "train" in parts and "test" not in parts else "",
            sentences.binned(numbers, "mean"),
            sentences.seeds(numbers, "bands are ±1 standard deviation over seeds"),
        ]

    @classmethod
    def at_the_end(cls, numbers: pd.DataFrame) -> str:
        rows = numbers[numbers.layer == ""]
        if rows.empty:
            return ""
        row = rows[rows.epoch == rows.epoch.max()].iloc[0]
        first, end = int(row.first_epoch), int(row.last_epoch)
        at = f"epochs {first} to {end}" if end > first else f"epoch {end}"
        ends = []
        for label, members in tables.panels(numbers.attrs["metrics"]).items():
            values = {
                part: sentences.value(row[f"{metric.name}_mean"])
                for part, metric in members.items()
                if not metric.by_layer and pd.notna(row[f"{metric.name}_mean"])
            }
            if values:
                of_parts = ", ".join(f"{part} {text}" for part, text in values.items())
                ends.append(f"{sentences.in_words(label)}: {of_parts}")
        return f"At the end, {at}: {'; '.join(ends)}." if ends else ""


def _shown(declared: Iterable[Metric]) -> list[Metric]:
    """Metrics that are drawn here; gradients have their own figure, if it can be drawn."""
    declared = list(declared)
    elsewhere = GRADIENTS if {m.name for m in declared} >= {*COLUMNS} else ()
    return [metric for metric in declared if metric.name not in elsewhere]


def _line(axes, rows: pd.DataFrame, metric: Metric, place: int, dashes, name: str) -> None:
    known = rows[rows[f"{metric.name}_mean"].notna()]  # some have no value at some epochs
    if known.empty:
        return
    mean, sd = known[f"{metric.name}_mean"], known[f"{metric.name}_sd"]
    # a line alone would show neither a single epoch nor the epochs at which it is known
    sparse = len(known) == 1 or len(known) < len(rows) - 1
    dot, colour = "o" if sparse else "", style.look(place)["color"]
    axes.plot(known.epoch, mean, marker=dot, ms=3, label=name, color=colour, linestyle=dashes)
    axes.fill_between(known.epoch, mean - sd, mean + sd, color=colour, alpha=0.2, lw=0)


def _listed(metrics: Iterable[Metric]) -> str:
    """Their quantities in words: "loss in nats and accuracy"."""
    text = sentences.listed(map(sentences.in_words, tables.panels(metrics)))
    return f"{text[:1].upper()}{text[1:]}"


def _limits(axes, members: Iterable[Metric]) -> None:
    """From 0 if small is good; for a share with large values as good ones, close to 1."""
    better = {metric.better for metric in members}
    low, high = axes.dataLim.intervaly
    if better == {"lower"} and low >= 0:
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    elif better == {"higher"} and low >= 0 and high <= 1:
        # accuracies that differ by less than 0.1 should look alike
        axes.set_ylim(max(min(axes.get_ylim()[0] - 0.02, 0.9), 0), 1.02)
