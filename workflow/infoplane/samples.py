"""The two records that everything else speaks in: samples in, information out.

Every information value in infoplane is in bits.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch

FLAGS = {
    "saturated": "I(X;T) is within 2 % of the largest value the estimator can return here",
    "not_a_bound": "a difference of two bounds of the same side, itself neither bound",
    "not_converged": "the estimator stopped before it had converged",
    "outside_tested_regime": "the estimator was not shown to be accurate here",
    "training_failed": "the loss of this seed became NaN; it was not measured",
}
"""Every flag a result can carry, in the order of its bit in a store."""

SATURATION = 0.98
"""Share of the cap from which a value counts as saturated."""


@dataclass(frozen=True)
class Samples:
    """Activations of one layer at one epoch of one seed, with what they belong to.

    t : torch.Tensor (n_inputs, n_draws, n_units), floating point, CPU or CUDA
    y : torch.Tensor (n_inputs,), int64 class codes 0 … n_classes − 1, CPU
    x : torch.Tensor (n_inputs, n_features) or None, for estimators that work on pairs
    layer, seed, epoch : where the samples come from; errors name them
    """

    t: torch.Tensor
    y: torch.Tensor
    x: torch.Tensor | None = None
    layer: str = "T"
    seed: int | None = None
    epoch: int | None = None

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
    def place(self) -> str:
        """Where the samples come from, for messages: "layer hidden3, seed 0, epoch 12"."""
        parts = [f"layer {self.layer}"]
        parts += [f"seed {self.seed}"] if self.seed is not None else []
        parts += [f"epoch {self.epoch}"] if self.epoch is not None else []
        return ", ".join(parts)

    @classmethod
    def of(cls, t, y, x=None, **where) -> "Samples":
        """Checked samples from arrays or tensors.

        t : (n_inputs, n_units) or (n_inputs, n_draws, n_units)
        y : (n_inputs,) labels of any integer, boolean or string type
        Raises ValueError where shapes disagree, a value is not finite or nothing is left.
        """
        t = torch.as_tensor(t).detach()
        t = t if t.is_floating_point() else t.to(torch.float64)
        t = t[:, None, :] if t.ndim == 2 else t
        samples = cls(t, label_codes(y), _features(x), **where)
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
        return samples.checked()

    def checked(self) -> "Samples":
        """Itself; raises ValueError where an activation is NaN or infinite."""
        finite = torch.isfinite(self.t)
        if not finite.all():
            raise ValueError(
                f"{self.place}: {int((~finite).sum())} of {self.t.numel()} activations are NaN "
                "or infinite; information is not defined for them"
            )
        return self


@dataclass(frozen=True)
class Information:
    """What an estimator says of one layer at one epoch of one seed. All values in bits.

    ixt, ity : I(X;T) and I(T;Y); may be negative, never clipped
    ixt_lower … ity_upper : bounds or intervals, NaN where the estimator has none
    stderr : Monte Carlo standard error of ixt, NaN where nothing was drawn at random
    cap : the largest ixt this estimator could return on these samples
    flags : names out of FLAGS
    extra : further named quantities of this estimator, in bits
    """

    ixt: float
    ity: float
    ixt_lower: float = float("nan")
    ixt_upper: float = float("nan")
    ity_lower: float = float("nan")
    ity_upper: float = float("nan")
    stderr: float = float("nan")
    cap: float = float("nan")
    flags: tuple[str, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)

    def with_saturation(self) -> "Information":
        """Itself, flagged where I(X;T) lies within 2 % of the cap."""
        if self.cap > 0 and self.ixt >= SATURATION * self.cap and "saturated" not in self.flags:
            return replace(self, flags=(*self.flags, "saturated"))
        return self


def label_codes(y) -> torch.Tensor:
    """Class codes 0 … n_classes − 1, int64 (n_inputs,), of labels of any discrete type."""
    y = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"y must hold one label an input, shape (n_inputs,); got {y.shape}")
    if y.dtype.kind == "f" and not np.array_equal(y, np.floor(y)):
        raise ValueError("y must hold class labels; it holds fractions or NaN")
    return torch.from_numpy(np.unique(y, return_inverse=True)[1].astype(np.int64))


def entropy_of_counts(counts) -> float:
    """Plug-in entropy in bits of the distribution with these counts."""
    p = np.asarray(counts, dtype=np.float64)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum()) + 0.0  # + 0.0 turns −0.0 into 0.0


def _features(x) -> torch.Tensor | None:
    if x is None:
        return None
    x = torch.as_tensor(x).detach()
    return x.reshape(x.shape[0], -1)
