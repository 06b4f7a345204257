"""A linear autoencoder with Gaussian inputs and noise has its information in closed form.

x ~ N(0, Σ), and every layer but the output is an affine map of the one before plus N(0, σ²).
All are jointly Gaussian, so that I(A;B) = −½ Σ log2 (1 − ρ²) over canonical correlations ρ; of
the code of a network without an encoder this is ½ log2 |I + W Σ W' / σ²|.
"""

import math

import numpy as np
import pytest
import torch

from infoplane import streams
from infoplane.datasets.source import Data, Label
from infoplane.estimators import from_written
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure
from infoplane.networks import autoencoder
from infoplane.probes import probe_of
from infoplane.probes.dataset import Settings as Measure
from infoplane.samples import Samples
from infoplane.stores.weights import WeightsStore
from infoplane.training import supervised
from infoplane.training.loop import train

VARIANCES = np.array([2.0, 1.0, 0.5])
LAYERS = ("encoder1", "code", "decoder1", "output")
SIGMA, N = 1.0, 2000


def network_of(n_features, encoder, bottleneck) -> autoencoder.Autoencoder:
    settings = autoencoder.Settings(
        family="autoencoder",
        encoder=encoder,
        bottleneck=bottleneck,
        activation="linear",
        noise={"sigma": SIGMA},
    )
    return autoencoder.Autoencoder(settings, (n_features,), n_features)


def data_of(n_features: int) -> Data:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, n_features)) * np.sqrt(VARIANCES[:n_features])
    x = x.astype(np.float32)
    codes = np.int64(x[:, 0] > 0)
    return Data(x, {"y": Label(codes, ("0", "1"))}, np.arange(N), np.arange(0), {"digest": ""})


def covariance(weights) -> tuple[np.ndarray, dict[str, slice]]:
    """Of x and all layers, of one network's weights by name, and where each of them stands."""
    n_features = len(weights["output.bias"])
    joint = np.diag(VARIANCES[:n_features])
    at, last = {"x": slice(0, n_features)}, "x"
    for name in [layer for layer in LAYERS if f"{layer}.weight" in weights]:
        w = np.asarray(weights[f"{name}.weight"], np.float64)
        beside = joint[:, at[last]] @ w.T
        own = w @ joint[at[last], at[last]] @ w.T
        own += (name != "output") * SIGMA**2 * np.eye(len(w))
        at[name] = slice(len(joint), len(joint) + len(w))
        joint, last = np.block([[joint, beside], [beside.T, own]]), name
    return joint, at


def correlations(weights, a: str, b: str) -> np.ndarray:
    """Squares of the canonical correlations of two layers, or of x and a layer."""
    joint, at = covariance(weights)
    of_a, of_b, across = (joint[at[i], at[j]] for i, j in ((a, a), (b, b), (a, b)))
    # the output has more dimensions than the code that it comes from
    explained = across @ np.linalg.pinv(of_b, rcond=1e-6, hermitian=True) @ across.T
    return np.linalg.eigvals(np.linalg.solve(of_a, explained)).real.clip(0)


def information(weights, a: str, b: str) -> float:
    """I(A;B) in bits: −½ Σ log2 (1 − ρ²)."""
    return float(-0.5 * np.log2(1 - correlations(weights, a, b)).sum())


def error(weights, a: str, b: str) -> float:
    """Four standard errors of a mean over N samples of the pointwise information, of which the
    variance in Gaussians is Σ ρ² nat²."""
    return 4 * math.sqrt(correlations(weights, a, b).sum() / N) / math.log(2)


def hand_made(bottleneck: int) -> dict[str, torch.Tensor]:
    source = torch.Generator().manual_seed(bottleneck)
    code = torch.linalg.qr(torch.randn(3, 3, generator=source))[0][:bottleneck]
    return {
        "code.weight": code[None] * torch.linspace(1.5, 0.7, bottleneck)[None, :, None],
        "code.bias": torch.ones(1, bottleneck),
        "output.weight": code.mT[None],
        "output.bias": torch.zeros(1, 3),
    }


@pytest.mark.parametrize("bottleneck", [1, 2, 3])
@pytest.mark.parametrize("method", ["ksg", "kl", "sp"])
def test_the_code_of_weights_set_by_hand(method, bottleneck):
    data = data_of(3)
    network, weights = network_of(3, [], bottleneck), hand_made(bottleneck)
    one = {name: w[0].numpy() for name, w in weights.items()}
    truth, w = information(one, "x", "code"), one["code.weight"]
    det = np.linalg.det(np.eye(bottleneck) + (w * VARIANCES) @ w.T / SIGMA**2)
    assert truth == pytest.approx(0.5 * math.log2(det))
    x = torch.from_numpy(data.x)
    noise = network.random(N, [streams.of_training(1)])
    code = dict(network.read(weights, x, noise))["code"]
    samples = Samples.of(
        code.seen[0], data.y, data.x, code.t[0], sigma=float(code.sigma[0]), layer="code"
    )
    (found,) = from_written({"estimator": method}).session()([samples])
    assert found.ixt.value == pytest.approx(truth, abs=error(one, "x", "code"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """2 → 2 → 1 → 2 → 2 with small weights, from the workflow's trainer, in a store."""
    options = {"method": "adam", "learning_rate": 0.02}
    settings = supervised.Settings.model_validate(
        {"target": "input", "epochs": 15, "batch_size": 200, "optimizer": options, "l2": 0.05}
    )
    network = network_of(2, [2], 1)
    path = tmp_path_factory.mktemp("linear") / "w.zarr.zip"
    train(supervised.Supervised(settings, network, data_of(2), [5]), path, identity="linear")
    return WeightsStore(path)


@pytest.mark.parametrize("method", ["ksg", "kl"])
def test_all_layers_of_a_trained_network_with_x_and_with_the_reconstruction(method, trained):
    measured = Measure(y="reconstruction", epochs={"schedule": "list", "epochs": [15]})
    activations = Activations(trained, probe_of(measured.canonical(), data_of(2)))
    found = measure(activations, from_written({"estimator": method}))
    weights = {name: w[0, 0] for name, w in trained.read([15], [5]).items()}
    for layer in ("encoder1", "code", "decoder1"):
        truth, allowed = (f(weights, "x", layer) for f in (information, error))
        assert found[5, 15, layer].ixt.value == pytest.approx(truth, abs=allowed), layer
    for layer in ("encoder1", "code"):  # of the decoder's last layer X̂ is a function
        truth, allowed = (f(weights, layer, "output") for f in (information, error))
        assert found[5, 15, layer].ity.value == pytest.approx(truth, abs=allowed), layer
    assert math.isnan(activations.entropies([15])[5, 15][1])


def test_noise_of_the_reconstruction_is_that_of_the_layers(trained):
    """With draws, T and X̂ are of one pass: the output is the affine map of decoder1 as seen."""
    measured = Measure(
        y="reconstruction", epochs={"schedule": "list", "epochs": [15]}, draws=3, subset=40
    )
    activations = Activations(trained, probe_of(measured.canonical(), data_of(2)))
    batches = {batch[0].layer: batch[0] for batch in activations}
    one = batches["decoder1"]
    weights = {name: torch.from_numpy(w[0, 0]) for name, w in trained.read([15], [5]).items()}
    expected = one.t @ weights["output.weight"].T + weights["output.bias"]
    assert one.y.shape == (40, 3, 2)
    torch.testing.assert_close(one.y, expected)
    torch.testing.assert_close(batches["output"].y, batches["output"].t)
    pair = one.with_y()
    assert pair.n == 120 and pair.n_draws == 1 and not pair.is_labelled
