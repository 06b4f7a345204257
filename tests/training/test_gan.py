"""GANs: losses, both steps by hand, resumed and alone, collapse, and what does not fit."""

import copy
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from infoplane.datasets.source import Data, Label
from infoplane.networks import cnn, mlp, module
from infoplane.networks.network import Misfit
from infoplane.stores.weights import WeightsStore
from infoplane.training import gan
from infoplane.training.loop import train

LOSSES = ("non_saturating", "wasserstein", "hinge")


@pytest.fixture
def points() -> Data:
    """96 points of two clusters in the plane, as (1, 2) maps of one row."""
    rng = np.random.default_rng(0)
    y = np.arange(96) % 2
    x = (rng.normal(size=(96, 2)) / 5 + np.where(y[:, None], 1, -1)).astype(np.float32)
    return Data(x, {"y": Label(y, ("a", "b"))}, np.arange(80), np.arange(80, 96), {})


@pytest.fixture
def gan_of(points):
    """A trainer of these seeds and settings on the points."""

    def build(seeds, network=None, data=points, **settings):
        options = {
            "trainer": "gan",
            "epochs": 3,
            "batch_size": 16,
            "latent": 3,
            "generator": {"family": "generator", "hidden": [5]},
            "optimizer": {"method": "adam", "learning_rate": 0.01},
            "device": "cpu",
        }
        chosen = gan.Settings.model_validate(options | settings)
        network = network or mlp.Settings(hidden=[6], activation="leaky_relu")
        networks = gan.GAN.networks_of(chosen, network, data.shape)
        return gan.GAN(chosen, networks["network"], data, seeds)

    return build


def ended(trainer) -> dict[str, np.ndarray]:
    """All weights at the end."""
    for epoch in trainer.epochs:
        trainer.advance(epoch)
    return named(trainer)


def named(trainer) -> dict[str, np.ndarray]:
    return {
        f"{of}.{name}": value
        for of, arrays in trainer.weights().items()
        for name, value in arrays.items()
    }


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_those_of_the_papers(loss):
    real, fake = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0))
    bce = functional.binary_cross_entropy_with_logits
    one, zero = torch.ones(3, 7), torch.zeros(3, 7)
    wanted = {
        "non_saturating": (
            bce(real, one, reduction="none").mean(1)
            + bce(fake, zero, reduction="none").mean(1),
            bce(fake, one, reduction="none").mean(1),
        ),
        "hinge": (
            torch.clamp(1 - real, min=0).mean(1) + torch.clamp(1 + fake, min=0).mean(1),
            -fake.mean(1),
        ),
        "wasserstein": (fake.mean(1) - real.mean(1), -fake.mean(1)),
    }[loss]
    torch.testing.assert_close(gan.of_discriminator(loss, real, fake), wanted[0])
    torch.testing.assert_close(gan.of_generator(loss, fake), wanted[1])


@pytest.mark.parametrize("loss", LOSSES)
def test_steps_of_both_are_those_of_torch(gan_of, loss):
    trainer = gan_of(
        [7], loss=loss, batch_size=80, optimizer={"method": "sgd", "learning_rate": 0.1}
    )
    trainer.advance(0)
    (duel,) = trainer.groups
    before = copy.deepcopy({of: p.weights for of, p in duel.players.items()})
    order = gan.streams.order(80, 7, 1)
    z = trainer.settings.drawn(80, 7, 1, gan.LATENT)
    steps = trainer.settings.drawn(80, 7, 1, gan.STEPS)
    share = torch.rand(80, generator=gan.streams.of_training(7, 1, gan.BETWEEN, 0))[:, None]
    trainer.advance(1)

    judge = {n: v[0].clone().requires_grad_() for n, v in before["network"].items()}
    maker = {n: v[0].clone().requires_grad_() for n, v in before["generator"].items()}

    def told(weights, x):
        h = functional.leaky_relu(x @ weights["hidden1.weight"] + weights["hidden1.bias"])
        return (h @ weights["output.weight"] + weights["output.bias"])[None, :, 0]

    def made(weights, z):
        h = torch.relu(z @ weights["hidden1.weight"] + weights["hidden1.bias"])
        return h @ weights["output.weight"] + weights["output.bias"]

    real, fake = trainer.x[order], made(maker, z).detach()
    value = gan.of_discriminator(loss, told(judge, real), told(judge, fake)).sum()
    if loss == "wasserstein":
        places = (share * real + (1 - share) * fake).requires_grad_()
        slopes = [  # input by input, by a gradient of its own
            torch.autograd.grad(
                told(judge, places[i : i + 1]).sum(), places, create_graph=True
            )[0][i]
            for i in range(80)
        ]
        norms = torch.stack([slope.square().sum().sqrt() for slope in slopes])
        value = value + 10 * ((norms - 1) ** 2).mean()
    slopes = dict(zip(judge, torch.autograd.grad(value, [*judge.values()]), strict=True))
    judge = {n: v - 0.1 * slopes[n] for n, v in judge.items()}
    value = gan.of_generator(loss, told(judge, made(maker, steps))).sum()
    slopes = dict(zip(maker, torch.autograd.grad(value, [*maker.values()]), strict=True))
    maker = {n: v - 0.1 * slopes[n] for n, v in maker.items()}
    for of, wanted in {"network": judge, "generator": maker}.items():
        for name, value in trainer.weights()[of].items():
            # sums of 80 float32 numbers in another order
            np.testing.assert_allclose(value[0], wanted[name].detach(), rtol=1e-4, atol=1e-6)


def test_the_generator_steps_once_for_so_many_steps_of_the_critic(gan_of):
    trainer = gan_of([0], critic_steps=7, epochs=2)
    first = []
    for epoch in trainer.epochs:
        trainer.advance(epoch)
        first.append(named(trainer))
    moved = [
        not np.array_equal(a["generator.output.bias"], b["generator.output.bias"])
        for a, b in pairwise(first)
    ]
    assert moved == [False, True]  # of 5 steps an epoch, the 7th is in the second


@pytest.mark.parametrize("loss", LOSSES)
def test_a_seed_does_not_depend_on_those_beside_it(gan_of, loss):
    together, alone = ended(gan_of([3, 5, 8], loss=loss)), ended(gan_of([5], loss=loss))
    for name, value in alone.items():
        # rounding that Adam follows, where gradients are next to nothing
        np.testing.assert_allclose(together[name][1], value[0], rtol=1e-3, atol=1e-4)


def images() -> Data:
    x = np.random.default_rng(1).random((48, 1, 8, 8)).astype(np.float32)
    return Data(x, {}, np.arange(40), np.arange(40, 48), {})


@pytest.fixture
def of_images():
    stages = [{"stage": "conv", "channels": 2, "kernel": 3, "stride": 2}, {"stage": "flatten"}]
    return {
        "data": images(),
        "network": cnn.Settings.model_validate(
            {"family": "cnn", "stages": stages, "dropout": 0.3, "batch_norm": True}
        ),
        "generator": {"family": "generator", "maps": [4, 3], "output": "sigmoid"},
    }


@pytest.mark.parametrize("kind", [*LOSSES, "images"])
def test_a_resumed_gan_has_the_same_bits(gan_of, of_images, kind):
    options = of_images if kind == "images" else {"loss": kind}
    options |= {"distribution": "uniform", "critic_steps": 2, "epochs": 4}
    whole, stopped, resumed = (gan_of([2, 4], **options) for _ in range(3))
    wanted = ended(whole)
    for epoch in range(3):
        stopped.advance(epoch)
    resumed.restore(stopped.state())
    for epoch in range(3, 5):
        metrics = resumed.advance(epoch)
    found = named(resumed)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), name
    for name, value in whole.values.items():
        np.testing.assert_array_equal(metrics[name], value)
    np.testing.assert_equal(resumed.books, whole.books)


def test_metrics_are_what_their_names_say(gan_of, points):
    trainer = gan_of([1], epochs=30)
    ended(trainer)
    (duel,) = trainer.groups
    found = {name: value[0] for name, value in trainer.values.items()}
    fakes = duel._made(duel.generator.weights, duel._drawn(80, 0, gan.EVALUATED))
    real, fake = duel._told(trainer.x)[0], duel._told(fakes)[0]
    p_real, p_fake = torch.sigmoid(real), torch.sigmoid(fake)
    loss = -p_real.log().mean() - (1 - p_fake).log().mean()
    assert found["loss_discriminator"] == pytest.approx(float(loss), rel=1e-4)
    assert found["loss_generator"] == pytest.approx(float(-p_fake.log().mean()), rel=1e-4)
    assert found["output_real"] == pytest.approx(float(real.mean()), rel=1e-4)
    share = (float((real > 0).double().mean()) + float((fake <= 0).double().mean())) / 2
    assert found["accuracy"] == pytest.approx(share)
    assert found["deviation"] == pytest.approx(float(torch.cat([real, fake]).std()), rel=1e-4)

    def spread(x):
        return np.mean([np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]])

    wanted = spread(fakes[0].detach().numpy()) / spread(points.x[:80])
    assert found["diversity"] == pytest.approx(wanted, rel=1e-4)
    unseen = torch.sigmoid(duel._told(torch.from_numpy(points.x[80:]))[0])
    bits = 1 + (unseen.log2().mean() + (1 - p_fake).log2().mean()) / 2
    assert found["bound"] == pytest.approx(float(bits), rel=1e-4)


def test_a_collapsed_generator_and_a_constant_discriminator_are_remarked_upon(gan_of, tmp_path):
    trainer = gan_of([3, 4], epochs=2, optimizer={"method": "sgd", "learning_rate": 1e-9})
    for duel in trainer.groups:
        duel.generator.views["output.weight"][1] = 0  # seed 4 makes one point
        duel.discriminator.views["output.weight"][0] = 0
    train(trainer, tmp_path / "w.zarr.zip", "same")
    store = WeightsStore(tmp_path / "w.zarr.zip")
    assert store.lost == {} and set(store.remarks) == {3, 4}
    assert store.remarks[3].startswith("constant discriminator: its outputs have a standard")
    assert store.remarks[4].startswith("collapsed generator: the mean distance of two fakes is")
    assert store.remarks[4].endswith("below 0.1, since epoch 0")
    table = store.metrics_table()
    assert set(table.remark[table.seed == 3]) == {store.remarks[3]}
    assert gan_of([3], collapse={"distance": 0, "deviation": 0}).remarks == {}


def test_a_seed_whose_loss_is_nan_stops_and_the_others_go_on(gan_of):
    trainer, alone = gan_of([3, 4, 5]), gan_of([3, 5])
    trainer.groups[0].generator.views["output.bias"][1] = np.nan
    weights, wanted = ended(trainer), ended(alone)
    assert trainer.lost == {4: ("the loss became NaN or infinite in epoch 0", False)}
    assert trainer.remarks.keys() <= {3, 5}
    for name, value in weights.items():
        assert np.isnan(value[1]).all()
        np.testing.assert_allclose(value[[0, 2]], wanted[name], rtol=1e-3, atol=1e-4)
    again = gan_of([3, 4, 5])
    again.restore(trainer.state())
    assert again.lost == trainer.lost
    broken = gan_of([3])
    broken.groups[0].generator.views["output.bias"][0] = np.nan
    with pytest.raises(FloatingPointError, match="the loss of every seed became NaN"):
        broken.advance(0)


@pytest.mark.parametrize("loss", ["non_saturating", "hinge"])
def test_it_learns_two_clusters(gan_of, loss):
    trainer = gan_of(
        [0, 1, 2],
        mlp.Settings(hidden=[24], activation="leaky_relu"),
        loss=loss,
        epochs=200,
        generator={"family": "generator", "hidden": [24]},
        optimizer={"method": "adam", "learning_rate": 0.005, "betas": [0.5, 0.999]},
    )
    ended(trainer)
    (duel,) = trainer.groups
    fakes = duel._made(duel.generator.weights, duel._drawn(400, 0, gan.EVALUATED))
    distance = torch.cdist(fakes, trainer.x[None].expand(3, -1, -1)).amin(2).mean(1)
    # untrained it is some 0.7, and of points of the same law 0.06
    assert (distance < 0.3).all()
    assert trainer.remarks == {}


MODULES = """
from torch import nn


def judge(outputs=1):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs))


def maker(height=8):
    return nn.Sequential(nn.Linear(16, 8 * height), nn.Unflatten(1, (1, height, 8)))
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    (tmp_path / "gan_nets.py").write_text(MODULES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("gan_nets", None)


def networks_of_modules(judge, maker):
    chosen = gan.Settings.model_validate(
        {
            "trainer": "gan",
            "epochs": 2,
            "latent": 16,
            "generator": {"family": "module", "path": "gan_nets:maker", "arguments": maker},
            "device": "cpu",
        }
    )
    network = module.Settings(family="module", path="gan_nets:judge", arguments=judge)
    return chosen, gan.GAN.networks_of(chosen, network, images().shape)


def test_both_networks_may_be_modules_of_the_users_own(modules):
    chosen, networks = networks_of_modules({}, {})
    trainer = gan.GAN(chosen, networks["network"], images(), [0, 1])
    first = named(trainer)
    for name, value in ended(trainer).items():
        assert np.isfinite(value).all() and not np.array_equal(value, first[name])
    with pytest.raises(Misfit, match=r"network\.family: must give one number per input, not"):
        networks_of_modules({"outputs": 3}, {})
    with pytest.raises(Misfit, match=r"generator\.family: must make data of shape \(1, 8, 8\)"):
        networks_of_modules({}, {"height": 4})


def test_a_generator_that_does_not_fit_is_named():
    settings = {"trainer": "gan", "epochs": 1}
    for generator, said in (
        (
            {"family": "generator", "maps": [4] * 4},
            r"training\.generator\.maps: must have fewer entries",
        ),
        ({"family": "mlp", "hidden": [3]}, r"training\.generator\.family: must be of a family"),
    ):
        chosen = gan.Settings.model_validate({**settings, "generator": generator})
        with pytest.raises(Misfit, match=said):
            gan.GAN.networks_of(chosen, mlp.Settings(hidden=[3]), images().shape)
