"""MNIST: 60,000 + 10,000 handwritten digits of 28 × 28 pixels (LeCun et al. 1998)."""

from typing import Literal

from infoplane.datasets.idx_images import Published
from infoplane.datasets.source import SourceSettings

CLASS_NAMES = tuple("0123456789")


class Settings(SourceSettings):
    """MNIST, from MNIST/raw/*-ubyte(.gz) in a data folder, else downloaded."""

    source: Literal["mnist"]
    """`mnist` is 70,000 handwritten digits of 28 × 28 pixels in [0, 1]."""


class MNIST(Published):
    """Images (70000, 1, 28, 28) with the original split."""

    Settings = Settings
    published = "MNIST"
    class_names = CLASS_NAMES
