"""Pairs of MNIST digits whose classes determine the information.

A is a random image of a random class C. The class passes a symmetric channel that replaces it
with probability p by another of the K classes, each equally likely. B is a random image of the
resulting class C′. A and B are related only through their classes, so
    I(A;B) = I(C;C′) = log2 K − h(p) − p log2(K − 1),     h the binary entropy,
if the class is a function of the image. It is, because images are drawn from a finite set
without equal members. It is a function of the 784 pixels, and of the first principal components
too, as these differ from image to image; both are checked when the set is made.
"""

import math
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.optimize import brentq
from sklearn.decomposition import PCA

from infoplane.datasets import mnist
from infoplane.datasets.places import default_places
from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.points import Points
from infoplane.truth.task import Draw, Family, Prepared, Task, generator


class ImagePairsSettings(Settings):
    """Pairs of digits."""

    family: Literal["image_pairs"] = "image_pairs"
    """This family has pairs of MNIST digits whose classes pass a symmetric channel."""
    classes: list[Annotated[int, Field(ge=2, le=10)]] = Field(default=[2, 10], min_length=1)
    """For each number K, the digits 0 … K − 1 are the classes, equally likely."""
    shares: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        default=[0, 0.25, 0.5, 1], min_length=1
    )
    """The true I(A;B) is each of these shares of log2 K; with 1 both images have the same
    class."""
    components: list[Annotated[int, Field(ge=1, le=784)]] = Field(
        default=[10, 784], min_length=1
    )
    """An image is given by these numbers of principal components; 784 takes its pixels."""
    maps: bool = False
    """`true` gives pixels their shape, 1 × 28 × 28, for estimators that take maps."""
    images_per_class: int = Field(default=2000, ge=2)
    """A and B are drawn from a set with this many images of each class."""
    seed: int = Field(default=0, ge=0)
    """The images of the set are chosen with this seed."""


class ImagePairs(Family):
    """Pairs of digits."""

    Settings = ImagePairsSettings
    settings: ImagePairsSettings

    def prepare(self) -> dict[str, np.ndarray]:
        """The set of images: pixels uint8 (n, 784), labels (n,), components float32 (n, d).

        Raises MissingData if MNIST is not found and cannot be downloaded, ValueError if equal
        images or equal components have different classes.
        """
        raw = mnist.MNIST(mnist.Settings(source="mnist")).load(default_places())
        y = raw.labels["y"].codes
        rng = np.random.default_rng(self.settings.seed)
        chosen = []
        for digit in range(max(self.settings.classes)):
            of_digit = np.flatnonzero(y == digit)
            size = min(self.settings.images_per_class, len(of_digit))
            chosen.append(np.sort(rng.choice(of_digit, size, replace=False)))
        chosen = np.concatenate(chosen)
        pixels, labels = raw.x[chosen].reshape(len(chosen), -1), y[chosen]
        arrays = {"pixels": pixels, "labels": labels}
        _require_one_class(pixels, labels, "pixels")
        for d in self.settings.components:
            if d < pixels.shape[1]:
                pca = PCA(d, svd_solver="covariance_eigh")
                components = pca.fit_transform(pixels / 255.0).astype(np.float32)
                _require_one_class(components, labels, f"{d} components")
                arrays[f"components {d}"] = components
        return arrays

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Two tasks for each number of classes, share and dimension: two images, and image and
        label."""
        tasks = []
        by_class = [
            np.flatnonzero(prepared["labels"] == k) for k in range(max(self.settings.classes))
        ]
        for d in self.settings.components:
            whole = d >= prepared["pixels"].shape[1]
            images = prepared["pixels"] if whole else prepared[f"components {d}"]
            for k in self.settings.classes:
                for share in self.settings.shares:
                    shape = (1, 28, 28) if whole and self.settings.maps else ()
                    tasks += _tasks(images, by_class[:k], share, shape)
        return tasks


def channel_information(p: float, k: int) -> float:
    """I(C;C′) in bits of k equally likely classes, one replaced with probability p."""
    if p == 0:
        return math.log2(k)
    h = -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    return math.log2(k) - h - p * math.log2(k - 1)


def replaced(share: float, k: int) -> float:
    """The probability of replacing a class for which this share of log2 k remains."""
    if share in (0, 1):
        return 0.0 if share else 1 - 1 / k  # at 1 − 1/k all classes come out equally likely
    return brentq(
        lambda p: channel_information(p, k) - share * math.log2(k), 1e-12, 1 - 1 / k, xtol=1e-13
    )


def _tasks(
    images: np.ndarray, by_class: list[np.ndarray], share: float, shape: tuple[int, ...]
) -> list[Task]:
    k, d = len(by_class), images.shape[1]
    p, truth = replaced(share, k), share * math.log2(k)
    sizes = np.array([len(rows) for rows in by_class])

    def of_class(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        at = np.floor(rng.random(len(classes)) * sizes[classes]).astype(np.int64)
        which = np.empty(len(classes), np.int64)
        for label, rows in enumerate(by_class):
            which[classes == label] = rows[at[classes == label]]
        return _scaled(images[which])

    def drawing(name: str, kind: str):
        def draw(n: int, seed: int) -> Draw:
            rng = generator(f"image_pairs {name}", n, seed)
            c = rng.integers(0, k, n)
            other = (c + rng.integers(1, k, n)) % k
            c_out = np.where(rng.random(n) < p, other, c)
            b = of_class(c_out, rng) if kind == "continuous" else c_out
            shapes = (shape, shape if kind == "continuous" else ())
            return Draw(Pair.of(of_class(c, rng), b, name, shapes))

        return draw

    where = f"{k} digits, {d}-d, {truth:.3g} bit"
    names = {"continuous": f"{where}, two images", "labels": f"{where}, image and label"}
    law = _law(images, by_class, p)
    laws = {"continuous": replace(law, b=law.a, class_b=law.class_a), "labels": law}
    return [
        Task(
            name,
            kind,
            d,
            d if kind == "continuous" else 0,
            truth,
            drawing(name, kind),
            law=laws[kind],
        )
        for kind, name in names.items()
    ]


def _law(images: np.ndarray, by_class: list[np.ndarray], p: float) -> Points:
    """The law of images, and of the class that comes out of the channel as a label."""
    k = len(by_class)
    table = np.full((k, k), p / (k - 1) / k)
    np.fill_diagonal(table, (1 - p) / k)
    classes = np.repeat(np.arange(k), [len(rows) for rows in by_class])
    return Points(_scaled(images[np.concatenate(by_class)]), classes, table)


def _scaled(images: np.ndarray) -> np.ndarray:
    """Pixels between 0 and 1; components as they are. float32"""
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    return images.astype(np.float32) / np.float32(scale)


def _require_one_class(images: np.ndarray, labels: np.ndarray, what: str) -> None:
    codes = np.unique(images, axis=0, return_inverse=True)[1].ravel()
    pairs = np.unique(np.stack([codes, labels], axis=1), axis=0)
    if len(pairs) > codes.max() + 1:
        raise ValueError(
            f"image_pairs: {len(pairs) - codes.max() - 1} images of equal {what} have "
            "different classes, so the class is no function of the image; use another seed "
            "or more components"
        )
