"""Maps of a layer: each can be undone, does what its name says, and keeps equal rows equal."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from infoplane.invariance.maps import MOST_TURNED, mapped
from infoplane.invariance.settings import MAPS
from infoplane.samples import Samples


def samples(n=200, d=6, **where):
    t = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    t[n // 2 :] = t[: n - n // 2]  # every row twice
    return Samples.of(t, np.arange(n) % 2, **where)


def drawn(name, of, seed=1, factor=10.0, **more):
    return mapped(of, name, np.random.default_rng(seed), factor, **more)


def distances(t):
    return torch.cdist(t[:, 0].double(), t[:, 0].double())


@pytest.mark.parametrize("name", MAPS)
def test_equal_rows_stay_equal_and_different_ones_different(name):
    before, after = samples(), drawn(name, samples())
    assert after.t.shape == before.t.shape
    assert after.t.dtype == torch.float32
    assert not torch.equal(after.t, before.t)
    assert torch.equal(after.t[:100], after.t[100:])
    assert len(after.t[:, 0].unique(dim=0)) == 100
    assert torch.equal(drawn(name, samples()).t, after.t)  # by the seed alone
    assert not torch.equal(drawn(name, samples(), seed=2).t, after.t)


def test_rescaling_multiplies_units_within_the_factor():
    before, after = samples(), drawn("rescale", samples(), factor=4.0)
    factors = (after.t / before.t)[:, 0]
    assert factors.std(dim=0).max() < 1e-5
    assert 0.25 <= factors.min() < 0.7 < 1.4 < factors.max() <= 4


def test_rotation_keeps_distances_and_mixes_units():
    before, after = samples(), drawn("rotate", samples())
    assert torch.allclose(distances(after.t), distances(before.t), atol=1e-5)
    assert torch.allclose(after.t.mean(0), before.t.mean(0), atol=1e-5)
    one = replace(before, t=before.t.clone())
    one.t[:, 0, 1:] = 0
    assert (drawn("rotate", one).t[:, 0].std(dim=0) > 1e-3).sum() == 6


def test_wide_layers_are_turned_in_groups():
    of = samples(n=40, d=MOST_TURNED + 10)
    after = drawn("rotate", of)
    assert torch.allclose(distances(after.t), distances(of.t), atol=1e-4)


def test_monotone_functions_keep_the_order_of_each_unit_and_no_scale():
    before, after, bends = samples(), drawn("monotone", samples()), []
    for unit in range(6):
        a, b = before.t[:, 0, unit], after.t[:, 0, unit]
        assert torch.equal(a.argsort(stable=True), b.argsort(stable=True))
        slopes = torch.diff(b[:100].sort().values) / torch.diff(a[:100].sort().values)
        bends.append(float(slopes.max() / slopes.min()))
    assert min(bends) > 1.05
    assert max(bends) > 1.5


def test_constant_units_stay_constant():
    of = samples()
    of.t[:, 0, 2] = 0.5
    assert drawn("monotone", of).t[:, 0, 2].unique().numel() == 1


def test_maps_read_whole_are_permuted_and_turned_by_channels():
    of = samples(d=12, shape=(3, 2, 2))
    order = [
        next(
            j
            for j in range(3)
            if torch.equal(
                drawn("permute", of).t[:, 0, 4 * i : 4 * i + 4], of.t[:, 0, 4 * j : 4 * j + 4]
            )
        )
        for i in range(3)
    ]
    assert sorted(order) == [0, 1, 2]
    after = drawn("rotate", of).t[:, 0].reshape(-1, 3, 4)
    squares = (after - after.mean(0)).square().sum(1)
    before = of.t[:, 0].reshape(-1, 3, 4)
    assert torch.allclose(squares, (before - before.mean(0)).square().sum(1), atol=1e-4)


def test_noise_follows_linear_maps_alone():
    of = samples()
    noisy = replace(of, t=of.t + 0.1, centres=of.t, sigma=0.2)
    for name in ("rescale", "permute"):
        after = drawn(name, noisy, with_noise=True)
        part = (after.t - after.centres)[0, 0]
        assert torch.allclose(part, after.sigma[0, 0] / 2, atol=1e-5)
    turned = drawn("rotate", noisy, with_noise=True)
    assert turned.sigma == 0.2
    assert torch.allclose(
        (turned.t - turned.centres).norm(dim=2), (noisy.t - of.t).norm(dim=2), atol=1e-5
    )
    each = replace(noisy, sigma=torch.full_like(of.t, 0.2))
    for name, given in (("monotone", noisy), ("rotate", each)):
        with pytest.raises(ValueError, match="Gaussian noise on each unit"):
            drawn(name, given, with_noise=True)
