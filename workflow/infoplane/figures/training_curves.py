"""Loss and accuracy over training, on the training and on the test set."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import bins, sentences, style, tables
from infoplane.figures.figure import Figure

SETS = {"train": (style.COLOURS[0], "-"), "test": (style.COLOURS[1], (0, (4, 1.5)))}
QUANTITIES = {"loss": "loss  [nats]", "accuracy": "accuracy"}
COLUMNS = [f"{quantity}_{of}" for quantity in QUANTITIES for of in SETS]


class TrainingCurves(Figure):
    """Two panels over epochs: loss and accuracy."""

    of = "run"

    @classmethod
    def numbers(cls, metrics: pd.DataFrame) -> pd.DataFrame:
        """Means over bins of epochs, and means and spreads of these over seeds, one row a bin.

        metrics : the metrics table of one run: loss in nats, accuracy in [0, 1], NaN where
            there is no test set
        Returns run, the bin (epoch, first_epoch, last_epoch, n_epochs), {column}_mean,
        {column}_sd, n_seeds, seeds_left_out and seeds_set_aside: seeds whose training loss ends
        as NaN, or that are set aside.
        """
        tables.require(metrics, ["run", "seed", "epoch", *COLUMNS], "metrics")
        run = tables.only(metrics, "run", "metrics")
        failed = tables.seeds_that_failed(metrics)
        aside = tables.set_aside_seeds(metrics)
        kept = metrics[~metrics.seed.isin([*failed, *aside])]
        result = bins.over_seeds(kept, [], COLUMNS)
        result.insert(0, "run", run)
        return result.assign(**tables.naming(failed, aside))

    @classmethod
    @style.styled
    def draw(cls, metrics: pd.DataFrame) -> Drawn:
        """Two panels, loss and accuracy: mean over seeds with a band of ±1 sd."""
        shown = cls.numbers(metrics)
        figure = style.new_figure(6.9, 2.4)
        if shown.empty:
            return style.blank(figure, "no seed left to draw: all failed or were set aside")
        for axes, (quantity, label) in zip(
            figure.subplots(1, 2), QUANTITIES.items(), strict=True
        ):
            style.epoch_axis(axes, bins.ends(shown))
            axes.set_ylabel(label)
            for of, (colour, dashes) in SETS.items():
                mean, sd = shown[f"{quantity}_{of}_mean"], shown[f"{quantity}_{of}_sd"]
                if mean.isna().all():
                    continue
                # a single epoch is a point, and a line alone would not show it
                dot = "o" if mean.notna().sum() == 1 else ""
                axes.plot(
                    shown.epoch,
                    mean,
                    color=colour,
                    linestyle=dashes,
                    marker=dot,
                    ms=3,
                    label=of,
                )
                axes.fill_between(
                    shown.epoch, mean - sd, mean + sd, color=colour, alpha=0.2, lw=0
                )
            low, high = axes.get_ylim()
            # accuracies that differ by less than 0.1 should look alike
            low = max(min(low - 0.02, 0.9), 0)
            axes.set_ylim(*((0, 1.05 * high) if quantity == "loss" else (low, 1.02)))
            axes.legend(loc="best")
        said = (
            [f"mean of {tables.seeds_text(shown)}, bands ±1 sd"]
            if shown.n_seeds.max() > 1
            else []
        )
        style.note(figure, [bins.text(shown), *said, tables.left_out(shown)])
        return figure

    @classmethod
    def said(cls, numbers: pd.DataFrame) -> list[str]:
        tested = numbers[["loss_test_mean", "accuracy_test_mean"]].notna().any().any()
        return [
            f"Cross-entropy loss in nats and accuracy of {numbers.run.iloc[0]} over training "
            f"({sentences.epochs(numbers)}), on the training "
            f"{'and the test set' if tested else 'set'}.",
            "" if tested else "There is no test set.",
            sentences.binned(numbers, "mean"),
            sentences.seeds(numbers, "bands are ±1 standard deviation over seeds"),
        ]

    @classmethod
    def at_the_end(cls, numbers: pd.DataFrame) -> str:
        row = numbers[numbers.epoch == numbers.epoch.max()].iloc[0]
        first, end = int(row.first_epoch), int(row.last_epoch)
        at = f"epochs {first} to {end}" if end > first else f"epoch {end}"
        text = f"Training accuracy, {at}: {sentences.value(row.accuracy_train_mean)}"
        test = row.accuracy_test_mean
        return (
            f"{text}, test accuracy {sentences.value(test)}."
            if np.isfinite(test)
            else f"{text}."
        )
