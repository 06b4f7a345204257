"""Networks on a grid, with targets and signals that are known."""

from itertools import product

import numpy as np
import pytest

from infoplane.compare.sample import Networks, Sample, resampled


@pytest.fixture
def grid():
    """A function that gives networks on a grid of so many points an axis, `seeds` of each."""

    def networks(levels=(3, 2, 2), seeds=2, resamples=0, seed=0, target=None, ties=False):
        points = np.repeat(np.array(list(product(*map(range, levels)))), seeds, axis=0)
        rng = np.random.default_rng(seed)
        values = rng.normal(size=len(points)) + points[:, 0] if target is None else target
        values = np.round(values) if ties else values
        return Networks(values, points, resampled(len(points), resamples, seed))

    return networks


@pytest.fixture
def sample(grid):
    """A function that gives a signal of such networks: the target with noise, or with ties."""

    def of(noise=1.0, **changes):
        networks = grid(**changes)
        rng = np.random.default_rng(99)
        signal = networks.target + noise * rng.normal(size=len(networks.target))
        return Sample(networks, np.round(signal) if changes.get("ties") else signal)

    return of
