"""Random streams by key: equal keys give equal numbers, whatever was drawn before elsewhere.

All streams are on the CPU, so that a result does not depend on the device. Two rules turn a key
into a seed, one for trainings and one for estimators that train. Neither can change without
changing every result made with it.
"""

from __future__ import annotations

import numpy as np
import torch


def of_training(*key: int) -> torch.Generator:
    """The stream of a key such as (seed, epoch, purpose)."""
    mixed = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> 1))


def order(n: int, *key: int) -> torch.Tensor:
    """An order of n inputs that depends on the key alone, from the stream of a training."""
    return torch.randperm(n, generator=of_training(*key))


def of_estimator(*key: int) -> torch.Generator:
    """The stream of a key such as (seed, purpose)."""
    mixed = 0
    for part in key:
        mixed = (mixed * 1_000_003 + part + 1) % 2**63
    return torch.Generator().manual_seed(mixed)
