"""In how many directions a layer's activations spread."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from infoplane.samples import Samples
from infoplane.settings import Settings
from infoplane.signals.interface import LayerSignal, NotMeasurable
from infoplane.signals.trained import Trained


class EffectiveRankSettings(Settings):
    """Effective rank of each layer's activations."""

    signal: Literal["effective_rank"] = "effective_rank"
    """`effective_rank` is the effective rank of each layer's activations, between 1 and the
    number of units."""
    inputs: int = Field(default=500, ge=2)
    """The rank is computed from the activations of this many training inputs, the first in the
    measured order, or all if there are fewer; in wider layers its time grows as their cube."""


class EffectiveRank(LayerSignal):
    """exp of the entropy of p_k = s_k / Σ s, s the singular values of the centred activations.

    Roy & Vetterli 2007 ("The effective rank", EUSIPCO), of the activations minus their mean.
    Lower is said to be better: representations of fewer directions (Huh et al. 2023, "The
    low-rank simplicity bias", arXiv 2103.10427).
    """

    Settings = EffectiveRankSettings
    settings: EffectiveRankSettings
    label, better = "effective rank", "lower"

    def of_layer(self, samples: Samples, trained: Trained) -> float:
        t = samples.t[: self.settings.inputs, 0].double()
        t = t - t.mean(0)
        # Eigenvalues of the smaller of two products are squares of the singular values.
        gram = t @ t.T if t.shape[0] <= t.shape[1] else t.T @ t
        s = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
        if not bool(s.sum() > 0):
            raise NotMeasurable("it is the same for all inputs")
        p = s / s.sum()
        p = p[p > 0]
        return float(torch.exp(-(p * p.log()).sum()))
