"""Fashion-MNIST: 60,000 + 10,000 articles of clothing (Xiao, Rasul, Vollgraf 2017)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from infoplane.datasets.idx_images import load_published
from infoplane.datasets.source import Raw, SourceSettings

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class Settings(SourceSettings):
    """Fashion-MNIST, from FashionMNIST/raw/*-ubyte(.gz) in a data folder, else downloaded."""

    source: Literal["fashion_mnist"]
    """70,000 articles of clothing of 28 × 28 pixels in [0, 1]."""


def load(settings: Settings, places: Sequence[Path]) -> Raw:
    """Images (70000, 1, 28, 28) with the original split; raises MissingData."""
    return load_published("fashion_mnist", "FashionMNIST", CLASS_NAMES, places)
