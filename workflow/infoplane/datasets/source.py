"""The interface of data sources: their options, the raw data that they load, and the prepared
data set."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from infoplane.settings import Settings
from infoplane.table import nearest


class SourceSettings(Settings):
    """Options of every data set, applied in the order of this list."""

    source: str
    """The data set comes from this source."""

    size: int | None = Field(default=None, ge=2)
    """The data set keeps this many inputs, drawn at random, with the shares of classes and of
    the source's own split unchanged; null keeps all."""

    shuffled_labels: float = Field(default=0.0, ge=0, le=1)
    """The labels of this fraction of the inputs are permuted among themselves, training and
    test alike."""

    training_fraction: float | None = Field(default=None, gt=0, le=1)
    """This fraction of all kept inputs trains, with the shares of classes unchanged. null takes
    the source's own split, or 0.8 if it has none. With 1 every input trains and the test set is
    empty."""

    training_share: float = Field(default=1.0, gt=0, le=1)
    """This share of the training inputs is kept, with the shares of classes unchanged, and the
    others are dropped; the test inputs stay the same. Data sets that differ in this alone
    compare networks by the size of their training set."""

    standardise: Literal["none", "all", "feature"] = "none"
    """Inputs are shifted and scaled to mean 0 and standard deviation 1 over the training
    inputs: all features by the same two numbers, or each feature by its own. A constant feature
    is only shifted."""

    flatten: bool = True
    """`true` makes an input one row of features; false keeps (channels, height, width), which a
    perceptron reads as one row too."""

    seed: int = Field(default=0, ge=0)
    """The subset, the shuffling, the split and stochastic labels are drawn with this seed."""


@dataclass(frozen=True)
class Label:
    """One label of every input: a class.

    codes : int64 (n_inputs,), positions in class_names
    class_names : of the source, even if a small subset lacks a class
    probabilities : (n_inputs, n_classes), the known p(y | x) behind the codes, or None if there
        is none
    """

    codes: np.ndarray
    class_names: tuple[str, ...]
    probabilities: np.ndarray | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def of(self, rows: np.ndarray) -> Label:
        """The label of some of the inputs."""
        drawn_from = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, codes=self.codes[rows], probabilities=drawn_from)


@dataclass(frozen=True)
class Raw:
    """What a source loads, before the shared options.

    x : real and finite (n_inputs, *shape), in the source's type; images are (channels, height,
        width). `prepare` may write into it
    labels : by name, the first is the default; may be empty
    train, test : int64 indices of the source's own split, or None if it has none
    divisor : x is divided by it after the subset is drawn, so that images stay bytes until then
    notes : for readers of results
    n_actions : for positions of a game, its number of actions
    whole : whether x is all values of X, equally likely, and not a sample
    """

    x: np.ndarray
    labels: Mapping[str, Label] = field(default_factory=dict)
    train: np.ndarray | None = None
    test: np.ndarray | None = None
    divisor: float = 1.0
    notes: tuple[str, ...] = ()
    n_actions: int = 0
    whole: bool = False


class Shape(NamedTuple):
    """Inputs (n, *of_input), of which n_train train; the number of classes of each label.

    n_train : None for a source without its own split
    n_actions : for positions of a game, its number of actions
    """

    n: int
    of_input: tuple[int, ...]
    classes: Mapping[str, int]
    n_train: int | None = None
    n_actions: int = 0

    @property
    def d(self) -> int:
        """Features of an input."""
        return math.prod(self.of_input)

    @property
    def n_test(self) -> int:
        """Inputs that do not train."""
        return 0 if self.n_train is None else self.n - self.n_train

    def n_classes(self, label: str | None = None) -> int:
        """Number of classes of this label, or of the first; that of ASSUMED if it is
        unknown."""
        assumed = next(iter(ASSUMED.classes.values()))
        return self.classes.get(label or next(iter(self.classes), ""), assumed)


ASSUMED = Shape(70_000, (1, 28, 28), {"y": 10}, 60_000)
"""The shape of data that do not exist yet: MNIST's, the largest of the usual sets."""


class Source(ABC):
    """The source of a data set, with its settings."""

    Settings: ClassVar[type[SourceSettings]]
    where: ClassVar[tuple[str, ...]] = ()
    """Keys of the settings that only give the path of `files`: their content makes the data
    set, under any name."""

    def __init__(self, settings: SourceSettings):
        self.settings = settings

    @abstractmethod
    def load(self, places: Sequence[Path]) -> Raw:
        """All data of the source, before the options that all sources share.

        places : folders that are searched for files, the last one takes downloads
        Raises MissingData if files are absent, ValueError if they are unusable.
        """

    def files(self, places: Sequence[Path]) -> list[Path]:
        """Existing files that `load` would read and that may change under the same settings.

        Empty for data that are computed or published under a fixed name.
        """
        return []

    def shape(self, places: Sequence[Path]) -> Shape:
        """The shape of the result of `load`, as far as it is known without loading; it decides
        memory and time of jobs. May raise OSError, LookupError or ValueError if files are
        absent or damaged; the plan then takes ASSUMED."""
        return ASSUMED

    def log_density(self, x: np.ndarray) -> np.ndarray | None:
        """Log density of the law of inputs at x (n, *shape), (n,) in nats; None if unknown."""
        return None


@dataclass(frozen=True)
class Data:
    """A prepared data set.

    x : float32 (n_inputs, *shape)
    labels : by name, the first is the default; may be empty
    train, test : int64 indices into the inputs, ascending, disjoint; test may be empty
    attributes : JSON types only.
        settings : the source's settings, resolved
        entropy_x : H(X), in bits, of the empirical distribution over all inputs; equal rows of
            x count as one value of X
        entropy_y : H(Y), in bits, of each label by name
        information_xy : I(X;Y), in bits, of each label: exact if it was drawn from a known p(y
            | x), else H(Y) − H(Y | X) of the labels, which is H(Y) unless equal inputs have
            different labels. Shuffled labels count like any others
        whole : whether x is all values of X, with none left out
        finite : whether it is all values of X or a part of them
        digest : SHA-256 of x, the labels, train and test
        units : "bit", of all information here
        notes : of the source, on its data
        n_actions : number of a game's actions; 0 for other data
    """

    x: np.ndarray
    labels: Mapping[str, Label]
    train: np.ndarray
    test: np.ndarray
    attributes: dict[str, Any]

    @property
    def shape(self) -> Shape:
        """The shape of the data set, for plans."""
        classes = {name: label.n_classes for name, label in self.labels.items()}
        n_actions = self.attributes.get("n_actions", 0)
        return Shape(len(self.x), self.x.shape[1:], classes, len(self.train), n_actions)

    @property
    def y(self) -> np.ndarray:
        """Codes of the default label, int64 (n_inputs,)."""
        return self.label().codes

    def label(self, name: str | None = None) -> Label:
        """The label of this name, or the first; a ValueError names the existing ones."""
        if not self.labels:
            raise ValueError("the data set has no label")
        name = next(iter(self.labels)) if name is None else name
        if name not in self.labels:
            raise ValueError(no_label(name, self.labels))
        return self.labels[name]


def no_label(name: str, known: Mapping[str, Any]) -> str:
    """The message for a label that a data set does not have."""
    there_are = ", ".join(known) or "none"
    return f"the data set has no label '{name}'; it has: {there_are}.{nearest(name, known)}"
