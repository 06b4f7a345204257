"""The probe of a GAN: X and Y at each seed and epoch, and the divergence as the truth."""

import numpy as np
import pytest
import torch

from infoplane.config import ConfigError, load
from infoplane.datasets import SOURCES, prepare
from infoplane.datasets.ring import Ring
from infoplane.estimators import from_written
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure_scheduled
from infoplane.networks import mlp
from infoplane.networks.network import NONE
from infoplane.probes.divergence import jensen_shannon
from infoplane.probes.real_or_fake import RealOrFakeProbe, Settings
from infoplane.samples import Samples
from infoplane.stores.information import read_information, write_information
from infoplane.stores.weights import WeightsStore
from infoplane.training import gan
from infoplane.training.loop import train

SEEDS = [2, 5]
TRAINING = {
    "trainer": "gan",
    "epochs": 4,
    "latent": 2,
    "generator": {"family": "generator"},
    "optimizer": {"method": "adam", "learning_rate": 0.01},
    "device": "cpu",
}


@pytest.fixture(scope="module")
def ring():
    kind = SOURCES["ring"].Settings
    return prepare(kind(source="ring", n=2000, modes=4, deviation=0.3))


@pytest.fixture(scope="module")
def weights(ring, tmp_path_factory):
    """A GAN on the ring whose generator is affine."""
    chosen = gan.Settings.model_validate(TRAINING)
    networks = gan.GAN.networks_of(chosen, mlp.Settings(hidden=[8]), ring.shape)
    path = tmp_path_factory.mktemp("gan") / "w.zarr.zip"
    trainer = gan.GAN(chosen, networks["network"], ring, SEEDS)
    train(trainer, path, "same", {"settings": {"training": chosen.model_dump(mode="json")}})
    return WeightsStore(path)


def probe(data, **settings):
    options = {"probe": "real_or_fake", "subset": 300, "device": "cpu"}
    return RealOrFakeProbe(Settings.model_validate(options | settings), data)


def made(weights, z, seed, epoch):
    named = weights.read([epoch], [seed], "generator")
    return z @ named["output.weight"][0, 0] + named["output.bias"][0, 0]


def test_half_is_real_and_half_is_made_by_the_generator_of_that_epoch(ring, weights):
    chosen = probe(ring)
    first = chosen.inputs(2, 0, weights)
    for seed, epoch in ((2, 0), (2, 4), (5, 4)):
        found = chosen.inputs(seed, epoch, weights)
        assert found.x.shape == (600, 2) and found.y.tolist() == [1] * 300 + [0] * 300
        assert torch.equal(found.x[:300], first.x[:300])
        z = chosen._latent(weights, 300, seed).numpy()
        np.testing.assert_allclose(
            found.x[300:], made(weights, z, seed, epoch), rtol=1e-5, atol=1e-6
        )
        assert found.entropy_y == 1 and found.entropy_x == pytest.approx(np.log2(600))
    again = probe(ring).inputs(2, 0, weights)
    assert torch.equal(again.x, first.x)
    assert not torch.equal(probe(ring, subset_seed=1).inputs(2, 0, weights).x, first.x)
    real = {tuple(row) for row in first.x[:300].tolist()}
    assert real <= {tuple(row) for row in ring.x[ring.train].tolist()}


def test_with_a_label_of_the_data_set_real_inputs_alone_are_measured(ring, weights):
    chosen = probe(ring, label="mode", inputs="test")
    found = chosen.inputs(2, 3, weights)
    assert len(found.x) == 300
    at = {tuple(row): mode for row, mode in zip(ring.x.tolist(), ring.y, strict=True)}
    assert found.y.tolist() == [at[tuple(row)] for row in found.x.tolist()]
    assert chosen.information_xy(2, 3, weights) == pytest.approx(2)  # bits of four modes


def test_of_the_generator_x_is_z_and_y_the_mode_next_to_the_fake(ring, weights):
    chosen = probe(ring, network="generator")
    found = chosen.inputs(5, 2, weights)
    assert torch.equal(found.x, chosen._latent(weights, 300, 5))
    real = ring.x[chosen._rows]
    fakes = made(weights, found.x.numpy(), 5, 2)
    nearest = [np.linalg.norm(real - fake, axis=1).argmin() for fake in fakes]
    _, codes = np.unique(ring.y[chosen._rows][nearest], return_inverse=True)
    assert found.y.tolist() == codes.tolist()
    assert np.isnan(chosen.information_xy(5, 2, weights))
    activations = Activations(weights, chosen)
    assert activations.layers == ["output"]
    for batch in activations:
        for samples in batch:
            wanted = made(weights, samples.x.numpy(), samples.seed, samples.epoch)
            np.testing.assert_allclose(samples.t[:, 0], wanted, rtol=1e-5, atol=1e-6)


def test_every_seed_and_epoch_has_its_own_entropies_and_ceiling(ring, weights, tmp_path):
    activations = Activations(weights, probe(ring))
    estimator = from_written({"estimator": "binned"})
    found = measure_scheduled(activations, activations.probe.settings.epochs, estimator)
    path = tmp_path / "i.zarr.zip"
    write_information(
        found.records,
        SEEDS,
        found.epochs,
        activations.layers,
        {},
        path,
        entropies=activations.entropies(found.epochs),
        information_xy=activations.information_xy(found.epochs),
    )
    table, _ = read_information(path)
    for row in table.itertuples():
        truth = activations.probe.divergence(row.seed, row.epoch, weights)
        assert row.information_xy == truth.value
        assert 0 < truth.value < 1 and 0 < truth.stderr < 0.02
    assert table.information_xy.nunique() == len(SEEDS) * len(found.epochs)


def test_the_divergence_is_the_integral_over_the_plane(ring, weights):
    chosen, source = (
        probe(ring),
        Ring(SOURCES["ring"].Settings.model_validate(ring.attributes["settings"])),
    )
    named = weights.read([4], [2], "generator")
    weight, bias = (named[f"output.{key}"][0, 0].astype(float) for key in ("weight", "bias"))
    covariance = weight.T @ weight
    normal = torch.distributions.MultivariateNormal(*map(torch.tensor, (bias, covariance)))

    axis = np.linspace(-4, 4, 801)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    p = np.exp(source.log_density(grid))
    q = normal.log_prob(torch.tensor(grid)).exp().numpy()
    area, middle = (axis[1] - axis[0]) ** 2, (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.nan_to_num(one * np.log2(one / middle)) for one in (p, q)]
    assert (p.sum() * area, q.sum() * area) == pytest.approx((1, 1), abs=1e-3)
    truth = sum(part.sum() * area for part in parts) / 2
    found = chosen.divergence(2, 4, weights)
    assert found.value == pytest.approx(truth, abs=4 * found.stderr)


def test_an_optimal_discriminator_knows_as_much_as_there_is(ring, weights):
    """T = log p − log q is sufficient for Y: I(T;Y) = I(X;Y), the Jensen-Shannon divergence."""
    chosen = probe(ring, subset=1600)
    source = Ring(SOURCES["ring"].Settings.model_validate(ring.attributes["settings"]))
    for epoch in (0, 4):
        inputs = chosen.inputs(2, epoch, weights)
        law = chosen._gaussian(weights, 2, epoch)
        ratio = source.log_density(inputs.x.numpy()) - law.log_prob(inputs.x.double()).numpy()
        samples = Samples.of(ratio[:, None], inputs.y.numpy())
        truth = chosen.divergence(2, epoch, weights)
        for name, tolerance in (
            # three errors of means over 3,200 inputs, of numbers of half a bit: 0.01 each
            ({"estimator": "ksg", "k": 10}, 0.03),
            # 30 even bins lose some more
            ({"estimator": "binned", "n_bins": 30}, 0.06),
        ):
            (record,) = from_written(name).session()([samples])
            assert record.ity.value == pytest.approx(truth.value, abs=tolerance), name


def test_divergences_of_equal_and_of_distant_densities_are_0_and_1():
    rng = np.random.default_rng(0)
    equal = jensen_shannon(np.zeros(10), np.zeros(12))
    assert equal == (0, 0)
    apart = jensen_shannon(np.full(10, 800.0), np.full(12, -800.0))
    assert apart.value == pytest.approx(1) and apart.stderr == pytest.approx(0)
    # N(0, 1) and N(1, 1): log p − log q = ½ − x
    p, q = rng.normal(size=40_000), rng.normal(1, size=40_000)
    found = jensen_shannon(0.5 - p, 0.5 - q)
    x = np.linspace(-9, 10, 20_001)
    f, g = (np.exp(-((x - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (0, 1))
    truth = (f * np.log2(2 * f / (f + g)) + g * np.log2(2 * g / (f + g))).sum()
    truth *= (x[1] - x[0]) / 2
    assert found.value == pytest.approx(truth, abs=4 * found.stderr)


@pytest.mark.parametrize(
    "change",
    [
        {"generator": {"family": "generator", "hidden": [4]}},
        {"distribution": "uniform"},
        {"latent": 1},
    ],
    ids=str,
)
def test_without_a_density_there_is_no_ceiling(ring, tmp_path, change):
    chosen = gan.Settings.model_validate({**TRAINING, "epochs": 1, **change})
    networks = gan.GAN.networks_of(chosen, mlp.Settings(hidden=[8]), ring.shape)
    settings = {"settings": {"training": chosen.model_dump(mode="json")}}
    train(
        gan.GAN(chosen, networks["network"], ring, [0]), tmp_path / "w.zarr.zip", "a", settings
    )
    store = WeightsStore(tmp_path / "w.zarr.zip")
    assert np.isnan(probe(ring).information_xy(0, 1, store))


def experiment(measure=NONE, training=NONE, source="digits", network=NONE):
    run = {
        "dataset": "data",
        "network": {"hidden": [4], **network},
        "training": {"trainer": "gan", "epochs": 2, "generator": {"hidden": [4]}, **training},
        "measure": {"probe": "real_or_fake", **measure},
    }
    return load(
        {
            "experiment": "mine",
            "datasets": {"data": {"source": source}},
            "estimators": {"binned": {"estimator": "binned"}},
            "runs": {"one": run},
        },
        "mine.yaml",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"measure": {"label": "font"}},
            r"measure\.label: there is no label 'font' of data set 'data'",
        ),
        (
            {"measure": {"label": "real_or_fake", "network": "generator"}},
            r"measure: label must be a label of the data set, not 'real_or_fake'",
        ),
        (
            {"measure": {"network": "critic"}},
            r"measure\.network: there is no network 'critic' of the run's trainer",
        ),
        (
            {"measure": {"probe": "dataset", "network": "generator"}},
            r"measure\.probe: must give inputs of 16, which network 'generator' takes",
        ),
        (
            {"training": {"loss": "hinged"}},
            r"training\.loss: must be one of non_saturating, wasserstein, hinge, not 'hinged'",
        ),
        (
            {"training": {"generator": {"maps": [4]}}},
            r"training\.generator\.maps: must be empty if data are 64 values",
        ),
        (
            {"training": {"generator": {"family": "mlp", "hidden": [4]}}},
            r"training\.generator\.family: must be of a family that makes data, not 'mlp'",
        ),
        (
            {"training": {"generator": {"familly": "mlp"}}},
            r"training\.generator\.familly: is not a key here",
        ),
    ],
)
def test_mistakes_are_said_when_the_file_is_read(changes, said):
    assert experiment()
    with pytest.raises(ConfigError, match=said):
        experiment(**changes)


def test_a_trainer_without_a_generator_has_no_fakes():
    with pytest.raises(
        ConfigError, match=r"measure\.probe: must be a probe for trainer 'supervised'"
    ):
        load(
            {
                "experiment": "mine",
                "datasets": {"data": {"source": "digits"}},
                "estimators": {"binned": {"estimator": "binned"}},
                "runs": {
                    "one": {
                        "dataset": "data",
                        "network": {"hidden": [4]},
                        "training": {"epochs": 2},
                        "measure": {"probe": "real_or_fake"},
                    }
                },
            },
            "mine.yaml",
        )
