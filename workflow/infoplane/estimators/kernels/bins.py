"""Settings of equal bins on a range of activations, for measures that count rows of bins."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from infoplane.settings import Settings


class BinSettings(Settings):
    """Bins of equal width on the range of one layer at one epoch."""

    n_bins: int = Field(default=30, ge=2)
    """Each unit's range has this many bins; H(Bin(T)) is the entropy of their codes."""
    range: Literal["fixed", "layer", "unit"] = "layer"
    """`n_bins` span this range. fixed: `low` to `high`. layer: the smallest to the largest
    activation of this layer at this epoch and seed. unit: the same for each unit by itself."""
    low: float | None = Field(default=None, allow_inf_nan=False)
    """The fixed range begins at this value, in units of the activations."""
    high: float | None = Field(default=None, allow_inf_nan=False)
    """The fixed range ends at this value, in units of the activations. Values beyond it go into
    further bins of the same width."""

    @model_validator(mode="after")
    def _range_is_given_where_fixed(self):
        ends = (self.low, self.high)
        if self.range != "fixed":
            if ends != (None, None):
                raise ValueError(f"low and high have no effect with range: {self.range}")
        elif None in ends or not self.low < self.high:
            raise ValueError("range: fixed needs low and high, low < high")
        return self
