"""NWJ: the bound of Nguyen, Wainwright and Jordan, also known as f-GAN KL or MINE-f.

Source: Nguyen, Wainwright & Jordan 2010, IEEE Trans. Inf. Theory 56, 5847; as written by
Poole et al. 2019, ICML, equation 7. With a critic f
    I(A;B) ≥ E_p(a,b)[f] − E_p(a)p(b)[e^(f − 1)]
Both terms are plain means, so mini-batches give its gradient without bias; its variance grows
with e^I, more than that of Donsker-Varadhan.
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
    """Settings of the NWJ bound."""

    estimator: Literal["nwj"] = "nwj"


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
    """The NWJ bound."""

    is_bound = True

    def slopes(self, joint: Tensor, product: Tensor, n_contrasts: int, state):
        n = joint.shape[1]
        product.sub_(1 + math.log(n * n_contrasts)).clamp_(-80, 80).exp_()
        return torch.full_like(joint, -1 / n), product, None

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        return torch.stack([joint, critic_bounds.log_mean_exp(product, n_contrasts)], dim=1)

    def bound(self, summary: Tensor):
        joint, by_sample = summary.unbind(dim=1)
        terms = joint - (by_sample - 1).exp()
        return terms.mean(dim=1), terms

    def criterion(self, summary: Tensor) -> Tensor:
        return self.bound(summary)[0]

    def block(self, n_rows: int, largest: int) -> int:
        return critic_bounds.block_of(n_rows, largest)

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        return math.log(n_rows * n_contrasts)
