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

from infoplane.datasets import contents, options
from infoplane.datasets.places import default_places
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


def prepare(settings: SourceSettings, places: Iterable[str | Path] | None = None) -> Data:
    """The data set that these settings describe, ready to train on.

    places : folders searched for files, the last one takes downloads; None for
        `default_places()`
    In this order: load, subset (size), label shuffling, split, standardisation by the
    training inputs, flattening.
    Raises MissingData (a FileNotFoundError) where files are absent and cannot be
    downloaded, ValueError where files or settings do not make a data set.
    """
    raw = SOURCES[settings.source].load(settings, _paths(places))
    raw = options.subset(raw, settings.size, settings.seed)
    y = options.shuffled(raw.y, settings.shuffled_labels, settings.seed)
    train, test = options.split(raw, y, settings.training_fraction, settings.seed)
    x = options.scaled(raw)
    attributes = {
        "settings": settings.model_dump(mode="json"),
        "n_classes": len(raw.class_names),
        "class_names": list(raw.class_names),
        "units": "bit",
        **contents.information(x, y, None if settings.shuffled_labels else raw.probabilities),
        "notes": list(raw.notes),
    }
    x = options.standardised(x, train, settings.standardise)
    x = x.reshape(len(x), -1) if settings.flatten else x
    attributes["digest"] = contents.digest(x=x, y=y, train=train, test=test)
    return Data(x, y, train, test, attributes)


def files_of(
    settings: SourceSettings, places: Iterable[str | Path] | None = None
) -> list[Path]:
    """Existing files that the data set is read from and that may change.

    A workflow takes them as inputs, so that a changed file prepares the data set again.
    Empty for what is computed or published under a fixed name (szt, digits, mnist, …):
    there a file that moves, or arrives by download, changes no result.
    """
    module = SOURCES[settings.source]
    return module.files(settings, _paths(places)) if hasattr(module, "files") else []


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


def _paths(places: Iterable[str | Path] | None) -> list[Path]:
    return default_places() if places is None else [Path(place) for place in places]
