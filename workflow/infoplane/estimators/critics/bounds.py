"""Formulas that several estimators with critics share. Scores are in nats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.estimators.critics.networks import Scores


def log_mean(by_sample: Tensor) -> Tensor:
    """ln E[e^f], (C,), from the ln of the mean e^f of each sample's product pairs, (C, n)."""
    return torch.logsumexp(by_sample, dim=1) - math.log(by_sample.shape[1])


def donsker_varadhan(joint: Tensor, by_sample: Tensor) -> tuple[Tensor, Tensor]:
    """E[f] − ln E[e^f] in nats, (C,), and the terms (C, n) of its standard error by the delta
    method.

    joint : (C, n) scores; by_sample : (C, n), ln of the mean e^f of a sample's product pairs
    """
    of_all = log_mean(by_sample)
    return joint.mean(dim=1) - of_all, joint - (by_sample - of_all[:, None]).exp()


def nguyen_wainwright_jordan(joint: Tensor, by_sample: Tensor) -> tuple[Tensor, Tensor]:
    """E[f] − E[e^(f − 1)] in nats, (C,), and its terms (C, n); arguments as in
    `donsker_varadhan`."""
    terms = joint - (by_sample - 1).exp()
    return terms.mean(dim=1), terms


def jensen_shannon(scores: Scores) -> Tensor:
    """softplus(−f) + mean softplus(f) over each sample's product pairs, (C, n). The critic
    f = ln p(a,b) / p(a)p(b) minimises its expectation."""
    of_product = torch.nn.functional.softplus(scores.product).sum(dim=1) / scores.n_contrasts
    return torch.nn.functional.softplus(-scores.joint) + of_product
