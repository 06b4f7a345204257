"""Layers of a model in a notebook."""

import numpy as np
import pytest
import torch
from tests.networks.nets import Net

import infoplane
from infoplane import notebook


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = Net(dropout=0.5).train()
    model.norm.eval()
    return model


def test_activations_are_those_of_evaluation_mode_and_modes_are_restored(model):
    x, y = np.random.default_rng(0).normal(size=(300, 8)), np.arange(300) % 2
    before = {name: array.clone() for name, array in model.state_dict().items()}
    found = infoplane.activations(model, x)
    assert {name: t.shape for name, t in found.items()} == {
        "act": (300, 6),
        "act#2": (300, 6),
        "output": (300, 2),
    }
    assert model.training and model.drop.training and not model.norm.training
    assert all(torch.equal(before[name], a) for name, a in model.state_dict().items())
    expected = model.eval()(torch.as_tensor(x, dtype=torch.float32)).detach().numpy()
    np.testing.assert_array_equal(found["output"], expected)
    assert infoplane.estimate(found["act"], y, estimator="binned", n_bins=10)


def test_batches_are_bounded_and_change_nothing(model, monkeypatch):
    x = torch.randn(100, 8)
    whole = infoplane.activations(model, x, ["first", "act"])
    monkeypatch.setattr(notebook, "BATCH_BYTES", 1000)
    parts = infoplane.activations(model, x, ["first", "act"])
    assert list(parts) == ["first", "act", "act#2"]
    for name, t in whole.items():
        np.testing.assert_allclose(parts[name], t, atol=1e-6)


def test_maps_keep_their_shape_where_that_is_asked_for():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU())
    x = torch.randn(10, 1, 8, 8)
    assert infoplane.activations(model, x, "1", flatten=False)["1"].shape == (10, 3, 6, 6)
    assert infoplane.activations(model, x, "1")["1"].shape == (10, 108)


def test_a_layer_that_is_not_there_is_named(model):
    with pytest.raises(ValueError, match=r"'frist' matches no layer\. Nearest: first"):
        infoplane.activations(model, torch.randn(10, 8), ["frist"])
    assert model.training
