"""Data sets: one file for each source, and one entry point: `prepare(settings, places)`.

A source is a subclass of `infoplane.datasets.source.Source` with its own `Settings` and `load`.
A source of your own has its import path as its name, `source: "mydata:MySource"`.
"""

from functools import cache
from typing import Annotated, Union

import numpy as np
from pydantic import Field

from infoplane.datasets.places import default_places
from infoplane.datasets.prepare import files_of, labels_of, prepare, shape_of, source_of
from infoplane.datasets.source import Data, Label, Raw, Shape, Source, SourceSettings
from infoplane.table import Table

__all__ = [
    "SOURCES",
    "Data",
    "Label",
    "Raw",
    "Shape",
    "Source",
    "SourceSettings",
    "default_places",
    "files_of",
    "labels_of",
    "prepare",
    "settings_type",
    "shape_of",
    "source_of",
    "szt",
]

SOURCES = Table(
    "dataset source",
    {
        "szt": "infoplane.datasets.shwartz_ziv_tishby:SZT",
        "ring": "infoplane.datasets.ring:Ring",
        "digits": "infoplane.datasets.digits:Digits",
        "mnist": "infoplane.datasets.mnist:MNIST",
        "fashion_mnist": "infoplane.datasets.fashion_mnist:FashionMNIST",
        "notmnist": "infoplane.datasets.notmnist:NotMNIST",
        "cifar10": "infoplane.datasets.cifar10:CIFAR10",
        "images": "infoplane.datasets.images:Images",
        "arrays": "infoplane.datasets.arrays:Arrays",
        "game": "infoplane.datasets.game:Game",
    },
    open=True,
    base="infoplane.datasets.source:Source",
)


@cache
def settings_type():
    """The settings of all sources as one type, chosen by `source`; for configurations."""
    every = tuple(source.Settings for source in SOURCES.values())
    return Annotated[Union[every], Field(discriminator="source")]  # noqa: UP007 — a tuple of types


def szt() -> tuple[np.ndarray, np.ndarray]:
    """The Shwartz-Ziv & Tishby data set: x uint8 (4096, 12), y uint8 (4096,).

    Rows in the published order: row r is the 12-bit number r, most significant bit first.
    """
    from infoplane.datasets import shwartz_ziv_tishby  # imported here: it takes a while

    return shwartz_ziv_tishby.szt()
