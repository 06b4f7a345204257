"""The metrics of a network over training, as its trainer declares them."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import bins, sentences, style, tables
from infoplane.figures.figure import Figure
from infoplane.training.trainer import Metric

DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))


class TrainingCurves(Figure):
    """A panel of every quantity over epochs: loss, accuracy, on training and on test inputs."""

    of = "run"

    @classmethod
    def numbers(cls, metrics: pd.DataFrame) -> pd.DataFrame:
        """Means over bins of epochs, and means and spreads of these over seeds, one row a bin.

        metrics : the metrics table of one run, NaN where there is no number; its attrs
            declare the `metrics`
        Returns run, the bin (epoch, first_epoch, last_epoch, n_epochs), {metric}_mean,
        {metric}_sd, n_seeds, seeds_left_out and seeds_set_aside: seeds whose training failed,
        or that are set aside; remarks on others.
        """
        columns = [metric.name for metric in metrics.attrs["metrics"]]
        if not columns:
            nothing = pd.DataFrame(columns=["run", "epoch", *bins.ADDED])
            nothing.attrs |= {"metrics": [], "why": "its trainer declares no metrics"}
            return nothing
        tables.require(metrics, ["run", "seed", "epoch", *columns], "metrics")
        run = tables.only(metrics, "run", "metrics")
        failed = tables.seeds_that_failed(metrics)
        aside = tables.set_aside_seeds(metrics)
        kept = metrics[~metrics.seed.isin([*failed, *aside])]
        result = bins.over_seeds(kept, [], columns)
        result.insert(0, "run", run)
        result = result.assign(**tables.naming(metrics, failed, aside))
        result.attrs["metrics"] = metrics.attrs["metrics"]
        return result

    @classmethod
    @style.styled
    def draw(cls, metrics: pd.DataFrame) -> Drawn:
        """A panel a quantity: mean over seeds with a band of ±1 sd."""
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
                mean, sd = shown[f"{metric.name}_mean"], shown[f"{metric.name}_sd"]
                if mean.isna().all():
                    continue
                # a single epoch is a point, and a line alone would not show it
                dot = "o" if mean.notna().sum() == 1 else ""
                look = {"color": style.look(i)["color"], "linestyle": DASHES[i % len(DASHES)]}
                axes.plot(shown.epoch, mean, marker=dot, ms=3, label=part, **look)
                axes.fill_between(
                    shown.epoch, mean - sd, mean + sd, color=look["color"], alpha=0.2, lw=0
                )
            _limits(axes, members.values())
            if axes.lines:
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
        quantities = list(map(sentences.in_words, tables.panels(drawn)))
        parts = {metric.name.rpartition("_")[2] for metric in drawn}
        where = {"train": "the training", "test": "the test"}
        sets = " and ".join(text for part, text in where.items() if part in parts)
        text = " and ".join(filter(None, [", ".join(quantities[:-1]), *quantities[-1:]]))
        return [
            f"{text[:1].upper()}{text[1:]} of {numbers.run.iloc[0]} over training "
            f"({sentences.epochs(numbers)}){f', on {sets} set' if sets else ''}.",
            "There is no test set." if "train" in parts and "test" not in parts else "",
            sentences.binned(numbers, "mean"),
            sentences.seeds(numbers, "bands are ±1 standard deviation over seeds"),
        ]

    @classmethod
    def at_the_end(cls, numbers: pd.DataFrame) -> str:
        row = numbers[numbers.epoch == numbers.epoch.max()].iloc[0]
        first, end = int(row.first_epoch), int(row.last_epoch)
        at = f"epochs {first} to {end}" if end > first else f"epoch {end}"
        ends = []
        for label, members in tables.panels(numbers.attrs["metrics"]).items():
            values = {
                part: sentences.value(row[f"{metric.name}_mean"])
                for part, metric in members.items()
                if pd.notna(row[f"{metric.name}_mean"])
            }
            if values:
                of_parts = ", ".join(f"{part} {text}" for part, text in values.items())
                ends.append(f"{sentences.in_words(label)}: {of_parts}")
        return f"At the end, {at}: {'; '.join(ends)}." if ends else ""


def _limits(axes, members: Iterable[Metric]) -> None:
    """From 0 where small is good; a share, where large is good, close to 1."""
    better = {metric.better for metric in members}
    low, high = axes.dataLim.intervaly
    if better == {"lower"} and low >= 0:
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    elif better == {"higher"} and low >= 0 and high <= 1:
        # accuracies that differ by less than 0.1 should look alike
        axes.set_ylim(max(min(axes.get_ylim()[0] - 0.02, 0.9), 0), 1.02)
