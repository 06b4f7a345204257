"""notMNIST: letters A-J from many fonts, 28 × 28 pixels (Bulatov 2011)."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from infoplane.datasets.idx_images import BYTE, TEST, TRAIN, find, of_pairs, read_pair
from infoplane.datasets.places import missing
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings

CLASS_NAMES = tuple("ABCDEFGHIJ")


class Settings(SourceSettings):
    """notMNIST, from notMNIST/raw/*-ubyte(.gz) in a data folder; it is not downloaded."""

    source: Literal["notmnist"]
    """`notmnist` is letters A-J of 28 × 28 pixels in [0, 1]. With both the train and the t10k
    files, the split is the source's own; one pair alone has no split."""


class NotMNIST(Source):
    """Images (n_inputs, 1, 28, 28) from the existing pairs of files."""

    Settings = Settings

    def load(self, places: Sequence[Path]) -> Raw:
        """Raises MissingData if there is none, or only one half of a pair."""
        folders = _folders(places)
        found = [pair for pair in (TRAIN, TEST) if any(find(name, folders) for name in pair)]
        lacking = [name for pair in found or [TEST] for name in pair if not find(name, folders)]
        if lacking:
            raise missing("notmnist", [f"{name}(.gz)" for name in lacking], folders)
        pairs = [read_pair(pair, folders, len(CLASS_NAMES)) for pair in found]
        if len(pairs) == 2:
            return of_pairs(*pairs, CLASS_NAMES)
        [(images, labels)] = pairs
        note = f"only the {found[0][0].split('-')[0]} files of notMNIST were found"
        return Raw(images, {"y": Label(labels, CLASS_NAMES)}, divisor=BYTE, notes=(note,))

    def files(self, places: Sequence[Path]) -> list[Path]:
        """The existing files, which decide the data set."""
        folders = _folders(places)
        return [path for name in (*TRAIN, *TEST) if (path := find(name, folders))]

    def shape(self, places: Sequence[Path]) -> Shape:
        """From the headers of the files; raises MissingData if there is none."""
        folders = _folders(places)
        n_of = [_n_of_idx(find(images, folders)) for images, _ in (TRAIN, TEST)]
        if not any(n_of):
            raise missing("notmnist", [f"{TEST[0]}(.gz)"], folders)
        n_train = n_of[0] if all(n_of) else None
        return Shape(sum(n_of), (1, 28, 28), {"y": len(CLASS_NAMES)}, n_train)


def _n_of_idx(path: Path | None) -> int:
    if path is None:
        return 0
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return int.from_bytes(file.read(8)[4:], "big")


def _folders(places: Sequence[Path]) -> list[Path]:
    return [place / "notMNIST" / "raw" for place in places]
