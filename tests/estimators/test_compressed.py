import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from infoplane.estimators import compressed, kl
from infoplane.estimators.critics import autoencoder
from infoplane.estimators.kernels import components
from infoplane.samples import Pair


def gaussians(n, d, bits, seed=0):
    rho = math.sqrt(1 - 2 ** (-2 * bits / d))
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d))
    return a, rho * a + math.sqrt(1 - rho**2) * rng.normal(size=(n, d))


def result(a, b, **options):
    return compressed.Compressed(**options).between(Pair.of(a, b))


def test_few_dimensions_are_not_compressed():
    a, b = gaussians(500, 2, 1.0)
    found = result(a, b, k=5, weighted=False)
    expected = kl.KL(k=5).between(Pair.of(a, b))
    # Only standardised twice: float64 rounding
    assert found.value == pytest.approx(expected.value, abs=1e-9)
    assert found.extra["explained_variance"] == 1.0
    assert found.extra["reconstruction_error"] == 0.0


@pytest.mark.parametrize("bits", [0.0, 1.0, 3.0])
def test_gaussians_of_four_dimensions(bits):
    found = result(*gaussians(3000, 4, bits))
    # 0.1 bit of bias allowed, as in the weighted estimator's own figures, and 3 errors
    assert abs(found.value - bits) < 0.1 + 3 * found.stderr
    assert found.stderr < 0.12


def test_principal_components_agree_with_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    u, s, _ = np.linalg.svd(z, full_matrices=False)
    found, share = components.principal_components(torch.tensor(x), 3)
    signs = np.sign((found.numpy() * u[:, :3]).sum(axis=0))
    np.testing.assert_allclose(found.numpy() * signs, u[:, :3] * s[:3], atol=1e-9)  # float64
    assert share == pytest.approx((s[:3] ** 2).sum() / (s**2).sum(), abs=1e-12)


def test_leading_directions_of_many_dimensions_agree_with_the_exact_ones(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 80)) + rng.normal(size=(300, 80))
    exact, share = components.principal_components(torch.tensor(x), 3)
    monkeypatch.setattr(components, "MOST_DIAGONALISED", 10)
    found, found_share = components.principal_components(torch.tensor(x), 3)
    # Power iterations: (λ_14/λ_3)^16 is far below 1e-6 here, with noise of variance 1
    assert found_share == pytest.approx(share, abs=1e-6)
    np.testing.assert_allclose(found.abs().numpy(), exact.abs().numpy(), atol=1e-3)


def test_components_of_less_than_rounding_are_left_out():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 9))
    found, share = components.principal_components(torch.tensor(x), 4)
    assert found.shape == (100, 2)
    assert share == pytest.approx(1.0)


def embedded(n, bits, width, seed=0):
    """Four Gaussian pairs. b lies on a smooth surface in `width` dimensions, a on a plane in as
    many, with little noise."""
    a, b = gaussians(n, 4, bits, seed)
    rng = np.random.default_rng(seed + 1)
    a = a @ rng.normal(size=(4, width)) + 0.01 * rng.normal(size=(n, width))
    return a, np.tanh(b @ rng.normal(size=(4, width)) / 3)


def test_autoencoder_finds_the_surface():
    _, b = embedded(2000, 1.0, 12)
    settings = compressed.CompressedSettings(max_steps=600)
    code = compressed.autoencoded(torch.tensor(b), settings)
    assert code.values.shape == (2000, 4)
    assert code.error < 0.1  # four principal components leave 0.06 to 0.1 of such surfaces
    again = compressed.autoencoded(torch.tensor(b), settings)
    assert torch.equal(code.values, again.values)
    other = compressed.autoencoded(
        torch.tensor(b), compressed.CompressedSettings(seed=1, max_steps=50)
    )
    assert not torch.equal(code.values, other.values)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [1.0, 3.0])
def test_information_survives_compression(bits):
    found = result(*embedded(4096, bits, 12))
    # Compression loses some; Butakov et al. see errors of this size
    assert -0.25 * bits - 0.1 < found.value - bits < 0.1 + 3 * found.stderr
    assert found.extra["explained_variance"] > 0.98


def test_training_that_is_cut_short_is_flagged():
    a, b = embedded(300, 1.0, 12)
    assert "not_converged" in result(a, b, max_steps=60).flags


def test_the_same_x_is_compressed_once(monkeypatch):
    a, b = embedded(300, 1.0, 12)
    first = result(a, b, max_steps=50)
    monkeypatch.setattr(compressed, "autoencoded", None)  # a second call would raise
    assert result(a, b, max_steps=50).value == first.value


def test_no_global_random_state_is_used():
    state = torch.get_rng_state()
    a, b = embedded(300, 1.0, 12, seed=5)
    result(a, b, max_steps=20)
    assert torch.equal(state, torch.get_rng_state())


def test_labels():
    """Two distant clusters that show the label, and clusters that do not."""
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 2
    noise = rng.normal(size=(1000, 6))
    # A' has two clusters with half of the samples each: log2 2, within 0.1 bit
    assert result(noise + 20 * y[:, None], y).value == pytest.approx(1.0, abs=0.1)
    nothing = result(noise, y)
    assert abs(nothing.value) < 4 * nothing.stderr + 0.05
    assert "reconstruction_error" not in nothing.extra


def test_draws_are_told_apart_by_their_input():
    """T is one of 8 distant points plus noise: I(X;T) = 3 bits for any features of x."""
    rng = np.random.default_rng(0)
    centres = np.repeat(20 * rng.permutation(8)[:, None], 100, axis=0)
    a = centres + rng.normal(size=(800, 1))
    x = np.repeat(rng.normal(size=(8, 20)), 100, axis=0)
    pair = Pair(torch.tensor(a), torch.tensor(x), n_draws=100)
    found = compressed.Compressed().between(pair)
    assert found.value == pytest.approx(3.0, abs=0.1)  # as above


def test_too_many_neighbours_name_the_place():
    rng = np.random.default_rng(0)
    pair = Pair.of(rng.normal(size=(30, 6)), rng.normal(size=(30, 6)), place="layer t")
    with pytest.raises(ValueError, match=r"layer t: k = 40 .* there are 30"):
        compressed.Compressed().between(pair)


def test_units_of_single_variables_do_not_matter():
    a, b = embedded(300, 1.0, 12)
    expected = result(a, b, max_steps=20).value
    scale = np.geomspace(1e-10, 1e10, 12)
    # float32 copies of x in the autoencoder
    assert result(a * scale, b * scale, max_steps=20).value == pytest.approx(expected, abs=1e-3)


def test_convolutional_autoencoder_is_that_of_torch_modules():
    nn, shape = torch.nn, (2, 9, 7)
    network = autoencoder.Convolutional(shape, [3, 5], 4)
    weights = autoencoder._initial(network.shapes, 0)
    layers = autoencoder._layers(weights, network.shapes)
    there = [nn.Conv2d(2, 3, 3, 2, 1), nn.ReLU(), nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU()]
    there += [nn.Flatten(), nn.Linear(5 * 3 * 2, 4)]
    back = [nn.Linear(4, 5 * 3 * 2), nn.ReLU(), nn.Unflatten(1, (5, 3, 2))]
    back += [nn.Upsample((5, 4)), nn.Conv2d(5, 3, 3, padding=1), nn.ReLU()]
    back += [nn.Upsample((9, 7)), nn.Conv2d(3, 2, 3, padding=1), nn.Flatten()]
    modules = [m for m in (*there, *back) if hasattr(m, "weight")]
    for module, (weight, bias) in zip(modules, layers, strict=True):
        module.weight.data = weight.T.reshape(module.weight.shape)
        module.bias.data = bias
    x = torch.randn(6, 2 * 9 * 7, generator=torch.Generator().manual_seed(0))
    code = network.encoded(layers, x)
    torch.testing.assert_close(code, nn.Sequential(*there)(x.unflatten(1, shape)))
    torch.testing.assert_close(network.decoded(layers, code), nn.Sequential(*back)(code))


def blobs(n, side=10, noise=0.1, seed=0):
    """Images of a blob in the unit square, and its position with Gaussian noise."""
    rng = np.random.default_rng(seed)
    place = rng.random((n, 2))
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, side)] * 2, indexing="ij"), axis=-1)
    apart = np.square(grid - place[:, None, None]).sum(axis=-1)
    return np.exp(-apart / 0.1)[:, None], place + noise * rng.standard_normal((n, 2))


def test_information_of_images_survives_a_convolutional_code():
    x, t = blobs(1500)

    def density(v):  # of a uniform position with its noise
        return norm.cdf(v / 0.1) - norm.cdf((v - 1) / 0.1)

    entropy = quad(lambda v: -density(v) * np.log(density(v) + 1e-300), -1, 2)[0]
    truth = 2 * (entropy - 0.5 * math.log(2 * math.pi * math.e * 0.01)) / math.log(2)
    pair = Pair.of(t, x.reshape(len(x), -1), shapes=((), x.shape[1:]))
    settings = {"autoencoder": "convolutional", "code": 2, "k": 5, "max_steps": 500}
    found = compressed.Compressed(**settings, channels=[6, 12]).between(pair)
    assert found.extra["reconstruction_error"] < 0.1
    # compression loses some; neighbours of 1,500 samples err by less than 0.1
    assert truth - 0.35 < found.value < truth + 0.1


def test_convolutions_need_a_map():
    x, t = blobs(60)
    with pytest.raises(ValueError, match="second variable has no shape"):
        result(t, x.reshape(60, -1), autoencoder="convolutional")
    for options in ({"channels": [4]}, {"autoencoder": "convolutional", "width": 9}):
        with pytest.raises(ValueError, match="has no effect with autoencoder"):
            compressed.CompressedSettings(**options)
    asked = compressed.Compressed(autoencoder="convolutional")
    assert asked.why_not({"X": (1, 28, 28)}) == ("", "")
    assert asked.why_not({"X": ()})[0] == "autoencoder"
