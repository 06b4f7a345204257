"""CIFAR-10: 50,000 + 10,000 colour photographs of 32 × 32 pixels (Krizhevsky 2009)."""

import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from infoplane.datasets.downloads import DownloadFailed, fetch
from infoplane.datasets.places import missing
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings


class Settings(SourceSettings):
    """CIFAR-10, from cifar-10-batches-py or its archive in a data folder, else downloaded."""

    source: Literal["cifar10"]
    """`cifar10` is 60,000 colour photographs of 3 × 32 × 32 pixels in [0, 1]."""


class CIFAR10(Source):
    """Images (60000, 3, 32, 32) with the original split."""

    Settings = Settings

    def load(self, places: Sequence[Path]) -> Raw:
        """Raises MissingData if it is neither found nor downloaded, and ValueError if the found
        files are not the published ones.
        """
        # The batches are pickles, and a pickle can run any code when it is read. torchvision
        # compares each with its published md5 first and reads none that differs; reading them
        # by any other way would have to do the same.
        from torchvision import datasets  # imported here: it takes seconds

        published = datasets.CIFAR10
        root = _folder_with_batches(published, places)
        try:
            train, test = published(root, train=True), published(root, train=False)
        except RuntimeError:
            raise ValueError(
                f"{root / published.base_folder} is not CIFAR-10 as published: a file is "
                "missing or its md5 differs. Delete the folder and fetch it again"
            ) from None
        codes = np.array([*train.targets, *test.targets], dtype=np.int64)
        n_train, n_inputs = len(train.data), len(train.data) + len(test.data)
        return Raw(
            np.concatenate([train.data, test.data]).transpose(0, 3, 1, 2),
            {"y": Label(codes, tuple(train.classes))},
            train=np.arange(n_train),
            test=np.arange(n_train, n_inputs),
            divisor=255.0,
        )

    def shape(self, places: Sequence[Path]) -> Shape:
        """The published shape."""
        return Shape(60_000, (3, 32, 32), {"y": 10}, 50_000)


def _folder_with_batches(published, places: Sequence[Path]) -> Path:
    """The place with the unpacked batches, from an archive or the network if needed."""
    unpacked = [place for place in places if (place / published.base_folder).is_dir()]
    if unpacked:
        return unpacked[0]
    archives = [place / published.filename for place in places]
    archive = next((path for path in archives if path.is_file()), None)
    if archive is None:
        try:
            archive = fetch([published.url], published.tgz_md5, places[-1])
        except DownloadFailed as error:
            names = [f"{published.base_folder}/", f"or {published.filename}"]
            reason = f"The download failed ({error})."
            raise missing("cifar10", names, places, reason) from None
    _unpack(archive, published.base_folder, places[-1])
    return places[-1]


def _unpack(archive: Path, folder: str, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    # aside first, so that a killed job leaves no half of it
    with tempfile.TemporaryDirectory(dir=into) as aside:
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(aside, filter="data")
            (Path(aside) / folder).rename(into / folder)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise ValueError(
                f"{archive} could not be unpacked into {into} ({error}). If it is damaged, "
                "delete it and fetch it again"
            ) from None
