"""Signals of the weights: norms, products, paths."""

import itertools
import math

import numpy as np
import pytest
import torch
from tests.signals.small import convolutional, drawn, inputs, perceptron

from infoplane.signals import from_written
from infoplane.signals.interface import NotMeasurable
from infoplane.signals.operators import operators

CLOSE = 1e-5
"""Relative: weights are float32 numbers, products and roots of which are float64."""


def value(name, trained, **settings):
    return from_written({"signal": name, **settings}).of_network(trained)


def matrix_of(operator) -> np.ndarray:
    """An operator without its bias, column by column (out, in)."""
    n = math.prod(operator.shape)
    unit = torch.eye(n, dtype=torch.float64).reshape(n, *operator.shape)
    zero = operator(torch.zeros((1, *operator.shape), dtype=torch.float64))
    return (operator(unit) - zero).flatten(1).T.numpy()


def test_norms_are_of_all_that_is_trained(trained_of):
    network = perceptron(batch_norm=True)
    now, before = drawn(network, 1), drawn(network, 2)
    initial = {name: array[None] for name, array in before.items()}
    trained = trained_of(network, now, *inputs(network), initial=initial)
    flat = {
        name: np.concatenate([arrays[n].numpy().ravel() for n in network.parameters])
        for name, arrays in {"now": now, "before": before}.items()
    }
    length = np.linalg.norm(flat["now"])
    assert value("weight_norm", trained) == pytest.approx(length, rel=CLOSE)
    apart = np.linalg.norm(flat["now"] - flat["before"])
    assert value("distance_from_initialisation", trained) == pytest.approx(apart, rel=CLOSE)
    assert value("n_parameters", trained) == len(flat["now"])


def test_without_the_weights_before_training_there_is_no_distance(trained_of):
    network = perceptron()
    trained = trained_of(network, drawn(network), *inputs(network))
    with pytest.raises(NotMeasurable, match="before training are not kept"):
        value("distance_from_initialisation", trained)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("build", [perceptron, convolutional])
def test_operators_one_after_the_other_are_the_network(build, batch_norm, trained_of):
    """With batch norm folded in: what they give is what the network gives."""
    network = build(batch_norm=batch_norm)
    trained = trained_of(network, drawn(network), *inputs(network))
    own = operators(trained)
    h = trained.x.double()
    for operator in own:
        h = operator(h)
        if operator.name != "output":
            h = torch.relu(h)
        if operator.name == "conv1":
            h = torch.nn.functional.avg_pool2d(h, 2)
    torch.testing.assert_close(h.float(), trained.logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", [perceptron, convolutional])
def test_products_of_norms_are_those_of_singular_values(build, trained_of):
    network = build(batch_norm=True)
    trained = trained_of(network, drawn(network), *inputs(network))
    spectral, frobenius = 0.0, 0.0
    for operator in operators(trained):
        s = np.linalg.svd(matrix_of(operator), compute_uv=False)
        assert operator.spectral_norm() == pytest.approx(s[0], rel=CLOSE)
        spectral += math.log(s[0])
        frobenius += math.log(np.linalg.norm(operator.weight.numpy()))
    assert value("spectral_product", trained) == pytest.approx(spectral, rel=CLOSE)
    assert value("frobenius_product", trained) == pytest.approx(frobenius, rel=CLOSE)


def test_the_spectral_norm_of_a_convolution_with_one_input_or_output():
    from infoplane.networks.cnn import Conv
    from infoplane.signals.operators import Operator

    for shape in ((1, 1, 1), (2, 3, 3)):
        weight = torch.arange(1.0, 1 + shape[0] * 9, dtype=torch.float64)
        weight = weight.reshape(1, shape[0], 3, 3)
        conv = Conv(stage="conv", channels=1, kernel=3, padding=(3 - shape[1]) // 2)
        operator = Operator("conv", weight, torch.ones(1, dtype=torch.float64), shape, conv)
        s = np.linalg.svd(matrix_of(operator), compute_uv=False)
        assert operator.spectral_norm() == pytest.approx(s[0], rel=1e-9)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
def test_the_spectral_norm_of_a_convolution_goes_with_its_scale(scale, trained_of):
    network = convolutional()
    conv, *_ = operators(trained_of(network, drawn(network), *inputs(network)))
    scaled = conv._replace(weight=conv.weight * scale)
    assert scaled.spectral_norm() == pytest.approx(scale * conv.spectral_norm(), rel=1e-6)


def paths_of(matrices, biases) -> float:
    """Σ over paths of Π w², path by path: from inputs or biases through units to outputs."""

    def along(path, of):
        steps = zip(of, path, path[1:], strict=False)
        return math.prod(matrix[j, i] ** 2 for matrix, i, j in steps)

    units = [range(matrices[0].shape[1]), *(range(len(matrix)) for matrix in matrices)]
    total = sum(along(path, matrices) for path in itertools.product(*units))
    for k, bias in enumerate(biases):
        for path in itertools.product(*units[k + 1 :]):  # from the bias of a unit
            total += bias[path[0]] ** 2 * along(path, matrices[k + 1 :])
    return total


def test_the_path_norm_of_a_perceptron_is_the_sum_over_its_paths(trained_of):
    network = perceptron((4, 3))
    trained = trained_of(network, drawn(network), *inputs(network))
    own = operators(trained)
    total = paths_of([o.weight.numpy() for o in own], [o.bias.numpy() for o in own])
    assert value("path_norm", trained) == pytest.approx(math.sqrt(total), rel=CLOSE)


def test_the_path_norm_of_a_convolution_is_the_sum_over_its_paths(trained_of):
    """As a perceptron whose matrices are those of the operators, a pool's among them; without
    biases, of which a map has one at all positions."""
    network = convolutional()
    trained = trained_of(network, drawn(network, biases=False), *inputs(network))
    conv, dense, output = map(matrix_of, operators(trained))
    pool = np.kron(np.eye(3), np.kron(*[np.kron(np.eye(2), [[0.5, 0.5]])] * 2))
    total = np.ones(128)
    for matrix in (conv, pool, dense, output):
        total = matrix**2 @ total
    assert value("path_norm", trained) == pytest.approx(math.sqrt(total.sum()), rel=CLOSE)


def test_of_a_max_pool_the_largest_of_the_paths_goes_on(trained_of):
    network = convolutional("max")
    trained = trained_of(network, drawn(network), *inputs(network))
    conv, dense, output = operators(trained)
    h = (matrix_of(conv) ** 2 @ np.ones(128)).reshape(3, 4, 4)
    h += conv.bias.numpy()[:, None, None] ** 2
    h = h.reshape(3, 2, 2, 2, 2).max((2, 4)).ravel()
    for operator in (dense, output):
        h = operator.weight.numpy() ** 2 @ h + operator.bias.numpy() ** 2
    assert value("path_norm", trained) == pytest.approx(math.sqrt(h.sum()), rel=CLOSE)


def test_rescaling_units_of_relu_does_not_change_the_path_norm(trained_of):
    network = perceptron()
    weights = drawn(network)
    scaled = rescaled(weights, "hidden1", "hidden2", 7.0)
    before, after = (trained_of(network, w, *inputs(network)) for w in (weights, scaled))
    torch.testing.assert_close(before.logits, after.logits, rtol=1e-4, atol=1e-4)
    assert value("path_norm", after) == pytest.approx(value("path_norm", before), rel=CLOSE)
    assert value("weight_norm", after) > 2 * value("weight_norm", before)


def rescaled(weights, layer, following, by):
    return {
        **weights,
        f"{layer}.weight": weights[f"{layer}.weight"] * by,
        f"{layer}.bias": weights[f"{layer}.bias"] * by,
        f"{following}.weight": weights[f"{following}.weight"] / by,
    }


def test_products_of_weights_that_are_all_zero_are_no_numbers(trained_of):
    network = perceptron()
    weights = {name: torch.zeros_like(w) for name, w in drawn(network).items()}
    trained = trained_of(network, weights, *inputs(network))
    assert (
        value("spectral_product", trained) == value("frobenius_product", trained) == -math.inf
    )
    with pytest.raises(NotMeasurable, match="all 0"):
        value("normalised_margin", trained)


def test_quantised_weights_count_as_they_are_used(trained_of):
    quantisation = {"bits": 4, "weights": True}
    network = perceptron(activation="tanh", quantisation=quantisation)
    trained = trained_of(network, drawn(network), *inputs(network))
    for operator in operators(trained):
        assert len(operator.weight.unique()) <= 2**4
