"""Information planes of several runs side by side (tanh and ReLU), one estimator."""

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import panels, sentences, style, tables
from infoplane.figures.figure import Figure


class Comparison(Figure):
    """One plane per run, on the same axes."""

    of = "comparison"
    names_estimator = True

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means and spreads over seeds, one row per run, epoch and layer, in bits.

        information : the information table of one estimator and any number of runs
        Returns the columns of tables.by_epoch_and_layer, with runs in order of appearance; runs
        without any seed are in attrs["runs_left_out"].
        """
        tables.require(information, ["run", "estimator"], "information")
        tables.only(information, "estimator", "information")
        parts = {
            run: tables.by_epoch_and_layer(part)
            for run, part in information.groupby("run", sort=False)
        }
        shown = pd.concat(parts.values(), ignore_index=True)
        # such a run has no row; the caption must still name it
        shown.attrs["runs_left_out"] = [run for run, part in parts.items() if part.empty]
        return shown

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """One plane per run, on the same axes and with the same colours; rows of up to three.

        Takes the arguments of `numbers`.
        """
        shown = cls.numbers(information)
        runs = dict.fromkeys(information.run)
        return panels.side_by_side({str(run): shown[shown.run == run] for run in runs})

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        runs = list(dict.fromkeys(numbers.run))
        parts = [numbers[numbers.run == run] for run in runs]
        left_out = [
            f"{run}: {tables.left_out(part)}."
            for run, part in zip(runs, parts, strict=True)
            if tables.left_out(part)
        ]
        return [
            f"Information planes of {', '.join(runs)} on the same axes: I(T;Y) against I(X;T) "
            "in "
            "bits, one point per epoch and layer, coloured by epoch "
            f"({sentences.epochs(numbers)}).",
            sentences.seeds(
                numbers, "crosses at some epochs are ±1 standard deviation", name=False
            ),
            *left_out,
            *(
                f"{run}: every seed failed or was set aside."
                for run in numbers.attrs.get("runs_left_out", [])
            ),
            *dict.fromkeys(sentences.levels(part) for part in parts),
            sentences.flagged(numbers),
        ]
