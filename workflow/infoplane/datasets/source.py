"""What every data source shares: its options, what it loads, what is made of that."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from infoplane.settings import Settings


class SourceSettings(Settings):
    """Options of every data set, applied in the order in which they stand here."""

    source: str
    """Where the data set comes from."""

    size: int | None = Field(default=None, ge=2)
    """Number of inputs kept, drawn at random with the shares of classes and of the source's
    own split unchanged; null keeps all."""

    shuffled_labels: float = Field(default=0.0, ge=0, le=1)
    """Fraction of the labels that are permuted among themselves, training and test alike."""

    training_fraction: float | None = Field(default=None, gt=0, le=1)
    """Fraction of all kept inputs that train, with the shares of classes unchanged. null: the
    source's own split, or 0.8 where it has none. 1: every input trains and the test set is
    empty."""

    standardise: Literal["none", "all", "feature"] = "none"
    """Shift and scale to mean 0 and standard deviation 1 over the training inputs: all
    features by the same two numbers, or every feature by its own (one that is constant is
    only shifted)."""

    flatten: bool = True
    """Whether an input becomes one row of features; false keeps (channels, height, width)."""

    seed: int = Field(default=0, ge=0)
    """Seed of the subset, the shuffling, the split and of stochastic labels."""


@dataclass(frozen=True)
class Raw:
    """What a source loads, before the shared options.

    x : real and finite (n_inputs, *shape), of the type in which it was given; images are
        (channels, height, width). `prepare` may write into it
    y : int64 (n_inputs,), positions in class_names
    class_names : one a class
    train, test : int64 indices of the source's own split, or None where it has none
    divisor : x is divided by it after the subset was drawn, so that images stay bytes till then
    probabilities : (n_inputs, n_classes), the known p(y | x) that y was drawn from, or None
        where y is a given label
    notes : what a reader of results should know
    """

    x: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    train: np.ndarray | None = None
    test: np.ndarray | None = None
    divisor: float = 1.0
    probabilities: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Data:
    """A prepared data set.

    x : float32 (n_inputs, *shape)
    y : int64 (n_inputs,), class codes 0 … n_classes − 1
    train, test : int64 indices into the inputs, ascending, disjoint; test may be empty
    attributes : JSON types only.
        settings : the source's settings, resolved
        n_classes, class_names : of the source, also where a small subset lacks a class
        entropy_x, entropy_y : H(X), H(Y) in bits of the empirical distribution over all
            inputs; equal rows of x count as one value of X
        information_xy : I(X;Y) in bits: exact where the labels were drawn from a known
            p(y | x), else H(Y) − H(Y | X) of the labels as they are, which is H(Y) unless
            equal inputs carry different labels. Shuffled labels count as they are
        digest : SHA-256 of x, y, train and test
        units, notes
    """

    x: np.ndarray
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray
    attributes: dict[str, Any]
