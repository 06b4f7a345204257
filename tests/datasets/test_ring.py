"""The mixture on a ring: its points have the density that it says."""

import numpy as np
import pytest

from infoplane.datasets import SOURCES, prepare, shape_of
from infoplane.datasets.ring import Ring


@pytest.fixture
def settings():
    return SOURCES["ring"].Settings(source="ring", n=20_000, modes=5, radius=2, deviation=0.3)


def test_points_lie_around_their_modes(settings):
    data = prepare(settings)
    centres = Ring(settings).centres
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 2)
    for mode in range(5):
        own = data.x[data.y == mode]
        assert len(own) == 4000
        # 5 standard errors
        np.testing.assert_allclose(own.mean(0), centres[mode], atol=5 * 0.3 / 4000**0.5)
        np.testing.assert_allclose(own.std(0), 0.3, rtol=5 / (2 * 4000) ** 0.5)
    assert shape_of(settings) == data.shape and data.labels["mode"].n_classes == 5


def test_the_density_sums_to_one(settings):
    axis = np.linspace(-5, 5, 401)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    density = np.exp(Ring(settings).log_density(grid))
    assert density.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-6)


def test_other_sources_know_no_density():
    digits = SOURCES["digits"]
    assert digits(digits.Settings(source="digits")).log_density(np.zeros((2, 64))) is None
