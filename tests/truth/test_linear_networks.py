"""A linear convolutional network: what its layers are of the image, and know of it."""

import numpy as np
import pytest

from infoplane.samples import BIT
from infoplane.truth.linear_networks import LinearNetworks

SETTINGS = {"side": 8, "channels": [2, 3], "epochs": [0, 6]}


@pytest.fixture(scope="module")
def family():
    return LinearNetworks(LinearNetworks.Settings(**SETTINGS))


@pytest.fixture(scope="module")
def prepared(family):
    return family.prepare()


def test_layers_are_convolutions_of_single_pixels(prepared):
    """A pixel further on moves all that it adds by as much: one place in conv1, and half of two
    in conv2, behind a pool."""
    for epoch in SETTINGS["epochs"]:
        conv1 = prepared[f"conv1, epoch {epoch}"].reshape(8, 8, 2, 8, 8)
        conv2 = prepared[f"conv2, epoch {epoch}"].reshape(8, 8, 3, 4, 4)
        assert np.abs(conv1).max() > 0.1 and np.abs(conv2).max() > 0.01
        moved = np.roll(conv1[3, 3], (1, 1), (1, 2))
        assert conv1[4, 4] == pytest.approx(moved, abs=1e-6)
        moved = np.roll(conv2[3, 3], (1, 1), (1, 2))
        assert conv2[5, 5][:, 1:3, 1:3] == pytest.approx(moved[:, 1:3, 1:3], abs=1e-6)
        assert np.abs(conv1[4, 4][:, [0, 7]]).max() < 1e-6  # 3 × 3, and no more


def test_truths_are_those_of_joint_covariances_for_every_reading(family, prepared):
    layers = family.layers(prepared)
    assert len(layers) == 2 * (3 + 3 + 1)
    for layer in layers:
        noise = layer.sigma**2 * np.eye(layer.d)
        z = np.eye(layer.root.shape[1])
        joint = np.block(
            [[z, layer.matrix.T], [layer.matrix, layer.matrix @ layer.matrix.T + noise]]
        )
        of_t, of_both = (np.linalg.slogdet(m)[1] for m in (joint[len(z) :, len(z) :], joint))
        assert layer.about_x() == pytest.approx(BIT * (of_t - of_both) / 2, rel=1e-6)
        assert 0 < layer.about_y() < 1


def test_the_network_learns_what_is_asked(family, prepared):
    known = {layer.name: layer.about_y() for layer in family.layers(prepared)}
    assert known["dense1, epoch 6, 16 units"] > known["dense1, epoch 0, 16 units"] + 0.05


def test_means_are_those_of_the_maps(family, prepared):
    layers = {layer.name: layer for layer in family.layers(prepared)}
    whole, mean = (
        layers[f"conv2, epoch 6, {how}"]
        for how in ("3 × 4 × 4", "means of 3 channels of 4 × 4")
    )
    assert mean.matrix == pytest.approx(whole.matrix.reshape(3, 16, -1).mean(1))
    one = layers["conv2, epoch 6, one of 3 channels of 4 × 4"]
    assert one.matrix == pytest.approx(whole.matrix[:16]) and one.shape == (1, 4, 4)
