"""JS: a critic trained by the Jensen-Shannon objective, put into the NWJ bound.

Source: Nowozin et al. 2016, NeurIPS, and Hjelm et al. 2019, ICLR, for the objective; Poole et
al. 2019, ICML, section 2.3, for the estimate. The critic f maximises
    −E_p(a,b)[softplus(−f)] − E_p(a)p(b)[softplus(f)]
which is stable, as no exponential of a score appears in it, and whose best critic is
f = ln p(a,b) / p(a)p(b). The NWJ bound is tight for 1 + f, so the estimate is
    I(A;B) ≥ 1 + E_p(a,b)[f] − E_p(a)p(b)[e^f]
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from infoplane.estimators import critic_bounds, critic_training
from infoplane.estimators.critic_training import CriticSettings
from infoplane.samples import MutualInformation, Pair

TOGETHER = True
INFINITE_WITHOUT_NOISE = True


class Settings(CriticSettings):
    """Settings of the bound of a critic trained by Jensen-Shannon."""

    estimator: Literal["js"] = "js"


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
        value : the NWJ bound on held-out pairs; may be negative. 0 exactly where a or b
            never varies.
        lower : the value: on average over held-out samples it is below I(A;B)
        stderr : standard deviation over the held-out samples by √ of their number, for these
            critics: what another training would change is not in it
        cap : log2 of the number of product pairs of a held-out half. More would need joint
            scores above all product scores, of whose mean exponential the sample then says
            nothing; such a value counts as an explosion
        flags : 'exploded', 'not_converged' after max_steps
        extra : steps, the number of mini-batches (without unit)
    Raises ValueError naming the pair where there are fewer than 12 inputs.
    """
    return critic_training.estimate(pairs, settings, Objective(), memory)


class Objective:
    """The NWJ bound of a critic trained by the Jensen-Shannon objective."""

    is_bound = True

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        return *critic_bounds.jensen_shannon_slopes(joint, product, n_contrasts), None

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        return torch.stack([joint, critic_bounds.log_mean_exp(product, n_contrasts)], dim=1)

    def bound(self, summary: Tensor):
        joint, by_sample = summary.unbind(dim=1)
        terms = 1 + joint - by_sample.exp()
        return terms.mean(dim=1), terms

    def criterion(self, summary: Tensor) -> Tensor:
        return self.bound(summary)[0]

    def block(self, n_rows: int, largest: int) -> int:
        return critic_bounds.block_of(n_rows, largest)

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        return math.log(n_rows * n_contrasts)
