"""Data sets: one file a source, one door: `prepare(settings, places)`.

A source is a module with

    class Settings(infoplane.datasets.source.SourceSettings)
        `source: Literal["name"]` and its own keys
    def load(settings, places) -> Raw
        everything the source has, before the options that all sources share

and, where its files may change under the same settings,

    def files(settings, places) -> list[Path]
        what `load` would read that exists already
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Union

import numpy as np
from pydantic import Field

from infoplane.datasets.places import default_places, folders
from infoplane.datasets.prepare import prepare
from infoplane.datasets.source import Data, Raw, SourceSettings
from infoplane.table import Table

__all__ = [
    "SOURCES",
    "Data",
    "Raw",
    "SourceSettings",
    "default_places",
    "files_of",
    "prepare",
    "settings_type",
    "szt",
]

SOURCES = Table(
    "dataset source",
    {
        "szt": "infoplane.datasets.shwartz_ziv_tishby",
        "digits": "infoplane.datasets.digits",
        "mnist": "infoplane.datasets.mnist",
        "fashion_mnist": "infoplane.datasets.fashion_mnist",
        "notmnist": "infoplane.datasets.notmnist",
        "cifar10": "infoplane.datasets.cifar10",
        "images": "infoplane.datasets.images",
        "arrays": "infoplane.datasets.arrays",
    },
)


def files_of(
    settings: SourceSettings, places: Iterable[str | Path] | None = None
) -> list[Path]:
    """Existing files that the data set is read from and that may change.

    A workflow takes them as inputs, so that a changed file prepares the data set again.
    Empty for what is computed or published under a fixed name (szt, digits, mnist, …):
    there a file that moves, or arrives by download, changes no result.
    """
    module = SOURCES[settings.source]
    return module.files(settings, folders(places)) if hasattr(module, "files") else []


@cache
def settings_type():
    """The settings of every source as one type, told apart by `source`; for configurations."""
    every = tuple(module.Settings for module in SOURCES.values())
    return Annotated[Union[every], Field(discriminator="source")]  # noqa: UP007 — a tuple of types


def szt() -> tuple[np.ndarray, np.ndarray]:
    """The Shwartz-Ziv & Tishby data set: x uint8 (4096, 12), y uint8 (4096,).

    Rows in the published order: row r is the 12-bit number r, most significant bit first.
    """
    return SOURCES["szt"].szt()
