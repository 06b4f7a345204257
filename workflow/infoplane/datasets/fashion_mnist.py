"""Fashion-MNIST: 60,000 + 10,000 articles of clothing (Xiao, Rasul, Vollgraf 2017)."""

from typing import Literal

from infoplane.datasets.idx_images import Published
from infoplane.datasets.source import SourceSettings

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
    """`fashion_mnist` is 70,000 articles of clothing of 28 × 28 pixels in [0, 1]."""


class FashionMNIST(Published):
    """Images (70000, 1, 28, 28) with the original split."""

    Settings = Settings
    published = "FashionMNIST"
    class_names = CLASS_NAMES
