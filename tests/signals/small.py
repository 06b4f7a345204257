"""Small networks with weights that are no symmetric case, and inputs for them."""

import numpy as np
import torch

from infoplane.networks import cnn, mlp


def perceptron(hidden=(5, 4), activation="relu", **settings) -> mlp.MLP:
    chosen = mlp.Settings(hidden=list(hidden), activation=activation, **settings)
    return mlp.MLP(chosen, (6,), 3)


def convolutional(pool="average", activation="relu", **settings) -> cnn.CNN:
    stages = [
        {"stage": "conv", "channels": 3, "kernel": 3, "padding": 1, "stride": 2},
        {"stage": "pool", "method": pool},
        {"stage": "flatten"},
        {"stage": "dense", "units": 4},
    ]
    written = {"family": "cnn", "stages": stages, "activation": activation, **settings}
    return cnn.CNN(cnn.Settings.model_validate(written), (2, 8, 8), 3)


def drawn(network, seed=0, biases=True) -> dict[str, torch.Tensor]:
    """Weights by name of one network; variances are positive."""
    source = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in network.arrays.items():
        array = torch.randn(shape, generator=source) * 0.5
        array = array.abs() + 0.5 if name.endswith((".var", ".norm.weight")) else array
        flat = name.endswith(".bias") and not biases
        weights[name] = torch.zeros(shape) if flat else array
    return weights


def inputs(network, n=40, seed=0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *network.input_shape)).astype(np.float32)
    return x, rng.integers(0, 3, n)
