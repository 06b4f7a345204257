"""A user's images: one folder per class, or one folder for training and one for testing, each
with one folder per class."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image
from pydantic import Field

from infoplane.datasets.places import candidates, first_existing, missing
from infoplane.datasets.source import Label, Raw, Shape, Source, SourceSettings

ARCHIVES = {".tar.xz": "tar xf", ".tar.gz": "tar xf", ".tgz": "tar xf", ".tar": "tar xf"}
ARCHIVES[".zip"] = "unzip"
"""Endings of archives and the command that unpacks one."""

ENDINGS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings of images, in small or capital letters; other files are not read."""

TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
"""Names of folders that hold a part of a split, in small or capital letters."""

LITTER = {"$recycle.bin", "@eadir", "__macosx", "__pycache__", "lost+found"}
"""Folders that operating systems create, in addition to those that begin with a dot."""


class Settings(SourceSettings):
    """Images in folders; the name of a folder is the class of the images in it."""

    source: Literal["images"]
    """`images` reads a folder with one folder for each class, or with train/ and test/ (or
    val/) that each hold a folder for each class."""

    path: Path
    """The folder has this path: absolute, or relative to the working directory or to a data
    folder."""

    image_size: int | None = Field(default=None, ge=1)
    """Every image is resized to this height and width in pixels; null keeps the sizes, which
    must then be equal."""

    grayscale: bool = False
    """`true` reads one channel of luminance in place of red, green and blue."""


class Part(NamedTuple):
    """The folders of a split's part, or of a set without a split: (n_classes,) in order."""

    path: Path
    classes: list[Path]


class Images(Source):
    """Images (n_inputs, channels, height, width), with the split of the folders, if any."""

    Settings = Settings
    where = ("path",)

    def load(self, places: Sequence[Path]) -> Raw:
        """Raises MissingData if the folder is absent, and ValueError if it is an archive, has
        no images or no clear split, or holds an unreadable image or images of several sizes.
        """
        folder = _folder(self.settings, places)
        parts = parts_of(folder)
        names = [[_text(inner.name) for inner in part.classes] for part in parts]
        if names[0] != names[-1]:
            differing = sorted(set(names[0]) ^ set(names[-1]))
            both = " and ".join(f"{part.path.name}/" for part in parts)
            raise ValueError(
                f"{folder}: {both} must hold the same classes; only one of them has "
                f"{', '.join(differing)}"
            )
        by_class = [[images_of(inner) for inner in part.classes] for part in parts]
        paths = [path for classes in by_class for images in classes for path in images]
        labels = [
            label
            for classes in by_class
            for label, images in enumerate(classes)
            for _ in images
        ]
        n_train = sum(map(len, by_class[0]))
        return Raw(
            _pixels(paths, self.settings),
            {"y": Label(np.array(labels, dtype=np.int64), tuple(names[0]))},
            train=np.arange(n_train) if len(parts) == 2 else None,
            test=np.arange(n_train, len(paths)) if len(parts) == 2 else None,
            divisor=255.0,
            notes=_left_alone(folder, parts),
        )

    def files(self, places: Sequence[Path]) -> list[Path]:
        """The folders with images: their dates change when an image is added or removed.

        Raises ValueError if the folder has no clear split.
        """
        folder = first_existing(candidates(self.settings.path, places))
        if folder is None or not folder.is_dir():
            return []
        classes = [inner for part in parts_of(folder) for inner in part.classes]
        return sorted(path for inner in classes for path, _ in _walk(inner))

    def shape(self, places: Sequence[Path]) -> Shape:
        """From the folders and the header of the first image; raises like `load`."""
        parts = parts_of(_folder(self.settings, places))
        by_class = [[images_of(inner) for inner in part.classes] for part in parts]
        n_of = [sum(map(len, classes)) for classes in by_class]
        with Image.open(by_class[0][0][0]) as image:  # reads its header
            width, height = image.size
        size = self.settings.image_size
        of_input = (1 if self.settings.grayscale else 3, size or height, size or width)
        n_train = n_of[0] if len(n_of) == 2 else None
        return Shape(sum(n_of), of_input, {"y": len(by_class[0])}, n_train)


def parts_of(folder: Path) -> list[Part]:
    """The part that trains and the part that tests, or the folder as the only part.

    A folder with the name of a part counts as a part if it holds folders, or if all folders
    have such names: next to car and bus, train may be a class.
    Raises ValueError if there are not two parts, one that trains and one that tests.
    """
    inner = _folders_in(folder)
    named = [path for path in inner if path.name.lower() in TRAIN + TEST]
    parts = named if named == inner else [path for path in named if _folders_in(path)]
    if not parts:
        return [_part(folder)]
    train = [path for path in parts if path.name.lower() in TRAIN]
    test = [path for path in parts if path.name.lower() in TEST]
    if len(train) != 1 or len(test) != 1:
        raise ValueError(
            f"images: {folder} holds {', '.join(f'{path.name}/' for path in parts)}; a split "
            f"is a folder that trains ({' or '.join(TRAIN)}) and one that tests "
            f"({', '.join(TEST[:-1])} or {TEST[-1]}). Move others out of {folder.name} or into "
            "these two, or give a folder of classes as path"
        )
    return [_part(path) for path in train + test]


def _part(folder: Path) -> Part:
    classes = _folders_in(folder)
    if not classes:
        raise ValueError(f"images: {folder} must hold one folder per class; it holds no folder")
    return Part(folder, classes)


def images_of(folder: Path) -> list[Path]:
    """The images of a class, below its folder, in order; a ValueError if there are none."""
    images = [
        path / name
        for path, names in _walk(folder)
        for name in names
        if name.lower().endswith(ENDINGS)
    ]
    if not images:
        raise ValueError(
            f"images: the class folder {folder} holds no image; the endings of images are "
            f"{' '.join(ENDINGS)}"
        )
    return images


def _folder(settings: Settings, places: Sequence[Path]) -> Path:
    wanted = candidates(settings.path, places)
    packed = [Path(f"{path}{ending}") for path in wanted for ending in ARCHIVES]
    folder = first_existing(wanted) or first_existing(packed)
    if folder is None:
        searched = [path.parent for path in wanted]
        raise missing("images", [settings.path.name], searched)
    ending = next((ending for ending in ARCHIVES if folder.name.endswith(ending)), None)
    if folder.is_file() and ending:
        raise ValueError(
            f"images: {folder} is an archive; unpack it first: {ARCHIVES[ending]} {folder}, in "
            f"the working directory or in {places[-1]}, and give the folder as path"
        )
    if not folder.is_dir():
        raise ValueError(f"images: {folder} is not a folder")
    return folder


def _shown(name: str) -> bool:
    """Whether a file or folder is neither hidden nor created by an operating system."""
    return not name.startswith(".") and name.lower() not in LITTER


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _shown(path.name) and path.is_dir())


def _walk(folder: Path) -> list[tuple[Path, list[str]]]:
    """The folder and all below it, in order, each with its files.

    Raises ValueError if one of them cannot be read.
    """

    def refuse(error: OSError):
        raise ValueError(f"images: {error.filename} cannot be read ({error})")

    found = []
    for path, inner, names in os.walk(folder, onerror=refuse, followlinks=True):
        inner[:] = filter(_shown, inner)
        found.append((Path(path), sorted(filter(_shown, names))))
    return sorted(found, key=lambda one: str(one[0]))


def _left_alone(folder: Path, parts: Sequence[Part]) -> tuple[str, ...]:
    """A note on files and folders outside the folders that are read, if they may surprise."""
    read = {part.path for part in parts} if len(parts) == 2 else set(parts[0].classes)
    around = {folder, *(part.path for part in parts)}
    beside = [path for path in _folders_in(folder) if path not in read]
    beside += [
        path
        for place in sorted(around)
        for path in sorted(place.iterdir())
        if _shown(path.name) and path.is_file() and path.suffix.lower() in ENDINGS
    ]
    if not beside:
        return ()
    some = ", ".join(_text(str(path.relative_to(folder))) for path in beside[:3])
    more = f" and {len(beside) - 3} more" if len(beside) > 3 else ""
    return (f"not read, because outside the folders of classes: {some}{more}",)


def _text(name: str) -> str:
    """A file's name as text that can be written; its bytes may not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _pixels(paths: Sequence[Path], settings: Settings) -> np.ndarray:
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


def _image(path: Path, settings: Settings) -> np.ndarray:
    """uint8 (channels, height, width) of one file."""
    deep = False
    try:
        with Image.open(path) as file:
            deep = file.mode.startswith(("I", "F"))
            image = file.convert("L" if settings.grayscale else "RGB")
    except Exception as error:  # damaged bytes may raise anything
        raise ValueError(f"{path} is not a readable image: {error}") from None
    if deep:
        raise ValueError(f"{path}: more than 8 bits a channel are not read")
    if settings.image_size is not None:
        side = settings.image_size
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if settings.grayscale else pixels.transpose(2, 0, 1)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} × {image.shape[2]}"
