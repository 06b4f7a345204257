"""Compiled epochs against torch's operators: the same streams, the same weights to rounding."""

import hashlib
import os
import subprocess
import sys
from types import SimpleNamespace

import numba
import numpy as np
import pytest
import torch
from tests.steps import steps

from infoplane import streams, vectors_cpu
from infoplane.config import ConfigError, load
from infoplane.networks import mlp
from infoplane.networks.network import initialise_seeds
from infoplane.streams_cpu import order, words_of
from infoplane.training import compiled_stack, supervised
from infoplane.training.compiled_stack import KINDS, CompiledStack
from infoplane.training.targets import Classes
from infoplane.vectors_cpu import WIDEST

OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1, "weight_decay": 0.01},
    "momentum": {"learning_rate": 0.1, "nesterov": True, "weight_decay": 0.01},
    "adam": {"learning_rate": 0.01, "betas": [0.8, 0.95], "weight_decay": 0.01},
    "adamw": {"learning_rate": 0.01, "weight_decay": 0.1},
    "rmsprop": {"learning_rate": 0.01, "momentum": 0.5},
    "rmsprop, plain": {"learning_rate": 0.01},
}
SEEDS = [0, 3, 2**32 - 1]


def optimizer(name):
    return {"method": name.partition(",")[0], **OPTIMIZERS[name]}


@pytest.fixture
def trained(data):
    """All epochs of a training by one kernel, as (weights, metrics)."""

    def run(kernel, seeds=SEEDS, activation="tanh", nudged=False, hidden=(6, 3), **options):
        settings = mlp.Settings(hidden=hidden, activation=activation)
        network = mlp.MLP(settings, (8,), 2)
        chosen = {"epochs": 5, "batch_size": 60, "device": "cpu", **options}
        trainer = supervised.Supervised(
            supervised.Settings(kernel=kernel, **chosen), network, data, seeds
        )
        assert isinstance(trainer.groups[0], CompiledStack) == (kernel != "torch")
        if nudged:
            (stack,) = trainer.groups
            stack.start([flat * (1 + 2**-23) for flat in stack.flats])
        return [(epoch.weights, epoch.metrics) for epoch in steps(trainer)]

    return run


def apart(ours, theirs) -> tuple[float, float]:
    """The largest difference of weights at the end, and of losses at any epoch."""
    weights = max(np.abs(ours[-1][0][n] - theirs[-1][0][n]).max() for n in ours[-1][0])
    names = ("loss_train", "loss_test")
    losses = [
        np.abs(a[1][n] - b[1][n]) for a, b in zip(ours, theirs, strict=True) for n in names
    ]
    return float(weights), float(np.max(losses))


@pytest.mark.parametrize("key", [(0, 1), (7, 2**40), (2**32 - 1, 0x707265666974, 3), (5,) * 9])
@pytest.mark.parametrize("n", [1, 2, 700, 3277])
def test_an_order_is_that_of_the_stream(key, n):
    found = order(n, np.array(words_of(key), np.uint32))
    assert np.array_equal(found, streams.order(n, *key).numpy())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_steps_as_torch_does(name, trained):
    options = {"optimizer": optimizer(name), "epochs": 30}
    ours, theirs = (trained(kernel, **options) for kernel in ("compiled", "torch"))
    weights, losses = apart(ours, theirs)
    # float32 sums in another order, over 120 steps
    assert weights < 2e-5 and losses < 5e-6
    for name, values in theirs[-1][1].items():
        np.testing.assert_allclose(ours[-1][1][name], values, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("activation", KINDS)
def test_every_activation_function_is_torchs(activation, trained):
    ours, theirs, nudged = (
        trained(kernel, activation=activation, epochs=10, nudged=nudge)
        for kernel, nudge in (("compiled", False), ("torch", False), ("torch", True))
    )
    weights, losses = apart(ours, theirs)
    itself, _ = apart(nudged, theirs)
    # as torch differs from itself after one rounding of its first weights, or 10 roundings
    assert weights < max(10 * itself, 1e-6) and losses < 1e-5


@pytest.mark.parametrize(
    "options",
    [
        {"l1": 1e-3, "l2": 1e-3, "label_smoothing": 0.1},
        {"orthonormal_penalty": 1e-2},
        {"prefit": {"epochs": 3}, "batch_size": 200},
        {"optimizer": {"method": "sgd", "learning_rate": 0.5, "warm_up": 2}, "batch_size": 7},
        {
            "optimizer": {
                "method": "adam",
                "learning_rate": 0.01,
                "schedule": {"decay": "cosine", "last": 0.1},
            }
        },
    ],
    ids=lambda options: ", ".join(options),
)
def test_other_settings_of_a_training_have_the_same_effect(options, trained):
    ours, theirs = (trained(kernel, **options) for kernel in ("compiled", "torch"))
    weights, losses = apart(ours, theirs)
    assert max(weights, losses) < 2e-5  # of 1e-4 and more, below
    plain, _ = apart(
        ours, trained("compiled", **{**options, **{key: UNDONE[key] for key in options}})
    )
    assert plain > 1e-4  # they have an effect


UNDONE = {
    "l1": 0,
    "l2": 0,
    "label_smoothing": 0,
    "orthonormal_penalty": 0,
    "prefit": None,
    "batch_size": 60,
    "optimizer": {"method": "adam"},
}


def test_a_seed_has_the_same_bits_beside_others_and_on_two_threads(trained, monkeypatch):
    together, alone = trained("compiled", [0, 1, 2, 3]), trained("compiled", [2])
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    shared = trained("compiled", [0, 1, 2, 3])
    for name, values in alone[-1][0].items():
        assert np.array_equal(together[-1][0][name][2], values[0])
        assert np.array_equal(together[-1][0][name], shared[-1][0][name])


def every_bit(trainer) -> list[bytes]:
    """Of what each epoch leaves: weights, metrics and the state to continue from."""
    found = []
    for epoch in steps(trainer):
        arrays = {**epoch.weights, **epoch.metrics, **trainer.state()}
        found.append(b"".join(arrays[name].tobytes() for name in sorted(arrays)))
    return found


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("stop", [None, {"quantity": "loss_train", "threshold": 0.66}])
def test_epochs_trained_in_one_call_leave_what_single_ones_do(name, stop, data, monkeypatch):
    network = mlp.MLP(mlp.Settings(hidden=[6, 3]), (8,), 2)
    settings = supervised.Settings(
        epochs=40, batch_size=60, optimizer=optimizer(name), stop=stop, kernel="compiled"
    )
    calls, real = [], compiled_stack.cpu.epochs
    counted = SimpleNamespace(**vars(compiled_stack.cpu))
    counted.epochs = lambda *given: calls.append(None) or real(*given)
    monkeypatch.setattr(compiled_stack, "cpu", counted)
    found = {}
    for n_threads, at_once in [(1, 1), (1, 7), (2, 7)]:
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n_threads: n)
        monkeypatch.setattr(compiled_stack, "AHEAD", at_once)
        calls.clear()
        bits = every_bit(supervised.Supervised(settings, network, data, SEEDS))
        found[n_threads, at_once] = bits
        if n_threads == 1:  # each thread makes its own calls
            assert len(calls) == 1 + -(-(len(bits) - 1) // at_once)
    assert found[1, 1] == found[1, 7] == found[2, 7]
    assert (len(found[1, 1]) < 41) == (stop is not None)


def test_the_orthonormal_penalty_is_that_of_torch_over_many_epochs(trained):
    """Of matrices with more rows than columns, and of one with more columns."""
    options = {"orthonormal_penalty": 1e-3, "epochs": 200, "seeds": [0, 3]}
    options["hidden"] = [9, 4]
    _, losses = apart(*(trained(kernel, **options) for kernel in ("compiled", "torch")))
    assert losses < 1e-4


def bits() -> str:
    """Of the weights of two networks after some epochs, on inputs that fill no batch."""
    random = np.random.default_rng(0)
    x = random.standard_normal((301, 8), np.float32)
    labels = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    parts = {"train": (torch.from_numpy(x), torch.from_numpy(labels))}
    parts["test"] = parts["train"]
    network = mlp.MLP(mlp.Settings(hidden=[7, 5, 3]), (8,), 2)
    settings = supervised.Settings(
        epochs=40, batch_size=60, device="cpu", kernel="compiled", orthonormal_penalty=1e-3
    )
    weights = initialise_seeds(network, [0, 1])
    stack = CompiledStack(settings, network, Classes(0), [0, 1], [0, 1], weights)
    for epoch in range(41):
        stack.epoch(parts, epoch)
    return hashlib.sha256(stack.flats[0].numpy().tobytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(WIDEST == 16, reason="no AVX-512 here, beside which to try AVX2")
def test_a_machine_without_avx512_gets_the_same_bits(tmp_path):
    names = ("avx2", "fma", "f16c", "bmi2", "lzcnt", "popcnt", "sse4.2")
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in names),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    asked = "from tests.training import test_compiled as t; print(t.WIDEST, t.bits())"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["16", bits()], done.stderr


@pytest.mark.parametrize(
    ("features", "wide"), [("", False), ("+avx2", False), ("+avx512f", True)]
)
def test_vectors_are_as_wide_as_the_named_processor_allows(features, wide, monkeypatch):
    monkeypatch.setattr(numba.config, "CPU_FEATURES", features)  # "" where only a name is given
    assert vectors_cpu._has_avx512() == wide


def test_of_equal_scores_the_first_class_counts(trained, network, data):
    settings = supervised.Settings(epochs=1, device="cpu", kernel="compiled")
    trainer = supervised.Supervised(settings, network, data, [0])
    trainer.groups[0].start([torch.zeros_like(flat) for flat in trainer.groups[0].flats])
    metrics = trainer.advance(0)
    assert metrics["accuracy_train"] == pytest.approx((data.y[data.train] == 0).mean())
    assert metrics["loss_train"] == pytest.approx(np.log(2))


@pytest.mark.parametrize("kernel", ["compiled", "torch"])
def test_weights_that_were_given_out_stay_as_they_are(kernel, network, data):
    settings = supervised.Settings(epochs=2, device="cpu", kernel=kernel)
    trainer = supervised.Supervised(settings, network, data, [0, 1])
    trainer.advance(0)
    given = [trainer.weights()["network"]]
    trainer.groups[0].views["output.bias"][1, 0] = np.nan
    kept = [{name: value.copy() for name, value in given[0].items()}]
    for epoch in (1, 2):  # in the first of them a seed is lost
        trainer.advance(epoch)
        given.append(trainer.weights()["network"])
        kept.append({name: value.copy() for name, value in given[-1].items()})
    assert list(trainer.lost) == [1]
    assert [np.isnan(one["output.bias"][1]).all() for one in given] == [False, True, True]
    for then, now in zip(kept, given, strict=True):
        for name, value in then.items():
            np.testing.assert_array_equal(now[name], value)
    biases = [one["output.bias"][0] for one in given]
    assert (biases[0] != biases[1]).any() and (biases[1] != biases[2]).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("activation", KINDS)
def test_no_number_that_is_not_finite_is_hidden(activation, value, data):
    network = mlp.MLP(mlp.Settings(hidden=[6, 3], activation=activation), (8,), 2)
    settings = supervised.Settings(epochs=2, device="cpu", kernel="compiled")
    trainer = supervised.Supervised(settings, network, data, [0, 1])
    trainer.advance(0)
    trainer.groups[0].views["output.bias"][1, 0] = value
    metrics = trainer.advance(1)
    assert list(trainer.lost) == [1]
    assert np.isfinite(metrics["loss_train"][0]) and np.isnan(metrics["loss_train"][1])


def test_the_kernel_is_chosen_by_widths_and_by_what_it_can(network, data):
    def kernel(settings, shape=(8,), classes=2, **options):
        chosen = supervised.Settings(**{"epochs": 1, "kernel": "auto", **options})
        return chosen.compiles(mlp.MLP(mlp.Settings(**settings), shape, classes))

    assert kernel({"hidden": [256]}) and not kernel({"hidden": [257]})
    assert kernel({"hidden": [5]}, (1, 28, 28)) and not kernel({"hidden": [5]}, (785,))
    assert not kernel({"hidden": [5]}, (8,), 257)
    assert kernel({"hidden": [257]}, kernel="compiled")
    assert not kernel({"hidden": [5]}, kernel="torch")
    for more in ({"noise": {"sigma": 0.1}}, {"dropout": 0.1}, {"batch_norm": True}):
        assert not kernel({"hidden": [5], **more})
    assert not kernel({"hidden": [5]}, target="input", loss="squared")
    assert kernel({"hidden": [5]}, orthonormal_penalty=0.1)


def test_compiled_epochs_of_what_they_cannot_are_refused(tmp_path):
    config = {
        "experiment": "e",
        "datasets": {"szt": {"source": "szt"}},
        "estimators": {"binned": {"estimator": "binned"}},
        "runs": {
            "run": {
                "dataset": "szt",
                "network": {"hidden": [3], "noise": {"sigma": 0.1}},
                "training": {"epochs": 1, "kernel": "compiled"},
            }
        },
    }
    with pytest.raises(
        ConfigError, match=r"training\.kernel: must be auto or torch, not 'comp"
    ):
        load(config, "e.yaml")
