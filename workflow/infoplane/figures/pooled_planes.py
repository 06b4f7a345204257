"""The plane of single epochs next to the plane of pooled ones, run by run."""

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import panels, sentences, style, tables
from infoplane.figures.figure import Figure


class PooledPlanes(Figure):
    """One row of two planes per run: single epochs, and pooled ones."""

    of = "pools"

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means and spreads over seeds, one row per run, plane, epoch and layer, in bits.

        information : rows of single epochs and of windows (`of_windows`) of one estimator, with
        a column `plane`: "single epochs", or what is pooled
        Returns the columns of tables.by_epoch_and_layer after `plane`.
        """
        tables.require(information, ["run", "estimator", "plane"], "information")
        return tables.side_by_side(information, "plane")

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """One row of two planes per run, all on the same axes. Takes the arguments of
        `numbers`."""
        shown = cls.numbers(information)
        parts = {}
        for (run, plane), part in shown.groupby(["run", "plane"], sort=False):
            parts[f"{run}, {plane}"] = part.drop(columns="plane")
        return panels.side_by_side(parts, columns=2)

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        runs, planes = dict.fromkeys(numbers.run), list(dict.fromkeys(numbers.plane))
        return [
            f"Information planes of {', '.join(runs)}, {' and '.join(planes)}, on the same "
            "axes: I(T;Y) against I(X;T) in bits, coloured by epoch "
            f"({sentences.epochs(numbers)}); the "
            "epoch of a pool is the last one of its window.",
            sentences.seeds(numbers, "crosses are ±1 standard deviation", name=False),
            sentences.levels(numbers),
            sentences.flagged(numbers),
        ]


def of_windows(pooled: pd.DataFrame) -> pd.DataFrame:
    """The longest windows of a pool's table as a table of information: a window's end in
    place of an epoch, the seed or the number of a group in place of a seed."""
    longest = pooled[pooled.length == pooled.length.max()]
    return longest.rename(columns={"group": "seed", "end": "epoch"})


def title(pool: pd.DataFrame, over: str) -> str:
    """ "50 epochs pooled"."""
    length = int(pool.length.max())
    what = {"both": "epochs of all seeds", "noise": "random draws"}.get(over, over)
    return f"{length} {what} pooled"
