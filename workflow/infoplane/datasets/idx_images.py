"""MNIST and its kin: images and labels as IDX, a training and a test pair of files."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from infoplane.datasets.downloads import DownloadFailed, fetch
from infoplane.datasets.idx import read_idx
from infoplane.datasets.places import first_existing, missing
from infoplane.datasets.source import Label, Raw, Shape, Source

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
BYTE = 255.0


def find(name: str, folders: Sequence[Path]) -> Path | None:
    """The file, unpacked or gzipped, in the first folder that has it; None if none has."""
    return first_existing(folder / file for folder in folders for file in (name, f"{name}.gz"))


class Published(Source):
    """A data set that torchvision knows: its four files found, or downloaded.

    published : its class in torchvision.datasets, also the name of its folder
    """

    published: ClassVar[str]
    class_names: ClassVar[tuple[str, ...]]

    def load(self, places: Sequence[Path]) -> Raw:
        """Raises MissingData if files are neither found nor downloaded."""
        folders = [place / self.published / "raw" for place in places]
        if any(find(name, folders) is None for name in (*TRAIN, *TEST)):
            _download(self.settings.source, self.published, folders)
        pairs = [read_pair(pair, folders, len(self.class_names)) for pair in (TRAIN, TEST)]
        return of_pairs(*pairs, self.class_names)

    def shape(self, places: Sequence[Path]) -> Shape:
        """The published shape."""
        return Shape(70_000, (1, 28, 28), {"y": len(self.class_names)}, 60_000)


def of_pairs(train, test, class_names: Sequence[str]) -> Raw:
    """Raw of the training pair and the test pair (images, labels), one after the other."""
    n_train, n_inputs = len(train[1]), len(train[1]) + len(test[1])
    return Raw(
        x=np.concatenate([train[0], test[0]]),
        labels={"y": Label(np.concatenate([train[1], test[1]]), tuple(class_names))},
        train=np.arange(n_train),
        test=np.arange(n_train, n_inputs),
        divisor=BYTE,
    )


def read_pair(
    pair: tuple[str, str], folders: Sequence[Path], n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n_inputs, 1, height, width) and labels int64 (n_inputs,) of one pair.

    Both files must exist. Raises ValueError if they do not belong together.
    """
    paths = [find(name, folders) for name in pair]
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(images) != len(labels):
        raise ValueError(
            f"{paths[0]} holds {len(images)} images, {paths[1]} {len(labels)} labels"
        )
    if len(labels) and labels.max() >= n_classes:
        raise ValueError(
            f"{paths[1]} holds the label {labels.max()}; there are {n_classes} classes"
        )
    return images[:, None], labels.astype(np.int64)


def _download(source: str, published: str, folders: Sequence[Path]) -> None:
    from torchvision import datasets  # here: its import takes seconds

    known = getattr(datasets, published)  # it lists the addresses and checksums
    wanted = [
        (file, md5)
        for file, md5 in known.resources
        if find(file.removesuffix(".gz"), folders) is None
    ]
    for file, md5 in wanted:
        try:
            fetch([mirror + file for mirror in known.mirrors], md5, folders[-1])
        except DownloadFailed as error:
            names = [name for name in (*TRAIN, *TEST) if find(name, folders) is None]
            names = [f"{name}(.gz)" for name in names]
            reason = f"The download failed ({error})."
            raise missing(source, names, folders, reason) from None
