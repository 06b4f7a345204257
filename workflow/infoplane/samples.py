"""The inputs of all estimators: samples of a layer, and pairs of variables.

Every information value in infoplane is in bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import torch

from infoplane.arguments import common_type, label_codes, numbers, read
from infoplane.information import (
    BIT,
    FLAGS,
    SATURATION,
    Information,
    LayerInformation,
    entropy_of_counts,
)

__all__ = [
    "BIT",
    "FLAGS",
    "SATURATION",
    "Information",
    "LayerInformation",
    "Pair",
    "Samples",
    "entropy_of_counts",
    "label_codes",
]


@dataclass(frozen=True)
class Samples:
    """Activations of one layer at one epoch of one seed, with their inputs and labels.

    t : torch.Tensor (n_inputs, n_draws, n_units), floating point, CPU or CUDA
    y : torch.Tensor (n_inputs,), int64 class codes 0 … n_classes − 1, CPU; for a continuous Y,
        (n_inputs, n_draws, d_y), floating point
    x : torch.Tensor (n_inputs, n_features) or None, for estimators that work on pairs
    layer, seed, epoch : the origin of the samples; errors name it
    sigma : standard deviation of the Gaussian noise in every unit of t; for noise of several
        sizes, a torch.Tensor of t's shape, 0 at entries without noise; None: no noise
    centres : torch.Tensor (n_inputs, n_draws, n_units), t before this noise; None without it
    entropy_x : H(X) of these inputs in bits if known; else it is counted when needed
    whole : whether the inputs are all values of X, equally likely, and not a sample
    unseen : whether the inputs are independent draws from an infinite population, and none of
        them trained the network; never together with `whole`
    shape, shape_x : (channels, height, width) of one activation of t and of one row of x if
        they are to be read as maps; () for vectors
    """

    t: torch.Tensor
    y: torch.Tensor
    x: torch.Tensor | None = None
    layer: str = "T"
    seed: int | None = None
    epoch: int | None = None
    sigma: float | torch.Tensor | None = None
    centres: torch.Tensor | None = None
    entropy_x: float | None = None
    whole: bool = False
    unseen: bool = False
    shape: tuple[int, ...] = ()
    shape_x: tuple[int, ...] = ()

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.t.shape[0]

    @property
    def n_draws(self) -> int:
        """Number of draws of each input."""
        return self.t.shape[1]

    @property
    def n_units(self) -> int:
        """Number of units of the layer."""
        return self.t.shape[2]

    @property
    def is_labelled(self) -> bool:
        """Whether y holds labels."""
        return self.y.ndim == 1

    @property
    def is_deterministic(self) -> bool:
        """Whether T is a function of X: one draw of an input, without noise."""
        return self.n_draws == 1 and self.sigma is None

    @property
    def is_counted_whole(self) -> bool:
        """Whether counts of T cover every input and nothing is random."""
        return self.whole and self.is_deterministic

    @property
    def place(self) -> str:
        """Where the samples come from, for messages: "layer hidden3, seed 0, epoch 12"."""
        return _place(self.layer, self.seed, self.epoch)

    @classmethod
    def of(cls, t, y, x=None, centres=None, *, draws: bool = False, **where) -> Samples:
        """Checked samples from arrays, tensors, tables or lists of rows.

        t, centres : (n_inputs, n_units), or with draws (n_inputs, n_draws, n_units)
        y : (n_inputs,) or (n_inputs, 1) labels of any integer, boolean or string type
        x : (n_inputs, …); all axes after the first are features
        draws : whether t holds several draws of each input
        where : layer, seed, epoch, sigma, whole, unseen, shape and shape_x of `Samples`
        Raises ValueError if shapes disagree, if a value is not finite, would lose digits or is
        not a number, or if nothing is left.
        """
        place = _place(**where)
        if where.get("whole") and where.get("unseen"):
            raise ValueError(
                f"{place}: whole says that the inputs are all values of X, unseen that they "
                "are draws from a larger population; give one of the two"
            )
        t = _layer(numbers(t, "t"), draws, place)
        sigma = where.get("sigma")
        if sigma is not None and not isinstance(sigma, Real):
            sigma = _like(t, sigma, "sigma is the size of the noise on each entry", place)
            where["sigma"] = sigma
        if centres is not None:
            centres = _like(t, centres, "centres are t before noise", place)
            dtype = common_type(t, centres)
            t, centres = t.to(dtype), centres.to(dtype)
        samples = cls(t, label_codes(y), _features(x, place), centres=centres, **where)
        for name, values in {"y": samples.y, "x": samples.x}.items():
            if values is not None and values.shape[0] != t.shape[0]:
                raise ValueError(
                    f"{place}: {name} has {values.shape[0]} rows, t has {t.shape[0]}"
                )
        if samples.x is not None:
            _require_finite(samples.x, place, "features of x")
            _shape_of(samples.x, samples.shape_x, "x", place)
        _shape_of(t, samples.shape, "t", place)
        if (centres is None) != (sigma is None) or not _is_scale(sigma, centres):
            raise ValueError(
                f"{place}: noise needs both centres and sigma. sigma is a number > 0, or "
                "numbers ≥ 0 in the shape of t that are 0 only where the centre is 0 too"
            )
        samples.checked()
        if centres is not None:
            _require_finite(centres, place, "centres")
        return samples

    def checked(self) -> Samples:
        """The samples themselves; raises ValueError if an activation is NaN or infinite."""
        _require_finite(self.t, self.place, "activations")
        return self

    def with_y(self) -> Pair:
        """Rows of T, input by input with all draws, together with Y: labels, or rows of a
        continuous Y, then both in their common type."""
        key, shapes = (self.layer, self.seed, "y"), (self.shape, ())
        rows = self.t.flatten(0, 1)
        if self.is_labelled:
            labels = self.y.repeat_interleave(self.n_draws)
            return Pair(rows, labels, self.place, self.n_draws, key, self.epoch, shapes)
        dtype = common_type(self.t, self.y)
        y = self.y.flatten(0, 1).to(rows.device, dtype)
        return Pair(rows.to(dtype), y, self.place, 1, key, self.epoch, shapes)

    def with_inputs(self) -> Pair:
        """Rows of T, input by input with all draws, together with the features of the inputs,
        both in their common type."""
        dtype = common_type(self.t, self.x)
        t = self.t.flatten(0, 1).to(dtype)
        x = self.x.to(t.device, dtype)
        if self.n_draws > 1:
            x = x.repeat_interleave(self.n_draws, dim=0)
        key = (self.layer, self.seed, "x")
        shapes = (self.shape, self.shape_x)
        return Pair(t, x, self.place, self.n_draws, key, self.epoch, shapes)


@dataclass(frozen=True)
class Pair:
    """Samples of two variables, row by row; the second is continuous or a label.

    a : torch.Tensor (n, d_a), floating point, CPU or CUDA
    b : torch.Tensor (n, d_b), floating point, on the device of a; or (n,), int64 labels, CPU
    place : the origin of the samples, for messages
    n_draws : b repeats each of its rows this many times in succession; if it is more than one,
        a row of b identifies the input, like an index
    key, epoch : the pairs with one key are one layer of one network over epochs, for
        estimators that remember
    shapes : (channels, height, width) of a row of a, and of b, if they are to be read as maps;
        () for vectors and labels
    """

    a: torch.Tensor
    b: torch.Tensor
    place: str = "a and b"
    n_draws: int = 1
    key: tuple = ()
    epoch: int | None = None
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.a.shape[0]

    @property
    def is_labelled(self) -> bool:
        """Whether b holds labels."""
        return self.b.ndim == 1

    @property
    def widest(self) -> int:
        """Number of dimensions of the wider variable; a label has none."""
        return max(self.a.shape[1], 0 if self.is_labelled else self.b.shape[1])

    @classmethod
    def of(cls, a, b, place: str = "a and b", shapes=((), ())) -> Pair:
        """A checked pair from arrays, tensors, tables or lists of rows.

        a : (n, d_a), b : (n, d_b), or (n,) labels of any integer, boolean or string type
        shapes : see the class
        Raises ValueError if shapes disagree, if a value is not finite, would lose digits or is
        not a number, or if nothing is left.
        """
        a, b = numbers(a, "a"), read(b, "b")
        _require_rows(a, "a", "(n, d_a)", place)
        if b.ndim == 1:
            b = label_codes(
                b, "b", "; give a continuous variable of one dimension as b[:, None]"
            )
        else:
            b = numbers(b, "b")
            _require_rows(b, "b", "(n, d_b), or (n,) labels,", place)
            dtype = common_type(a, b)
            a, b = a.to(dtype), b.to(a.device, dtype)
        if len(a) != len(b):
            raise ValueError(f"{place}: a has {len(a)} rows, b has {len(b)}")
        _require_finite(a, place, "values of a")
        if b.ndim == 2:
            _require_finite(b, place, "values of b")
        of_a = _shape_of(a, shapes[0], "a", place)
        return cls(a, b, place, shapes=(of_a, _shape_of(b, shapes[1], "b", place)))


def _place(layer: str = "T", seed: int | None = None, epoch: int | None = None, **_) -> str:
    parts = [f"layer {layer}"]
    parts += [f"seed {seed}"] if seed is not None else []
    parts += [f"epoch {epoch}"] if epoch is not None else []
    return ", ".join(parts)


def _like(t: torch.Tensor, values, what: str, place: str) -> torch.Tensor:
    """Values in the shape of t and on its device; ValueError for another shape."""
    found = numbers(values, what.partition(" ")[0])
    found = found[:, None] if found.ndim == 2 else found
    if found.shape != t.shape:
        raise ValueError(
            f"{place}: {what}; the shape must be {tuple(t.shape)}, not {tuple(found.shape)}"
        )
    return found.to(t.device)


def _is_scale(sigma, centres: torch.Tensor | None) -> bool:
    """Whether sigma is a valid size of noise around these centres, or None."""
    if not isinstance(sigma, torch.Tensor):
        return sigma is None or (isinstance(sigma, Real) and 0 < sigma < math.inf)
    if centres is None or not torch.isfinite(sigma).all() or (sigma < 0).any():
        return False
    return not bool(centres[sigma == 0].any())


def _layer(t: torch.Tensor, draws: bool, place: str) -> torch.Tensor:
    """t with an axis for draws, (n_inputs, n_draws, n_units)."""
    if t.ndim == 3 and not draws:
        raise ValueError(
            f"{place}: t has three axes, {tuple(t.shape)}, which can mean two things. For "
            "several draws of each input, (n_inputs, n_draws, n_units), give draws=True. For a "
            "map (n_inputs, channels, length) give rows: t.reshape(len(t), -1) for every "
            "position of every channel, or t.mean(2) for the mean of each channel"
        )
    if t.ndim != (3 if draws else 2) or 0 in t.shape:
        wanted = (
            "(n_inputs, n_draws, n_units), because draws=True,"
            if draws
            else "(n_inputs, n_units), or with draws=True (n_inputs, n_draws, n_units),"
        )
        raise ValueError(
            f"{place}: t must be {wanted} and not empty; its shape is "
            f"{tuple(t.shape)}{_how_to_read(t, 't')}"
        )
    return t if draws else t[:, None]


def _require_rows(values: torch.Tensor, name: str, shape: str, place: str) -> None:
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"{place}: {name} must be {shape} and not empty; its shape is "
            f"{tuple(values.shape)}{_how_to_read(values, name)}"
        )


def _how_to_read(values: torch.Tensor, name: str) -> str:
    """For a message: how to reshape values into rows of variables."""
    if values.ndim == 1:
        return f"; {name}[:, None] is one variable of one dimension"
    if values.ndim < 3 or 0 in values.shape:
        return ""
    places = ", ".join(map(str, range(2, values.ndim)))
    return (
        f"; for a map (n_inputs, channels, …), {name}.reshape(len({name}), -1) takes every "
        f"position of every channel, and {name}.mean(({places}"
        f"{',' if values.ndim == 3 else ''})) the mean of each channel"
    )


def _shape_of(rows: torch.Tensor, shape, name: str, place: str) -> tuple[int, ...]:
    """The given shape of a row, checked against the number of values in a row."""
    shape = tuple(int(side) for side in shape)
    if shape and (
        rows.ndim < 2 or min(shape) < 1 or len(shape) != 3 or math.prod(shape) != rows.shape[-1]
    ):
        has = f"{rows.shape[-1]} values" if rows.ndim > 1 else "a label"
        raise ValueError(
            f"{place}: the shape of a row of {name} must be (channels, height, width) with as "
            f"many values as the row has, or () for a vector, not {shape}; a row has {has}"
        )
    return shape


def _require_finite(values: torch.Tensor, place: str, what: str) -> None:
    # a finite sum proves that all values are finite; a sum of finite values may overflow
    if not values.is_floating_point() or math.isfinite(values.sum()):
        return
    finite = torch.isfinite(values)
    if not finite.all():
        raise ValueError(
            f"{place}: {int((~finite).sum())} of {values.numel()} {what} are NaN or infinite; "
            "information is not defined for them"
        )


def _features(x, place: str) -> torch.Tensor | None:
    if x is None:
        return None
    x = numbers(x, "x")
    if x.ndim == 0 or 0 in x.shape:
        raise ValueError(
            f"{place}: x must be (n_inputs, n_features) and not empty; its shape is "
            f"{tuple(x.shape)}"
        )
    return x.reshape(x.shape[0], -1)
