"""One run's information planes under several settings of one estimator, as small planes.

What stays the same in all panels belongs to the network; what changes belongs to the setting:
the bins (binned) or the noise (kde) choose the measured quantity.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import panels, sentences, style, tables
from infoplane.figures.figure import Figure


class Sensitivity(Figure):
    """One plane per setting, on the same axes."""

    of = "sweep"

    @classmethod
    def numbers(cls, information: pd.DataFrame) -> pd.DataFrame:
        """Means and spreads over seeds, one row a variant, epoch and layer, in bits.

        information : the information table of one run; column `variant` says which setting
        Returns the columns of tables.by_epoch_and_layer after `variant`, variants in order.
        """
        tables.require(information, ["run", "estimator", "variant"], "information")
        tables.only(information, "run", "information")
        return tables.side_by_side(information, "variant")

    @classmethod
    @style.styled
    def draw(cls, information: pd.DataFrame) -> Drawn:
        """One small plane per variant, all on the same axes; under its title, the fall of the
        last hidden layer after its peak. Takes the arguments of `numbers`.
        """
        shown = cls.numbers(information)
        variants = dict.fromkeys(information.variant)
        # caps differ from panel to panel, and small planes have no room for their names
        shown = shown.drop(columns="variant").assign(ixt_cap=np.nan, panel=shown.variant)
        parts = {str(v): shown[shown.panel == v] for v in variants}
        return panels.side_by_side(parts, {title: fall(part) for title, part in parts.items()})

    @classmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        variants = list(dict.fromkeys(numbers.variant))
        return [
            f"Information planes of {numbers.run.iloc[0]} under {len(variants)} settings "
            f"({'; '.join(variants)}) on the same axes: I(T;Y) against I(X;T) in bits, one "
            "point "
            f"per epoch and layer, coloured by epoch ({sentences.epochs(numbers)}).",
            "Under each title: the last hidden layer's I(X;T) at the first epoch, its largest "
            "and "
            "at the last epoch. Differences between panels come from the setting.",
            sentences.seeds(numbers, "crosses at some epochs are ±1 standard deviation"),
            sentences.flagged(numbers),
        ]


def fall(part: pd.DataFrame) -> str:
    """ "hidden5: 1 → 8.2 → 4.3 bits": first, largest and last I(X;T) of the last hidden layer,
    means over seeds."""
    layers = tables.layers_of(part)
    rows = part[part.layer == layers[max(0, len(layers) - 2)]].sort_values("epoch")
    rows = rows[np.isfinite(rows.ixt_mean)]
    if rows.empty:
        return ""
    first, last, peak = rows.iloc[0], rows.iloc[-1], rows.loc[rows.ixt_mean.idxmax()]
    ends = f"{first.layer}: {style.bits(first.ixt_mean)}"
    if peak.epoch not in (first.epoch, last.epoch):
        ends += f" → {style.bits(peak.ixt_mean)}"
    return f"{ends} → {style.bits(last.ixt_mean)} bits"
