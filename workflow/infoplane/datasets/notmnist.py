"""notMNIST: letters A-J out of many fonts, 28 × 28 pixels (Bulatov 2011)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from infoplane.datasets.idx_images import BYTE, TEST, TRAIN, find, of_pairs, read_pair
from infoplane.datasets.places import missing
from infoplane.datasets.source import Raw, SourceSettings

CLASS_NAMES = tuple("ABCDEFGHIJ")


class Settings(SourceSettings):
    """notMNIST, from notMNIST/raw/*-ubyte(.gz) in a data folder; it is not downloaded."""

    source: Literal["notmnist"]
    """Letters A-J of 28 × 28 pixels in [0, 1]. The split is the source's own where both the
    train and the t10k files are there; one pair alone is a set without a split."""


def load(settings: Settings, places: Sequence[Path]) -> Raw:
    """Images (n_inputs, 1, 28, 28) of the pairs of files that are there.

    Raises MissingData where there is none, or only one half of a pair.
    """
    folders = _folders(places)
    found = [pair for pair in (TRAIN, TEST) if any(find(name, folders) for name in pair)]
    lacking = [name for pair in found or [TEST] for name in pair if not find(name, folders)]
    if lacking:
        raise missing("notmnist", [f"{name}(.gz)" for name in lacking], folders)
    pairs = [read_pair(pair, folders, len(CLASS_NAMES)) for pair in found]
    if len(pairs) == 2:
        return of_pairs(*pairs, CLASS_NAMES)
    [(images, labels)] = pairs
    note = f"only the {found[0][0].split('-')[0]} files of notMNIST were there"
    return Raw(images, labels, CLASS_NAMES, divisor=BYTE, notes=(note,))


def files(settings: Settings, places: Sequence[Path]) -> list[Path]:
    """The files that are there: which ones decides what the data set is."""
    folders = _folders(places)
    return [path for name in (*TRAIN, *TEST) if (path := find(name, folders))]


def _folders(places: Sequence[Path]) -> list[Path]:
    return [place / "notMNIST" / "raw" for place in places]
