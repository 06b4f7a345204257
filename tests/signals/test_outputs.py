"""Signals of outputs and of the loss around a network: margins, sharpness, gradient noise."""

import math

import numpy as np
import pytest
import torch
from tests.signals.small import convolutional, drawn, inputs, perceptron

from infoplane.signals import from_written
from infoplane.signals.interface import NotMeasurable

EVERY = {"inputs": 1000}


def value(name, trained, **settings):
    return from_written({"signal": name, **settings}).of_network(trained)


class Bowl:
    """½ w' H w + g' w about the weights that it is put in, H diagonal, in place of a loss."""

    def __init__(self, trained, curvature, slope=0.0):
        self.trained, self.curvature, self.slope = trained, curvature, slope
        self.origin = {name: array.clone() for name, array in trained.parameters.items()}
        trained.loss = self.loss

    def loss(self, weights, x=None, y=None):
        apart = {name: weights[name] - array for name, array in self.origin.items()}
        return sum(
            self.curvature * (a.square() / 2).sum() + self.slope * a.sum()
            for a in apart.values()
        )


@pytest.fixture
def trained(trained_of):
    network = perceptron((32, 32))
    return trained_of(network, drawn(network), *inputs(network))


def test_the_margin_is_the_tenth_percentile_by_hand(trained):
    margins = []
    for scores, y in zip(trained.logits.tolist(), trained.y.tolist(), strict=True):
        others = [score for j, score in enumerate(scores) if j != y]
        margins.append(scores[y] - max(others))
    margins.sort()
    # 40 inputs: 0.1 · 39 = 3.9, nine tenths of the way from the 4th to the 5th smallest
    by_hand = margins[3] + 0.9 * (margins[4] - margins[3])
    assert value("margin", trained) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("by", [0.1, 3.0])
@pytest.mark.parametrize("layer", ["hidden1", "hidden2", "output"])
def test_the_normalised_margin_does_not_change_with_a_layers_scale(trained_of, layer, by):
    network = perceptron()
    weights = drawn(network, biases=False)
    scaled = {**weights, f"{layer}.weight": weights[f"{layer}.weight"] * by}
    before, after = (trained_of(network, w, *inputs(network)) for w in (weights, scaled))
    assert value("margin", after) == pytest.approx(by * value("margin", before), rel=1e-4)
    assert value("normalised_margin", after) == pytest.approx(
        value("normalised_margin", before), rel=1e-4
    )


def test_the_normalised_margin_is_the_margin_over_the_product(trained):
    margin, log_product = value("margin", trained), value("spectral_product", trained)
    found = value("normalised_margin", trained)
    assert found == pytest.approx(margin / math.exp(log_product), rel=1e-9)


def test_random_sharpness_of_a_bowl_is_half_its_trace_over_the_rise(trained):
    """E ½ σ² z' H z = σ² tr H / 2. Of n = 1443 parameters and 64 draws the mean has a relative
    deviation of √(2 / 64 n) = 0.005; the root is found to 0.01 in ln σ."""
    Bowl(trained, curvature=2.0)
    n = sum(array.numel() for array in trained.parameters.values())
    found = value("sharpness_random", trained, rise=0.3, draws=64)
    assert found == pytest.approx(2.0 * n / (2 * 0.3), rel=0.04)


def test_magnitude_aware_random_sharpness_of_a_bowl_counts_by_weights(trained):
    """E ½ σ² Σ H w² z² = σ² H ‖w‖² / 2; the relative deviation is √(2 Σw⁴ / 64) / Σw²."""
    Bowl(trained, curvature=2.0)
    w = torch.cat([array.flatten() for array in trained.parameters.values()]).double()
    found = value("sharpness_random_magnitude", trained, rise=0.3, draws=64)
    assert found == pytest.approx(2.0 * float(w.square().sum()) / (2 * 0.3), rel=0.05)


def test_a_loss_that_does_not_rise_has_no_random_sharpness(trained):
    Bowl(trained, curvature=0.0)
    with pytest.raises(NotMeasurable, match="raises the loss by `rise`"):
        value("sharpness_random", trained)


def test_steepest_sharpness_of_a_bowl_with_a_slope(trained):
    """g is s everywhere: ρ s √n + ½ H ρ²."""
    Bowl(trained, curvature=2.0, slope=0.1)
    n = sum(array.numel() for array in trained.parameters.values())
    found = value("sharpness_sam", trained, radius=0.2)
    assert found == pytest.approx(0.2 * 0.1 * math.sqrt(n) + 0.5 * 2.0 * 0.2**2, rel=1e-4)


def test_magnitude_aware_steepest_sharpness_of_a_bowl_with_a_slope(trained):
    """ε = ρ w² / ‖w‖: ρ s ‖w‖ + ½ H ρ² Σw⁴ / ‖w‖²."""
    Bowl(trained, curvature=2.0, slope=0.1)
    w = torch.cat([array.flatten() for array in trained.parameters.values()]).double()
    length = float(w.norm())
    expected = 0.2 * 0.1 * length + 0.5 * 2.0 * 0.04 * float((w**4).sum()) / length**2
    found = value("sharpness_sam_magnitude", trained, radius=0.2)
    assert found == pytest.approx(expected, rel=1e-4)


def test_without_a_gradient_there_is_no_steepest_direction(trained):
    Bowl(trained, curvature=2.0)
    with pytest.raises(NotMeasurable, match="gradient is 0"):
        value("sharpness_sam", trained)


@pytest.mark.parametrize("name", ["sharpness_random_magnitude", "sharpness_sam_magnitude"])
def test_rescaling_units_of_relu_does_not_change_magnitude_aware_sharpness(trained_of, name):
    network = perceptron()
    weights = drawn(network)
    scaled = {
        **weights,
        "hidden1.weight": weights["hidden1.weight"] * 5,
        "hidden1.bias": weights["hidden1.bias"] * 5,
        "hidden2.weight": weights["hidden2.weight"] / 5,
    }
    before, after = (trained_of(network, w, *inputs(network)) for w in (weights, scaled))
    assert value(name, after) == pytest.approx(value(name, before), rel=1e-3)
    plain = name.removesuffix("_magnitude")
    assert value(plain, after) != pytest.approx(value(plain, before), rel=0.1)


@pytest.mark.parametrize("build", [perceptron, convolutional])
def test_the_gradient_is_that_of_the_loss(build, trained_of):
    """Against differences of the loss along three directions."""
    network = build(activation="tanh", batch_norm=True)
    trained = trained_of(network, drawn(network), *inputs(network))
    gradient = trained.gradient()
    weights = {name: array.double() for name, array in trained.weights.items()}
    # a bias before batch norm is no part of what is learnt
    moved = [n for n in gradient if n.removesuffix("bias") + "norm.weight" not in weights]
    assert set(gradient) == set(network.parameters)
    trained.x = trained.x.double()
    for seed in range(3):
        source = torch.Generator().manual_seed(seed)
        along = {n: torch.randn(weights[n].shape, generator=source).double() for n in moved}
        ends = [
            trained.loss({**weights, **{n: weights[n] + h * d for n, d in along.items()}})
            for h in (-1e-4, 1e-4)
        ]
        slope = float(ends[1] - ends[0]) / 2e-4
        expected = sum(float((gradient[n].double() * d).sum()) for n, d in along.items())
        assert slope == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_gradient_noise_of_single_inputs_is_the_trace_of_their_covariance(trained):
    rows = []
    for i in range(len(trained.x)):
        gradient = trained.gradient(trained.x[i : i + 1], trained.y[i : i + 1])
        rows.append(torch.cat([g.flatten() for g in gradient.values()]).double().numpy())
    trace = np.var(rows, axis=0, ddof=1).sum()
    assert value("gradient_noise", trained, batches=40) == pytest.approx(trace, rel=1e-4)


def test_gradient_noise_by_batches_is_right_on_average(trained):
    """Over random partitions its mean is the trace; 60 of them, each of 9 degrees of freedom in
    few effective directions, spread by about a third: a mean is off by 0.05."""
    single = value("gradient_noise", trained, batches=40)
    found = [value("gradient_noise", trained, batches=10, seed=seed) for seed in range(60)]
    assert np.mean(found) == pytest.approx(single, rel=0.15)


def test_more_batches_than_inputs_are_named(trained):
    with pytest.raises(NotMeasurable, match="40 inputs for 50 batches"):
        value("gradient_noise", trained, batches=50)


def test_an_output_that_scores_no_classes_is_named(trained_of):
    network = perceptron()
    x, _ = inputs(network)
    trained = trained_of(network, drawn(network), x, np.arange(40))
    with pytest.raises(NotMeasurable, match="are not scores of classes"):
        value("margin", trained)
