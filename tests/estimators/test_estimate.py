"""The call for notebooks, with the two basic estimators."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

import infoplane


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.integers(0, 2, 60)


@pytest.mark.parametrize("name", ["kde", "binned"])
def test_arrays_and_tensors_of_both_shapes_give_the_same(layer, name):
    t, y = layer
    expected = infoplane.estimate(t, y, estimator=name)
    labels = np.where(y == 1, "cat", "dog")
    for activations in (t[:, None, :], torch.from_numpy(t), torch.from_numpy(t)[:, None]):
        for classes in (y, torch.from_numpy(y), labels):
            found = infoplane.estimate(activations, classes, estimator=name)
            # swapped class codes change the order of float32 sums
            assert found.ixt == pytest.approx(expected.ixt, abs=1e-6)
            assert found.ity == pytest.approx(expected.ity, abs=1e-6)


@pytest.mark.parametrize("name", ["kde", "binned"])
def test_draws_are_a_dimension_of_their_own(layer, name):
    t, y = layer
    found = infoplane.estimate(np.stack([t, t], axis=1), y, estimator=name)
    assert found.ixt == pytest.approx(infoplane.estimate(t, y, estimator=name).ixt, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "options"), [("kde", {"noise_variance": 1e-6}), ("binned", {"width": 1e-6})]
)
def test_saturated_layers_are_flagged(layer, name, options):
    assert "saturated" in infoplane.estimate(*layer, estimator=name, **options).flags


def test_settings_reach_the_estimator(layer):
    fine, coarse = (infoplane.estimate(*layer, noise_variance=v).ixt for v in (0.01, 10))
    assert fine > coarse
    with pytest.raises(ValidationError, match="noise_varianc"):
        infoplane.estimate(*layer, noise_varianc=0.1)


def test_values_that_are_not_finite_raise(layer):
    t, y = layer
    t[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 240 activations are NaN"):
        infoplane.estimate(t, y)
