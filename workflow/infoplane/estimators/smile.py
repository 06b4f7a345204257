"""SMILE: the Donsker-Varadhan estimate with its second term clipped.

Source: Song & Ermon 2020, ICLR, equation 15 and algorithm 2. The critic f is trained by the
Jensen-Shannon objective (see `js`); the estimate is
    I(A;B) ≈ E_p(a,b)[f] − ln E_p(a)p(b)[clip(e^f, e^−τ, e^τ)]
Clipping bounds the variance of the second term, and makes it too small where e^f > e^τ
matters: the estimate is no bound, of neither side.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.estimators.critics import MASKED
from infoplane.samples import MutualInformation, Pair

TOGETHER = True
INFINITE_WITHOUT_NOISE = True


class Settings(CriticSettings):
    """Settings of SMILE."""

    estimator: Literal["smile"] = "smile"
    clip: float = Field(default=5, gt=0, allow_inf_nan=False)
    """τ in nats: scores of product pairs are clipped to [−τ, τ] in the estimate."""


def remembers(settings: Settings) -> bool:
    """Whether critics go on from those of the epoch before."""
    return settings.warm_start


def between_batch(
    pairs: Sequence[Pair], settings: Settings, memory: dict | None = None
) -> list[MutualInformation]:
    """I(A;B) of each pair in bits, all critics trained as one stack.

    pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels, one coordinate a class. With
    pair.n_draws > 1 the samples are split by input, a mini-batch holds one draw of an input,
    and b's features are what the critic sees.
    memory : with settings.warm_start, the critics' weights of the epoch before by pair.key
    Returns
        value : the estimate on held-out pairs; may be negative. 0 exactly where a or b
            never varies.
        lower : NaN: SMILE is no bound
        stderr : standard deviation over the held-out samples by √ of their number, for these
            critics: what another training would change is not in it
        cap : log2 of the number of product pairs of a held-out half. More would need joint
            scores above all product scores, of whose mean exponential the sample then says
            nothing; such a value counts as an explosion
        flags : 'exploded', 'not_converged' after max_steps
        extra : steps, the number of mini-batches (without unit)
    Raises ValueError naming the pair where there are fewer than 12 inputs.
    """
    return critic_training.estimate(pairs, settings, Objective(settings.clip), memory)


class Objective:
    """The clipped estimate of a critic trained by the Jensen-Shannon objective. As more is
    not better here, training stops where the Jensen-Shannon objective is best."""

    is_bound = False

    def __init__(self, clip: float = 5):
        self.clip = clip

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        return *critic_bounds.jensen_shannon_slopes(joint, product, n_contrasts), None

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        separation = critic_bounds.jensen_shannon(joint, product, n_contrasts)
        counts = product > MASKED
        product = torch.where(counts, product.clamp(-self.clip, self.clip), product)
        return torch.stack(
            [joint, critic_bounds.log_mean_exp(product, n_contrasts), separation], dim=1
        )

    def bound(self, summary: Tensor):
        joint, by_sample, _ = summary.unbind(dim=1)
        return critic_bounds.donsker_varadhan(joint, by_sample)

    def criterion(self, summary: Tensor) -> Tensor:
        return summary[:, 2].mean(dim=1)

    def block(self, n_rows: int, largest: int) -> int:
        return critic_bounds.block_of(n_rows, largest)

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        return math.log(n_rows * n_contrasts)
