"""A user's images: a folder a class, or train/ and test/ with a folder a class in each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from infoplane.datasets.places import candidates, first_existing, missing
from infoplane.datasets.source import Raw, SourceSettings

ARCHIVES = {".tar.xz": "tar xf", ".tar.gz": "tar xf", ".tgz": "tar xf", ".tar": "tar xf"}
ARCHIVES[".zip"] = "unzip"
"""Endings of archives and the command that unpacks one."""


class Settings(SourceSettings):
    """Images in folders; the name of a folder is the class of what lies in it."""

    source: Literal["images"]
    """A folder a class, or train/ and test/ that hold a folder a class."""

    path: Path
    """The folder, absolute or relative to the working directory or to a data folder."""

    image_size: int | None = Field(default=None, ge=1)
    """Height and width in pixels that every image is resized to; null keeps them, and they
    must then be equal."""

    grayscale: bool = False
    """One channel of luminance in place of red, green and blue."""


def load(settings: Settings, places: Sequence[Path]) -> Raw:
    """Images (n_inputs, channels, height, width) with the split of train/ and test/, if any.

    Raises MissingData where the folder is absent, ValueError where it is an archive, holds
    no images, or the images differ in size.
    """
    from torchvision.datasets import ImageFolder  # here: its import takes seconds

    folder = _folder(settings, places)
    parts = [_listed(ImageFolder, part) for part in _parts(folder)]
    if parts[0].classes != parts[-1].classes:
        differing = sorted(set(parts[0].classes) ^ set(parts[-1].classes))
        raise ValueError(
            f"{folder}: train/ and test/ must hold the same classes; only one of them has "
            f"{', '.join(differing)}"
        )
    listed = [pair for part in parts for pair in part.samples]
    n_train = len(parts[0].samples)
    return Raw(
        _pixels([path for path, _ in listed], settings),
        np.array([label for _, label in listed], dtype=np.int64),
        class_names=tuple(parts[0].classes),
        train=np.arange(n_train) if len(parts) == 2 else None,
        test=np.arange(n_train, len(listed)) if len(parts) == 2 else None,
        divisor=255.0,
    )


def files(settings: Settings, places: Sequence[Path]) -> list[Path]:
    """The folders of the classes: their dates change when an image comes or goes."""
    folder = first_existing(candidates(settings.path, places))
    if folder is None or not folder.is_dir():
        return []
    return sorted(
        inner for part in _parts(folder) for inner in part.iterdir() if inner.is_dir()
    )


def _folder(settings: Settings, places: Sequence[Path]) -> Path:
    wanted = candidates(settings.path, places)
    packed = [Path(f"{path}{ending}") for path in wanted for ending in ARCHIVES]
    found = first_existing(wanted) or first_existing(packed)
    if found is None:
        searched = [path.parent for path in wanted]
        raise missing("images", [settings.path.name], searched)
    ending = next((ending for ending in ARCHIVES if found.name.endswith(ending)), None)
    if found.is_file() and ending:
        raise ValueError(
            f"images: {found} is an archive; unpack it first: {ARCHIVES[ending]} {found}, in "
            f"the working directory or in {places[-1]}, and give the folder as path"
        )
    if not found.is_dir():
        raise ValueError(f"images: {found} is not a folder")
    return found


def _parts(folder: Path) -> list[Path]:
    """[train/, test/] of the folder where it has both, else itself."""
    parts = [folder / "train", folder / "test"]
    return parts if all(part.is_dir() for part in parts) else [folder]


def _listed(image_folder, part: Path):
    try:
        return image_folder(part)
    except FileNotFoundError as error:  # no classes, or a class without images
        raise ValueError(f"images: {part} must hold a folder a class: {error}") from None


def _pixels(paths: Sequence[str], settings: Settings) -> np.ndarray:
    """uint8 (n_inputs, channels, height, width)."""
    first = _image(paths[0], settings)
    pixels = np.empty((len(paths), *first.shape), dtype=np.uint8)
    for i, path in enumerate(paths):
        image = _image(path, settings)
        if image.shape != first.shape:
            raise ValueError(
                f"images differ in size: {_size(first)} in {paths[0]}, {_size(image)} in "
                f"{path}. Set image_size to resize them all"
            )
        pixels[i] = image
    return pixels


def _image(path: str, settings: Settings) -> np.ndarray:
    """uint8 (channels, height, width) of one file."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            if file.mode.startswith(("I", "F")):
                raise ValueError(f"{path}: more than 8 bits a channel are not read")
            image = file.convert("L" if settings.grayscale else "RGB")
    except OSError as error:
        raise ValueError(f"{path} is not a readable image: {error}") from None
    if settings.image_size is not None:
        side = settings.image_size
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if settings.grayscale else pixels.transpose(2, 0, 1)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} × {image.shape[2]}"
