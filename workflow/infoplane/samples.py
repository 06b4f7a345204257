"""The two records that everything else speaks in: samples in, information out.

Every information value in infoplane is in bits.
"""

from dataclasses import dataclass

import numpy as np
import torch

from infoplane.information import FLAGS, SATURATION, Information, entropy_of_counts

__all__ = ["FLAGS", "SATURATION", "Information", "Samples", "entropy_of_counts", "label_codes"]


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
