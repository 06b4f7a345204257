"""MINE: the Donsker-Varadhan bound with the gradient corrected for small mini-batches.

Source: Belghazi et al. 2018, ICML, equations 5 and 12, section 3.2 for the gradient. With a
critic f
    I(A;B) ≥ E_p(a,b)[f] − ln E_p(a)p(b)[e^f]
The gradient of the second term is E[e^f ∇f] / E[e^f]; its denominator is an exponential
moving average over mini-batches, because a quotient of two means of one batch is biased.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.samples import MutualInformation, Pair

TOGETHER = True
INFINITE_WITHOUT_NOISE = True


class Settings(CriticSettings):
    """Settings of MINE."""

    estimator: Literal["mine"] = "mine"
    averaging: float = Field(default=0.1, gt=0, lt=1)
    """Share of the newest mini-batch in the moving average of E[e^f]."""


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
        value : the bound on held-out pairs; may be negative. 0 exactly where a or b
            never varies.
        lower : the value: on average over held-out samples it is below I(A;B),
            but for the logarithm of a mean of finitely many product pairs, which is a little
            too small on average
        stderr : standard deviation over the held-out samples by √ of their number, for these
            critics: what another training would change is not in it
        cap : log2 of the number of product pairs of a held-out half. More would need joint
            scores above all product scores, of whose mean exponential the sample then says
            nothing; such a value counts as an explosion
        flags : 'exploded', 'not_converged' after max_steps
        extra : steps, the number of mini-batches (without unit)
    Raises ValueError naming the pair where there are fewer than 12 inputs.
    """
    return critic_training.estimate(pairs, settings, Objective(settings.averaging), memory)


class Objective:
    """The Donsker-Varadhan bound."""

    is_bound = True

    def __init__(self, averaging: float = 0.1):
        self.averaging = averaging

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        n = joint.shape[1]
        shift = product.amax(dim=(1, 2)) if state is None else state
        product.sub_(shift[:, None, None]).clamp_(-80, 80).exp_()
        now = (product.sum(dim=(1, 2)) / (n * n_contrasts)).log_().add_(shift)
        old = now if state is None else state
        state = torch.logaddexp(
            old + math.log1p(-self.averaging), now + math.log(self.averaging)
        )
        product.mul_(((shift - state).exp_() / (n * n_contrasts))[:, None, None])
        return torch.full_like(joint, -1 / n), product, state

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        return torch.stack([joint, critic_bounds.log_mean_exp(product, n_contrasts)], dim=1)

    def bound(self, summary: Tensor):
        joint, by_sample = summary.unbind(dim=1)
        return critic_bounds.donsker_varadhan(joint, by_sample)

    def criterion(self, summary: Tensor) -> Tensor:
        return self.bound(summary)[0]

    def block(self, n_rows: int, largest: int) -> int:
        return critic_bounds.block_of(n_rows, largest)

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        return math.log(n_rows * n_contrasts)
