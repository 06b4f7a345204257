"""The records that everything else speaks in: samples or pairs in, information out.

Every information value in infoplane is in bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from infoplane.information import (
    BIT,
    FLAGS,
    SATURATION,
    Information,
    MutualInformation,
    entropy_of_counts,
)

__all__ = [
    "BIT",
    "FLAGS",
    "SATURATION",
    "Information",
    "MutualInformation",
    "Pair",
    "Samples",
    "entropy_of_counts",
    "label_codes",
]


@dataclass(frozen=True)
class Samples:
    """Activations of one layer at one epoch of one seed, with what they belong to.

    t : torch.Tensor (n_inputs, n_draws, n_units), floating point, CPU or CUDA
    y : torch.Tensor (n_inputs,), int64 class codes 0 … n_classes − 1, CPU
    x : torch.Tensor (n_inputs, n_features) or None, for estimators that work on pairs
    layer, seed, epoch : where the samples come from; errors name them
    sigma : standard deviation of Gaussian noise that is part of every unit of t; None: none
    centres : torch.Tensor (n_inputs, n_draws, n_units), t before this noise; None without it
    entropy_x : H(X) of these inputs in bits, where it is known; else it is counted when needed
    """

    t: torch.Tensor
    y: torch.Tensor
    x: torch.Tensor | None = None
    layer: str = "T"
    seed: int | None = None
    epoch: int | None = None
    sigma: float | None = None
    centres: torch.Tensor | None = None
    entropy_x: float | None = None

    @property
    def n_inputs(self) -> int:
        return self.t.shape[0]

    @property
    def n_draws(self) -> int:
        return self.t.shape[1]

    @property
    def n_units(self) -> int:
        return self.t.shape[2]

    @property
    def is_deterministic(self) -> bool:
        """Whether T is a function of X: one draw of an input, without noise."""
        return self.n_draws == 1 and self.sigma is None

    @property
    def place(self) -> str:
        """Where the samples come from, for messages: "layer hidden3, seed 0, epoch 12"."""
        parts = [f"layer {self.layer}"]
        parts += [f"seed {self.seed}"] if self.seed is not None else []
        parts += [f"epoch {self.epoch}"] if self.epoch is not None else []
        return ", ".join(parts)

    @classmethod
    def of(cls, t, y, x=None, centres=None, **where) -> Samples:
        """Checked samples from arrays or tensors.

        t, centres : (n_inputs, n_units) or (n_inputs, n_draws, n_units)
        y : (n_inputs,) labels of any integer, boolean or string type
        where : layer, seed, epoch, sigma
        Raises ValueError where shapes disagree, a value is not finite or nothing is left.
        """
        t = _floating(t)
        t = t[:, None, :] if t.ndim == 2 else t
        if centres is not None:
            centres = _floating(centres).to(t)
            centres = centres[:, None, :] if centres.ndim == 2 else centres
        samples = cls(t, label_codes(y), _features(x), centres=centres, **where)
        if t.ndim != 3 or 0 in t.shape:
            raise ValueError(
                f"{samples.place}: t must be (n_inputs, n_units) or (n_inputs, n_draws, "
                f"n_units) and not empty; its shape is {tuple(t.shape)}"
            )
        for name, values in {"y": samples.y, "x": samples.x}.items():
            if values is not None and values.shape[0] != t.shape[0]:
                raise ValueError(
                    f"{samples.place}: {name} has {values.shape[0]} rows, t has {t.shape[0]}"
                )
        if samples.x is not None:
            _require_finite(samples.x, samples.place, "features of x")
        sigma = samples.sigma
        if (centres is None) != (sigma is None) or (sigma is not None and not sigma > 0):
            raise ValueError(f"{samples.place}: noise is given by centres and by a sigma > 0")
        if centres is not None and centres.shape != t.shape:
            raise ValueError(
                f"{samples.place}: centres are t before noise, of shape {tuple(t.shape)}; "
                f"theirs is {tuple(centres.shape)}"
            )
        samples.checked()
        if centres is not None:
            _require_finite(centres, samples.place, "centres")
        return samples

    def checked(self) -> Samples:
        """Itself; raises ValueError where an activation is NaN or infinite."""
        _require_finite(self.t, self.place, "activations")
        return self

    def with_labels(self) -> Pair:
        """Rows of T, all draws of an input in succession, with the labels."""
        labels = self.y.repeat_interleave(self.n_draws)
        key = (self.layer, self.seed, "y")
        rows = self.t.flatten(0, 1)
        return Pair(rows, labels, self.place, self.n_draws, key=key, epoch=self.epoch)

    def with_inputs(self) -> Pair:
        """Rows of T, all draws of an input in succession, with the features of the inputs."""
        t = self.t.flatten(0, 1)
        x = self.x.to(t.device, t.dtype).repeat_interleave(self.n_draws, dim=0)
        key = (self.layer, self.seed, "x")
        return Pair(t, x, self.place, self.n_draws, key=key, epoch=self.epoch)


@dataclass(frozen=True)
class Pair:
    """Samples of two variables, row by row, the second continuous or a label.

    a : torch.Tensor (n, d_a), floating point, CPU or CUDA
    b : torch.Tensor (n, d_b), floating point, on the device of a; or (n,), int64 labels, CPU
    place : what errors name
    n_draws : b holds each of its rows so many times in succession; with more than one, b is
        the index of the input as much as its features
    key, epoch : the pairs of one key are one layer of one network over epochs, for
        estimators that remember
    """

    a: torch.Tensor
    b: torch.Tensor
    place: str = "a and b"
    n_draws: int = 1
    key: tuple = ()
    epoch: int | None = None

    @property
    def n(self) -> int:
        return self.a.shape[0]

    @property
    def is_labelled(self) -> bool:
        """Whether b holds labels."""
        return self.b.ndim == 1

    @property
    def widest(self) -> int:
        """Dimensions of the wider variable; a label has none."""
        return max(self.a.shape[1], 0 if self.is_labelled else self.b.shape[1])

    @classmethod
    def of(cls, a, b, place: str = "a and b") -> Pair:
        """A checked pair from arrays or tensors.

        a : (n, d_a), b : (n, d_b), or (n,) labels of any integer, boolean or string type
        Raises ValueError where shapes disagree, a value is not finite or nothing is left.
        """
        a = _floating(a)
        if a.ndim != 2 or 0 in a.shape:
            raise ValueError(
                f"{place}: a must be (n, d_a) and not empty; its shape is {tuple(a.shape)}"
                + ("; a[:, None] is one variable of one dimension" if a.ndim == 1 else "")
            )
        if _ndim(b) == 1:
            b = _labels_not_numbers(b, place)
        else:
            b = _floating(b).to(a.device)
            dtype = torch.promote_types(a.dtype, b.dtype)
            a, b = a.to(dtype), b.to(dtype)
            if b.ndim != 2 or 0 in b.shape:
                raise ValueError(
                    f"{place}: b must be (n, d_b), or (n,) labels, and not empty; its shape is "
                    f"{tuple(b.shape)}"
                )
        if len(a) != len(b):
            raise ValueError(f"{place}: a has {len(a)} rows, b has {len(b)}")
        _require_finite(a, place, "values of a")
        if b.ndim == 2:
            _require_finite(b, place, "values of b")
        return cls(a, b, place)


def _floating(values) -> torch.Tensor:
    values = torch.as_tensor(values).detach()
    return values if values.is_floating_point() else values.to(torch.float64)


def _ndim(values) -> int:
    return values.ndim if isinstance(values, torch.Tensor) else np.ndim(values)


def _labels_not_numbers(b, place: str) -> torch.Tensor:
    try:
        return label_codes(b)
    except ValueError as error:
        raise ValueError(
            f"{place}: b of shape (n,) holds labels, and these are fractions or NaN; give a "
            "continuous variable of one dimension as b[:, None]"
        ) from error


def _require_finite(values: torch.Tensor, place: str, what: str) -> None:
    if not values.is_floating_point():
        return
    finite = torch.isfinite(values)
    if not finite.all():
        raise ValueError(
            f"{place}: {int((~finite).sum())} of {values.numel()} {what} are NaN or infinite; "
            "information is not defined for them"
        )


def label_codes(y) -> torch.Tensor:
    """Class codes 0 … n_classes − 1, int64 (n_inputs,), of labels of any discrete type."""
    y = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"y must hold one label an input, shape (n_inputs,); got {y.shape}")
    if y.dtype.kind == "f" and not np.array_equal(y, np.floor(y)):
        raise ValueError("y must hold class labels; it holds fractions or NaN")
    return torch.from_numpy(np.unique(y, return_inverse=True)[1].astype(np.int64))


def _features(x) -> torch.Tensor | None:
    if x is None:
        return None
    x = torch.as_tensor(x).detach()
    return x.reshape(x.shape[0], -1)
