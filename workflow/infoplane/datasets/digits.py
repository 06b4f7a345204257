"""1797 handwritten digits of 8 × 8 pixels that come with scikit-learn; no download."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings

BRIGHTEST = 16.0


class Settings(SourceSettings):
    """Optical recognition of handwritten digits, Alpaydin & Kaynak 1998; needs no files."""

    source: Literal["digits"]
    """`digits` is 1,797 digits of 8 × 8 pixels in [0, 1], which come with scikit-learn."""


class Digits(Source):
    """Images (1797, 1, 8, 8) and ten classes; the source has no split."""

    Settings = Settings

    def load(self, places: Sequence[Path]) -> Raw:
        from sklearn.datasets import load_digits  # imported here: it takes seconds

        digits = load_digits()
        names = tuple(str(name) for name in digits.target_names)
        return Raw(
            digits.images[:, None].astype(np.float32),
            {"y": Label(digits.target.astype(np.int64), names)},
            divisor=BRIGHTEST,
        )

    def shape(self, places: Sequence[Path]) -> Shape:
        """The shape in scikit-learn."""
        return Shape(1797, (1, 8, 8), {"y": 10})
