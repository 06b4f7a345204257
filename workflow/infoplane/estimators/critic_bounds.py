"""What a bound is to the training of its critic, and terms that several bounds share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Objective(Protocol):
    """What distinguishes the bounds. Scores are in nats: joint (C, B), product (C, K, B), of
    which every sample has n_contrasts that count, the others being `critics.MASKED`."""

    is_bound: bool

    def slopes(
        self, joint: Tensor, product: Tensor, n_contrasts: int, state: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Derivatives of the loss by joint and product scores (`product` may be overwritten),
        and a state (C,) handed to the next call; it is None at first."""

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        """What the bound needs of held-out scores: (C, S, B), S numbers a sample."""

    def bound(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """The estimate in nats, (C,), of summaries (C, S, m), and the terms (C, m) whose
        scatter gives its standard error."""

    def criterion(self, summary: Tensor) -> Tensor:
        """(C,), largest where training should have stopped."""

    def block(self, n_rows: int, largest: int) -> int:
        """How many of n_rows held-out samples are evaluated together, at most `largest` where
        the bound does not depend on it."""

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        """Largest value in nats that is taken for an estimate, of n_rows held-out samples with
        so many product pairs each."""


class MeanExponential:
    """What the bounds with a mean of e^f over product pairs have in common."""

    is_bound = True

    def summary(self, joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
        return torch.stack([joint, log_mean_exp(product, n_contrasts)], dim=1)

    def criterion(self, summary: Tensor) -> Tensor:
        return self.bound(summary)[0]

    def block(self, n_rows: int, largest: int) -> int:
        return block_of(n_rows, largest)

    def cap(self, n_rows: int, n_contrasts: int) -> float:
        """ln of the number of product pairs. More would need joint scores above all product
        scores, of whose mean exponential the sample then says nothing; such a value counts
        as an explosion."""
        return math.log(n_rows * n_contrasts)


def block_of(n_rows: int, largest: int) -> int:
    """Samples of one of equal parts of at most `largest`."""
    return math.ceil(n_rows / math.ceil(n_rows / largest))


def log_mean_exp(product: Tensor, n_contrasts: int) -> Tensor:
    """ln of the mean exponential of each sample's product scores, (C, K, B) → (C, B)."""
    return torch.logsumexp(product, dim=1) - math.log(n_contrasts)


def donsker_varadhan(joint: Tensor, by_sample: Tensor) -> tuple[Tensor, Tensor]:
    """E[f] − ln E[e^f] in nats, (C,), and the terms of its delta-method error, (C, m).

    joint : (C, m) scores; by_sample : (C, m), ln of the mean e^f of a sample's product pairs
    """
    log_mean = torch.logsumexp(by_sample, dim=1) - math.log(joint.shape[1])
    return joint.mean(dim=1) - log_mean, joint - (by_sample - log_mean[:, None]).exp()


def jensen_shannon(joint: Tensor, product: Tensor, n_contrasts: int) -> Tensor:
    """−softplus(−f) − mean softplus(f) of each sample, (C, B); largest for the best critic."""
    functional = torch.nn.functional
    return functional.logsigmoid(joint) - functional.softplus(product).sum(1) / n_contrasts


def jensen_shannon_slopes(
    joint: Tensor, product: Tensor, n_contrasts: int
) -> tuple[Tensor, Tensor]:
    """Derivatives of minus the mean of `jensen_shannon`; overwrites `product`."""
    n = joint.shape[1]
    return torch.sigmoid(-joint).div_(-n), product.sigmoid_().div_(n * n_contrasts)
