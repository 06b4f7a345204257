"""Batched training against a plain loop over torch's own modules and optimizers."""

import logging
import threading

import numpy as np
import pytest
import torch
from tests.steps import steps
from torch import nn
from torch.nn import functional

from infoplane import streams
from infoplane.datasets.source import Data, Label
from infoplane.networks import cnn, mlp
from infoplane.networks.network import initialise_seeds
from infoplane.training import stack, supervised

OPTIMIZERS = {
    "sgd": ({"learning_rate": 0.1}, lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (
        {"learning_rate": 0.1, "momentum": 0.8},
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.8),
    ),
    "adam": ({"learning_rate": 0.01}, lambda p: torch.optim.Adam(p, 0.01)),
    "adamw": (
        {"learning_rate": 0.01, "weight_decay": 0.1},
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    ),
    "rmsprop": (
        {"learning_rate": 0.01, "momentum": 0.5},
        lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.5),
    ),
}


def last(trainer):
    """All epochs of a trainer, and its last one."""
    epochs = list(steps(trainer))
    return epochs, epochs[-1]


@pytest.mark.parametrize("kernel", ["torch", "compiled"])
@pytest.mark.parametrize("method", OPTIMIZERS)
def test_training_equals_a_plain_loop_over_torch_modules(
    method, kernel, trainer_of, network, data
):
    options, optimizer_of = OPTIMIZERS[method]
    trainer = trainer_of([3, 4], optimizer={"method": method, **options}, kernel=kernel)
    epochs, final = last(trainer)

    first = initialise_seeds(network, [4])
    linears = [nn.Linear(8, 6), nn.Linear(6, 3), nn.Linear(3, 2)]
    with torch.no_grad():
        for layer, linear in zip(network.widths, linears, strict=True):
            linear.weight.copy_(first[f"{layer}.weight"][0].T)
            linear.bias.copy_(first[f"{layer}.bias"][0])
    module = nn.Sequential(linears[0], nn.Tanh(), linears[1], nn.Tanh(), linears[2])
    optimizer = optimizer_of(module.parameters())
    x, y = torch.from_numpy(data.x[data.train]), torch.from_numpy(data.y[data.train])
    gradients = []
    for epoch in range(1, trainer.settings.epochs + 1):
        gradients = []
        for rows in streams.order(len(x), 4, epoch).split(trainer.settings.batch_size):
            optimizer.zero_grad()
            functional.cross_entropy(module(x[rows]), y[rows]).backward()
            gradients.append(linears[0].weight.grad.flatten().clone())
            gradients[-1] = torch.cat([gradients[-1], linears[0].bias.grad])
            optimizer.step()

    for layer, linear in zip(network.widths, linears, strict=True):
        ours = final.weights[f"{layer}.weight"][1].T
        # float32 sums in another order, over 20 steps
        np.testing.assert_allclose(ours, linear.weight.detach(), atol=2e-5)
    loss = functional.cross_entropy(module(x), y).item()
    assert final.metrics["loss_train"][1] == pytest.approx(loss, abs=1e-5)
    right = (module(x).argmax(1) == y).float().mean().item()
    assert final.metrics["accuracy_train"][1] == pytest.approx(right, abs=1e-6)
    stacked = torch.stack(gradients)
    mean = stacked.mean(0).norm().item()
    deviation = stacked.std(0, correction=0).norm().item()
    assert final.metrics["gradient_mean"][1, 0] == pytest.approx(mean, rel=1e-3)
    assert final.metrics["gradient_std"][1, 0] == pytest.approx(deviation, rel=1e-3)
    assert len(epochs) == trainer.settings.epochs + 1


def test_a_seed_trains_alike_alone_and_beside_others(trainer_of):
    _, together = last(trainer_of([0, 1, 2, 3], epochs=20))
    _, alone = last(trainer_of([2], epochs=20))
    for name, values in alone.weights.items():
        # float32 sums in another order, over 80 steps
        np.testing.assert_allclose(together.weights[name][2], values[0], atol=1e-5)


def test_epoch_zero_is_the_initialisation(trainer_of, network):
    epoch = next(steps(trainer_of([5])))
    first = initialise_seeds(network, [5])
    assert epoch.number == 0
    assert all(np.array_equal(epoch.weights[name], first[name]) for name in first)
    assert np.isnan(epoch.metrics["gradient_mean"]).all()
    assert np.isfinite(epoch.metrics["loss_test"]).all()


def test_every_input_is_seen_once_an_epoch_in_a_new_order():
    orders = [streams.order(100, seed, epoch) for seed, epoch in [(0, 1), (0, 2), (1, 1)]]
    assert all(sorted(order.tolist()) == list(range(100)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 3
    assert torch.equal(orders[0], streams.order(100, 0, 1))


@pytest.mark.parametrize("method", OPTIMIZERS)
@pytest.mark.parametrize("stop", [None, {"quantity": "loss_test", "patience": 2}])
def test_restored_state_goes_on_with_the_same_bits(method, stop, trainer_of):
    options = {
        "optimizer": {"method": method, **OPTIMIZERS[method][0]},
        "epochs": 12,
        "stop": stop,
    }
    whole, _ = last(trainer_of([0, 1, 2], **options))
    interrupted = trainer_of([0, 1, 2], **options)
    left = steps(interrupted)
    for _ in range(6):
        next(left)
    state = {name: value.copy() for name, value in interrupted.state().items()}
    resumed = trainer_of([0, 1, 2], **options)
    resumed.restore(state)
    rest = list(steps(resumed))
    assert [e.number for e in rest] == [e.number for e in whole[6:]]
    for ours, theirs in zip(rest, whole[6:], strict=True):
        for name in theirs.weights:
            assert np.array_equal(ours.weights[name], theirs.weights[name])
        for name in theirs.metrics:
            np.testing.assert_array_equal(ours.metrics[name], theirs.metrics[name])


@pytest.mark.parametrize("options", [{}, {"prefit": {"epochs": 2}}], ids=["", "prefit"])
def test_compiled_loops_go_on_with_the_same_bits_on_other_threads(
    options, trainer_of, monkeypatch
):
    options = {"kernel": "compiled", "epochs": 6, **options}
    *_, whole = steps(trainer_of([0, 1, 2], **options))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    interrupted = trainer_of([0, 1, 2], **options)
    left = steps(interrupted)
    for _ in range(3):
        next(left)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    resumed = trainer_of([0, 1, 2], **options)
    resumed.restore({name: value.copy() for name, value in interrupted.state().items()})
    *_, final = steps(resumed)
    for name, values in whole.weights.items():
        assert np.array_equal(final.weights[name], values)
    for name, values in whole.metrics.items():
        np.testing.assert_array_equal(final.metrics[name], values)


def test_the_kernel_is_the_same_on_every_machine(trainer_of, monkeypatch):
    options = {"device": "auto", "epochs": 1}
    *_, here = steps(trainer_of([0], **options))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    there = trainer_of([0], **options)
    assert there.device.type == "cpu" and there.settings.gpus(there.network) == 0
    *_, found = steps(there)
    for name, values in here.weights.items():
        assert np.array_equal(found.weights[name], values)


def test_a_seed_whose_loss_is_nan_stops_and_the_others_finish(trainer_of, network, caplog):
    trainer = trainer_of([0, 1, 2], epochs=4)
    reference = last(trainer_of([0, 2], epochs=4))[1]
    left = steps(trainer)
    next(left)
    with torch.no_grad():
        trainer.groups[0].flats[0][1] = torch.nan
    with caplog.at_level(logging.ERROR):
        *_, final = left
    assert trainer.lost == {1: ("the loss became NaN or infinite in epoch 1", False)}
    assert "seed 1" in caplog.text and "epoch 1" in caplog.text
    assert np.isnan(final.weights["hidden1.weight"][1]).all()
    assert np.isnan(final.metrics["loss_train"][1])
    for ours, theirs in [(0, 0), (2, 1)]:
        np.testing.assert_allclose(
            final.weights["output.weight"][ours],
            reference.weights["output.weight"][theirs],
            atol=1e-5,
        )


def test_training_that_diverges_for_every_seed_is_an_error(trainer_of):
    trainer = trainer_of([0, 1], epochs=40, optimizer={"method": "sgd", "learning_rate": 1e38})
    with pytest.raises(FloatingPointError, match="every seed"):
        list(steps(trainer))


def test_threshold_stops_each_seed_by_itself_and_keeps_its_weights(trainer_of):
    trainer = trainer_of(
        [0, 1, 2],
        epochs=300,
        optimizer={"method": "adam", "learning_rate": 0.02},
        stop={"quantity": "accuracy_train", "threshold": 0.95},
    )
    epochs, final = last(trainer)
    accuracy = np.stack([e.metrics["accuracy_train"] for e in epochs])
    first = (accuracy >= 0.95).argmax(0)
    assert len(set(first)) > 1, "the test needs seeds that stop at different epochs"
    assert len(epochs) == first.max() + 1 < 301
    for seed, epoch in enumerate(first):
        stopped = epochs[epoch].weights["hidden1.weight"][seed]
        assert np.array_equal(stopped, final.weights["hidden1.weight"][seed])


def test_patience_stops_after_epochs_without_improvement(trainer_of):
    trainer = trainer_of(
        [0],
        epochs=50,
        optimizer={"method": "sgd", "learning_rate": 1e-12},
        stop={"quantity": "accuracy_test", "patience": 3},
    )
    epochs, _ = last(trainer)
    assert len(epochs) == 1 + 3  # the first is the best; three bring nothing


def test_no_test_inputs_give_nan_and_not_an_error(network, data):
    alone = type(data)(data.x, data.labels, data.train, data.test[:0], data.attributes)
    settings = supervised.Settings(epochs=1, device="cpu")
    _, final = last(supervised.Supervised(settings, network, alone, [0]))
    assert np.isnan(final.metrics["loss_test"]).all()
    assert np.isfinite(final.metrics["loss_train"]).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
@pytest.mark.parametrize("method", OPTIMIZERS)
def test_cuda_trains_to_the_same_weights(method, trainer_of):
    options = {"optimizer": {"method": method, **OPTIMIZERS[method][0]}}
    _, there = last(trainer_of([0, 1], device="cuda", **options))
    _, here = last(trainer_of([0, 1], device="cpu", **options))
    for name in here.weights:
        np.testing.assert_allclose(there.weights[name], here.weights[name], atol=1e-4)


def test_wider_network_takes_the_same_path():
    """More than one evaluation block gives the same loss as one."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    network = mlp.MLP(mlp.Settings(hidden=[4]), (5,), 2)
    data = Data(x, {"y": Label(y, ("0", "1"))}, np.arange(300), np.arange(0), {})
    trainer = supervised.Supervised(
        supervised.Settings(epochs=1, device="cpu", kernel="torch"), network, data, [0]
    )
    whole = trainer.groups[0].evaluate(*trainer.parts["train"])
    before, stack.EVALUATION_BYTES = stack.EVALUATION_BYTES, {"cpu": 20 * 7}
    try:
        blocks = trainer.groups[0].evaluate(*trainer.parts["train"])
    finally:
        stack.EVALUATION_BYTES = before
    for score, value in whole.items():
        np.testing.assert_allclose(blocks[score], value, rtol=1e-6)


def test_convolutions_are_evaluated_by_all_threads_to_the_same_bits(monkeypatch):
    x = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    y = torch.arange(40) % 10
    label = Label(y.numpy(), tuple("0123456789"))
    data = Data(x.numpy(), {"y": label}, np.arange(36), np.arange(36, 40), {})
    network = cnn.CNN(cnn.Settings(family="cnn", preset="lenet5"), (1, 28, 28), 10)
    settings = supervised.Settings(epochs=1, device="cpu")
    group = supervised.Supervised(settings, network, data, [0]).groups[0]
    monkeypatch.setattr(stack, "THREAD_BYTES", 4 * 4704 * 9)
    seen, scored, found = set(), group.target.scores, []

    def scores(*given):
        seen.add(threading.get_ident())
        barrier.wait(10)  # raises where fewer threads come
        return scored(*given)

    monkeypatch.setattr(group.target, "scores", scores)
    before = torch.get_num_threads()
    for n_threads in (1, 2):
        barrier = threading.Barrier(n_threads)
        torch.set_num_threads(n_threads)
        try:
            found.append(group.evaluate(x[:36], y[:36]))
        finally:
            torch.set_num_threads(before)
    assert len(seen) == 3
    assert found[0] == found[1]
    with torch.no_grad():
        outputs, _ = network.run(group.weights, x[:36])
    loss = functional.cross_entropy(outputs[0].double(), y[:36])
    assert found[0]["loss"][0] == pytest.approx(float(loss), rel=1e-6)
