"""What every data source shares: its options, what it loads, what is made of that."""

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
    """Options of every data set, applied in the order in which they stand here."""

    source: str
    """Where the data set comes from."""

    size: int | None = Field(default=None, ge=2)
    """The data set keeps this many inputs, drawn at random, with the shares of classes and of
    the source's own split unchanged; null keeps all."""

    shuffled_labels: float = Field(default=0.0, ge=0, le=1)
    """The labels of this fraction of the inputs are permuted among themselves, training and
    test alike."""

    training_fraction: float | None = Field(default=None, gt=0, le=1)
    """This fraction of all kept inputs trains, with the shares of classes unchanged. null takes
    the source's own split, or 0.8 where it has none. With 1 every input trains and the test set
    is empty."""

    training_share: float = Field(default=1.0, gt=0, le=1)
    """This share of the training inputs is kept, with the shares of classes unchanged, and the
    others are dropped; the test inputs stay the same. Data sets that differ in this alone
    compare networks by how much they had to learn from."""

    standardise: Literal["none", "all", "feature"] = "none"
    """Inputs are shifted and scaled to mean 0 and standard deviation 1 over the training
    inputs: all features by the same two numbers, or each feature by its own. A constant feature
    is only shifted."""

    flatten: bool = True
    """`true` makes an input one row of features; false keeps (channels, height, width)."""

    seed: int = Field(default=0, ge=0)
    """The subset, the shuffling, the split and stochastic labels are drawn with this seed."""


@dataclass(frozen=True)
class Label:
    """What is known of every input under one name: a class.

    codes : int64 (n_inputs,), positions in class_names
    class_names : of the source, also where a small subset lacks a class
    probabilities : (n_inputs, n_classes), the known p(y | x) that codes were drawn from, or
        None where they are given
    """

    codes: np.ndarray
    class_names: tuple[str, ...]
    probabilities: np.ndarray | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def of(self, rows: np.ndarray) -> Label:
        """The same of some of the inputs."""
        drawn_from = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, codes=self.codes[rows], probabilities=drawn_from)


@dataclass(frozen=True)
class Raw:
    """What a source loads, before the shared options.

    x : real and finite (n_inputs, *shape), of the type in which it was given; images are
        (channels, height, width). `prepare` may write into it
    labels : by name, the first is what is meant where none is named; may be empty
    train, test : int64 indices of the source's own split, or None where it has none
    divisor : x is divided by it after the subset was drawn, so that images stay bytes till then
    notes : what a reader of results should know
    n_actions : of positions of a game, the actions that it knows
    whole : whether x is all that X can be, each as likely as the next, and no sample of it
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
    """Inputs (n, *of_input), of which n_train train; how many classes each label has.

    n_train : None of a source without a split of its own
    n_actions : of positions of a game, the actions that it knows
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
        """Of this label, or of the first; ASSUMED's where nothing is known of it."""
        assumed = next(iter(ASSUMED.classes.values()))
        return self.classes.get(label or next(iter(self.classes), ""), assumed)


ASSUMED = Shape(70_000, (1, 28, 28), {"y": 10}, 60_000)
"""Of data that are not there yet: MNIST's, the largest of the usual ones."""


class Source(ABC):
    """Where a data set comes from, with its settings."""

    Settings: ClassVar[type[SourceSettings]]
    where: ClassVar[tuple[str, ...]] = ()
    """Keys of the settings that only say where `files` lie: what these hold makes the data
    set, under any name."""

    def __init__(self, settings: SourceSettings):
        self.settings = settings

    @abstractmethod
    def load(self, places: Sequence[Path]) -> Raw:
        """Everything the source has, before the options that all sources share.

        places : folders searched for files, the last one takes downloads
        Raises MissingData where files are absent, ValueError where they are unusable.
        """

    def files(self, places: Sequence[Path]) -> list[Path]:
        """What `load` would read that exists already and may change under the same settings.

        Empty for what is computed or published under a fixed name.
        """
        return []

    def shape(self, places: Sequence[Path]) -> Shape:
        """What `load` will give, as far as it can be told without loading: from this, memory
        and time of jobs are planned. May raise OSError, LookupError or ValueError where files
        are absent or damaged: then ASSUMED is."""
        return ASSUMED

    def log_density(self, x: np.ndarray) -> np.ndarray | None:
        """Logarithm of the density of the law that inputs are drawn from, at x (n, *shape),
        (n,) in nats; None where it is not known."""
        return None


@dataclass(frozen=True)
class Data:
    """A prepared data set.

    x : float32 (n_inputs, *shape)
    labels : by name, the first is what is meant where none is named; may be empty
    train, test : int64 indices into the inputs, ascending, disjoint; test may be empty
    attributes : JSON types only.
        settings : the source's settings, resolved
        entropy_x : H(X) in bits of the empirical distribution over all inputs; equal rows of
            x count as one value of X
        entropy_y : H(Y) in bits of each label, by its name
        information_xy : I(X;Y) in bits of each label: exact where it was drawn from a known
            p(y | x), else H(Y) − H(Y | X) of the labels as they are, which is H(Y) unless
            equal inputs carry different labels. Shuffled labels count as they are
        whole : whether x is all that X can be, of which nothing was left out
        finite : whether it is that, or a part of it
        digest : SHA-256 of x, the labels, train and test
        units : "bit", of all information here
        notes : what the source says of its data
        n_actions : actions of a game; 0 of other data
    """

    x: np.ndarray
    labels: Mapping[str, Label]
    train: np.ndarray
    test: np.ndarray
    attributes: dict[str, Any]

    @property
    def shape(self) -> Shape:
        """As a plan sees it."""
        classes = {name: label.n_classes for name, label in self.labels.items()}
        n_actions = self.attributes.get("n_actions", 0)
        return Shape(len(self.x), self.x.shape[1:], classes, len(self.train), n_actions)

    @property
    def y(self) -> np.ndarray:
        """Codes of the label that is meant where none is named, int64 (n_inputs,)."""
        return self.label().codes

    def label(self, name: str | None = None) -> Label:
        """The label of this name, or the first; ValueError says which there are."""
        if not self.labels:
            raise ValueError("the data set has no label")
        name = next(iter(self.labels)) if name is None else name
        if name not in self.labels:
            raise ValueError(no_label(name, self.labels))
        return self.labels[name]


def no_label(name: str, known: Mapping[str, Any]) -> str:
    """What is said of a label that a data set does not have."""
    there_are = ", ".join(known) or "none"
    return f"the data set has no label '{name}'; it has: {there_are}.{nearest(name, known)}"
