"""Training that learns its inputs: against torch's own losses, denoising, rules, bad input."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.steps import steps
from torch import nn

from infoplane import streams
from infoplane.datasets.source import Data
from infoplane.networks import autoencoder, mlp, module
from infoplane.networks.functions import Keyed
from infoplane.networks.network import Misfit, initialise_seeds
from infoplane.training import stack, supervised

CONV = [{"stage": "conv", "channels": 2, "kernel": 3, "stride": 2}]


def data_of(*shape: int, low=0.0, high=1.0) -> Data:
    """120 inputs of numbers from low to high without any label, 90 of which train."""
    x = np.random.default_rng(0).uniform(low, high, (120, *shape)).astype(np.float32)
    return Data(x, {}, np.arange(90), np.arange(90, 120), {})


def network_of(shape, encoder=(5,), **settings) -> autoencoder.Autoencoder:
    chosen = {"family": "autoencoder", "encoder": list(encoder), "bottleneck": 2, **settings}
    return autoencoder.Autoencoder(autoencoder.Settings.model_validate(chosen), shape, 0)


def trainer(network, data, seeds=(3, 7), **settings) -> supervised.Supervised:
    options = {"epochs": 2, "batch_size": 25, "device": "cpu", "target": "input", **settings}
    chosen = supervised.Settings.model_validate(options)
    return supervised.Supervised(chosen, network, data, list(seeds))


@pytest.mark.parametrize("how", ["squared", "cross_entropy"])
@pytest.mark.parametrize("denoise", [None, {"sigma": 0.3}, {"sigma": 0.1, "masked": 0.4}])
def test_training_equals_a_plain_loop_over_torch_modules(how, denoise):
    data, network = data_of(6), network_of((6,), output="sigmoid")
    ours = trainer(
        network,
        data,
        loss=how,
        denoise=denoise,
        optimizer={"method": "sgd", "learning_rate": 0.5},
    )
    *_, final = steps(ours)

    first = initialise_seeds(network, [7])
    linears = [nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(2, 5), nn.Linear(5, 6)]
    with torch.no_grad():
        for name, linear in zip(network.of_layer, linears, strict=True):
            linear.weight.copy_(first[f"{name}.weight"][0])
            linear.bias.copy_(first[f"{name}.bias"][0])
    parts = [p for linear in linears[:-1] for p in (linear, nn.Tanh())]
    model = nn.Sequential(*parts, linears[-1], nn.Sigmoid())
    loss_of = nn.MSELoss() if how == "squared" else nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    x = torch.from_numpy(data.x[data.train])
    for epoch in (1, 2):
        source = streams.of_training(7, epoch, stack.DENOISE)
        drawn, begin = Keyed.of([source], len(x), "cpu", 0), 0
        for rows in streams.order(len(x), 7, epoch).split(25):
            part = drawn.rows(begin, begin + len(rows))
            begin += len(rows)
            shown = x[rows]
            if denoise:
                shown = shown + denoise["sigma"] * part.normal("input", (6,))[0]
            if denoise and "masked" in denoise:
                shown = shown * (part.kept("input", (6,), denoise["masked"])[0] > 0)
            optimizer.zero_grad()
            loss_of(model(shown), x[rows]).backward()
            optimizer.step()
    for name, linear in zip(network.of_layer, linears, strict=True):
        # float32 sums in another order, over 8 steps
        np.testing.assert_allclose(
            final.weights[f"{name}.weight"][1], linear.weight.detach(), atol=2e-6
        )
    for part, rows in {"train": data.train, "test": data.test}.items():
        expected = torch.from_numpy(data.x[rows])
        loss = loss_of(model(expected), expected).item()
        assert final.metrics[f"loss_{part}"][1] == pytest.approx(loss, rel=1e-5)


def test_masked_numbers_are_0_and_noise_has_its_deviation():
    settings = supervised.Settings.model_validate(
        {"epochs": 1, "target": "input", "denoise": {"sigma": 0.5}}
    )
    ones = torch.ones(1, 400, 50)
    drawn = Keyed.of([streams.of_training(1)], 400, "cpu", 0)
    noisy = supervised.corruption.corrupted(ones, settings.denoise, drawn)
    # standard errors of a mean and a deviation of 20,000 numbers: 0.0035 and 0.0025
    assert float(noisy.mean()) == pytest.approx(1, abs=0.014)
    assert float(noisy.std()) == pytest.approx(0.5, abs=0.01)
    masked = settings.denoise.model_copy(update={"sigma": 0.0, "masked": 0.3})
    left = supervised.corruption.corrupted(ones, masked, drawn)
    assert left.unique().tolist() == [0.0, 1.0]
    assert float((left == 0).float().mean()) == pytest.approx(0.3, abs=0.013)


@pytest.mark.parametrize(("shape", "encoder"), [((6,), [5]), ((1, 7, 7), CONV)])
def test_a_seed_trains_the_same_alone_and_resumed(shape, encoder):
    data, network = data_of(*shape), network_of(shape, encoder, tied=True)
    options = {"denoise": {"masked": 0.2}, "epochs": 4}
    *_, whole = steps(trainer(network, data, **options))
    *_, alone = steps(trainer(network, data, seeds=[7], **options))
    begun = trainer(network, data, **options)
    for epoch in range(3):
        begun.advance(epoch)
    resumed = trainer(network, data, **options)
    resumed.restore({name: value.copy() for name, value in begun.state().items()})
    *_, end = steps(resumed)
    for name, value in whole.weights.items():
        assert np.array_equal(end.weights[name], value)
        np.testing.assert_allclose(alone.weights[name][0], value[1], atol=1e-6)
    assert all(
        np.array_equal(end.metrics[n], v, equal_nan=True) for n, v in whole.metrics.items()
    )


def test_a_reconstruction_has_a_loss_and_no_accuracy():
    squared = trainer(network_of((6,)), data_of(6))
    assert [m.name for m in squared.metrics if not m.by_layer] == ["loss_train", "loss_test"]
    assert {m.label for m in squared.metrics if not m.by_layer} == {"mean squared error"}
    crossed = trainer(network_of((6,), output="sigmoid"), data_of(6), loss="cross_entropy")
    assert crossed.metrics[0].label == "cross-entropy  [nats a number]"


@pytest.mark.parametrize("shape", [(6,), (1, 2, 3)])
def test_a_module_of_the_users_own_learns_its_input(shape):
    written = {"family": "module", "path": "tests.networks.nets:Folded"}
    network = module.Module(module.Settings.model_validate(written), shape, 6)
    options = {"optimizer": {"method": "adam", "learning_rate": 0.02}, "epochs": 20}
    ours = trainer(network, data_of(*shape), seeds=[3], **options)
    first, *_, final = (epoch.metrics["loss_train"][0] for epoch in steps(ours))
    # two of six numbers of equal variance can be given back, the others by their mean
    assert final < 0.9 / 12 < first
    with pytest.raises(Misfit, match="loss: must be squared"):
        trainer(network, data_of(*shape), loss="cross_entropy")


def test_rules_go_by_the_loss():
    data, network = data_of(6), network_of((6,))
    rules = {"stop": {"quantity": "loss_train", "threshold": 1e3}}
    stopped = trainer(network, data, epochs=9, **rules)
    assert len(list(steps(stopped))) == 1
    aside = trainer(network, data, set_aside={"quantity": "loss_test", "above": 1e-4})
    list(steps(aside))
    assert all(why.set_aside and "loss_test" in why.reason for why in aside.lost.values())
    assert set(aside.lost) == {3, 7}


def test_linear_autoencoders_reach_what_principal_components_leave():
    """The best rank-2 reconstruction is known: what is left are the other eigenvalues."""
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(400, 5)) * [2.0, 1.5, 0.5, 0.3, 0.2]).astype(np.float32)
    data = Data(x, {}, np.arange(400), np.arange(0), {})
    network = network_of((5,), encoder=[], activation="linear", tied=True)
    options = {"optimizer": {"method": "adam", "learning_rate": 0.02}, "batch_size": 400}
    *_, final = steps(trainer(network, data, epochs=400, **options))
    left = np.linalg.eigvalsh(np.cov(x.T, bias=True))[:3].sum() / 5
    # Adam at a constant rate of 0.02 stays within a hundredth of the minimum
    assert final.metrics["loss_train"] == pytest.approx(left, rel=0.01)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"label": "y"}, "label has no effect with target: input"),
        ({"label_smoothing": 0.1}, "label_smoothing has no effect with target: input"),
        ({"prefit": {"epochs": 3}}, "prefit has no effect with target: input"),
        (
            {"target": "label", "denoise": {"sigma": 1}},
            "denoise has no effect with target: label",
        ),
        ({"target": "label", "loss": "squared"}, "loss must be cross_entropy"),
        ({"denoise": {}}, "give sigma > 0, masked > 0, or both"),
        ({"stop": {"quantity": "accuracy_test", "patience": 2}}, "stop.quantity must be loss_"),
        ({"set_aside": {"below": 0.5}}, "set_aside.quantity must be loss_train or loss_test"),
        ({"set_aside": {"quantity": "loss_train", "below": 0.5}}, "give above, not below"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        supervised.Settings.model_validate({"epochs": 2, "target": "input", **settings})


def test_a_target_that_does_not_fit_the_network_is_refused():
    classifier = mlp.MLP(mlp.Settings(hidden=[3]), (6,), 6)
    with pytest.raises(Misfit, match=r"training.target: must be label, not 'input'"):
        trainer(classifier, data_of(6))
    with pytest.raises(Misfit, match=r"training.target: must be input, not 'label'"):
        trainer(network_of((6,)), data_of(6), target="label")
    with pytest.raises(Misfit, match=r"training.loss: must be squared"):
        trainer(network_of((6,)), data_of(6), loss="cross_entropy")
    with pytest.raises(ValueError, match=r"not 'sigmoid'.* inputs are -0.99.* to 0.99"):
        trainer(network_of((6,), output="sigmoid"), data_of(6, low=-1))
