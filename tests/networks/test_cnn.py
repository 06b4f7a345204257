"""Convolutional networks against the same layers of torch.nn, and networks that cannot be."""

import pytest
import torch
from pydantic import ValidationError
from tests import memory

from infoplane import streams
from infoplane.networks import cnn
from infoplane.networks.cnn import CNN, Conv, Settings, convolved
from infoplane.networks.network import Misfit, initialise_seeds

STAGES = [
    {"stage": "conv", "channels": 4, "kernel": 3, "stride": 2, "padding": 1},
    {"stage": "pool", "method": "max", "size": 3, "stride": 2},
    {"stage": "conv", "channels": 5, "kernel": 2},
    {"stage": "pool", "method": "average", "size": 2},
    {"stage": "flatten"},
    {"stage": "dense", "units": 7},
]
SHAPE, CLASSES, SEEDS = (2, 17, 17), 3, (4, 9)


def network(shape=SHAPE, **changes) -> CNN:
    written = {"family": "cnn", "activation": "relu", **changes}
    if "preset" not in changes:
        written.setdefault("stages", STAGES)
    return CNN(Settings.model_validate(written), shape, CLASSES)


def of_torch(weights, i: int, norm: bool = False, drop: float = 0.0) -> torch.nn.Sequential:
    """The i-th of the stacked networks of STAGES, in torch's own modules."""
    nn = torch.nn

    def hidden(layer, norms):
        return [layer, *[norms] * norm, nn.ReLU(), nn.Dropout(drop)]

    model = nn.Sequential(
        *hidden(nn.Conv2d(2, 4, 3, 2, 1), nn.BatchNorm2d(4)),
        nn.MaxPool2d(3, 2),
        *hidden(nn.Conv2d(4, 5, 2), nn.BatchNorm2d(5)),
        nn.AvgPool2d(2),
        nn.Flatten(),
        *hidden(nn.Linear(5, 7), nn.BatchNorm1d(7)),
        nn.Linear(7, CLASSES),
    )
    own = {name: value[i] for name, value in weights.items()}
    with torch.no_grad():
        names = iter(["conv1", "conv2", "dense1", "output"])
        for module in model:
            if isinstance(module, nn.Conv2d | nn.Linear):
                name = next(names)
                module.weight.copy_(own[f"{name}.weight"])
                module.bias.copy_(own[f"{name}.bias"])
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                for array in ("weight", "bias"):
                    getattr(module, array).copy_(own[f"{name}.norm.{array}"])
                module.running_mean.copy_(own[f"{name}.norm.mean"])
                module.running_var.copy_(own[f"{name}.norm.var"])
    return model


def inputs(n: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("norm", [False, True])
def test_cnn_agrees_with_torch_in_outputs_gradients_and_buffers(norm):
    net = network(batch_norm=norm)
    arrays = initialise_seeds(net, SEEDS)
    leaves = {n: arrays[n].clone().requires_grad_() for n in net.parameters}
    buffers = {n: arrays[n] for n in net.buffers}
    models = [of_torch(arrays, i, norm) for i in range(len(SEEDS))]
    for step in range(2):  # the second goes on from the buffers of the first
        x = inputs(seed=step)
        out, new = net.run({**leaves, **buffers}, x, training=True)
        buffers |= new
        out.square().sum().backward()
        for i, model in enumerate(models):
            expected = model.train()(x)
            expected.square().sum().backward()
            torch.testing.assert_close(out[i], expected)
    for i, model in enumerate(models):
        assert len(list(model.parameters())) == len(net.parameters)
        for (name, leaf), parameter in zip(leaves.items(), model.parameters(), strict=True):
            # a bias before a batch norm is none of what is learnt
            ours = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            torch.testing.assert_close(ours[i], parameter.grad, rtol=1e-4, atol=1e-4, msg=name)
        norms = [m for m in model if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
        for layer, module in zip(("conv1", "conv2", "dense1"), norms, strict=False):
            torch.testing.assert_close(buffers[f"{layer}.norm.mean"][i], module.running_mean)
            torch.testing.assert_close(buffers[f"{layer}.norm.var"][i], module.running_var)
        measured, nothing = net.run({**leaves, **buffers}, inputs(seed=5))
        torch.testing.assert_close(measured[i], model.eval()(inputs(seed=5)))
        assert not nothing


def test_dropout_is_off_when_measured_and_the_seeds_own_in_training():
    net = network(dropout=0.5)
    weights = initialise_seeds(net, SEEDS)
    x = inputs()

    def draws(*seeds):
        return net.random(len(x), [streams.of_training(seed, 1) for seed in seeds])

    measured = dict(net.read(weights, x, draws(*SEEDS)))
    for i in range(len(SEEDS)):
        expected = of_torch(weights, i, drop=0.5).eval()(x).softmax(1)
        torch.testing.assert_close(measured["output"].t[i], expected)
    both, _ = net.run(weights, x, training=True, random=draws(*SEEDS))
    alone = {n: w[1:] for n, w in weights.items()}
    one, _ = net.run(alone, x, training=True, random=draws(SEEDS[1]))
    torch.testing.assert_close(both[1:], one)
    assert not torch.allclose(both[1], net.run(weights, x)[0][1])
    rows = draws(*SEEDS).rows(4, 8)
    assert torch.equal(
        rows.kept("conv1", (3,), 0.5), draws(*SEEDS).rows(4, 8).kept("conv1", (3,), 0.5)
    )
    kept = draws(*SEEDS).kept("conv1", (4000,), 0.2)
    assert kept.unique().tolist() == [0.0, 1.25]
    assert kept.mean() == pytest.approx(1, abs=0.01)


def test_passes_as_in_training_draw_masks_and_batches():
    net = network(dropout=0.3, batch_norm=True).as_in_training(batch=5)
    weights = initialise_seeds(net, SEEDS)
    sources = [streams.of_training(seed) for seed in SEEDS]
    first, second = (dict(net.read(weights, inputs(), net.random(12, sources))) for _ in "ab")
    assert net.draws
    assert (first["conv1"].t == 0).float().mean() > 0.3
    assert not torch.equal(first["output"].t, second["output"].t)
    plain = network(batch_norm=True).as_in_training(batch=12)
    read = dict(plain.read(weights, inputs(), plain.random(12, sources)))
    trained, _ = plain.run(weights, inputs(), training=True)
    torch.testing.assert_close(read["output"].t, trained.softmax(2))


def test_networks_together_agree_with_one_by_one():
    stage = Conv(stage="conv", channels=4, kernel=3, stride=2, padding=1)
    random = torch.Generator().manual_seed(1)
    arrays = [
        torch.randn(shape, generator=random)
        for shape in ((3, 6, 2, 9, 9), (3, 4, 2, 3, 3), (3, 4))
    ]
    together = [a.clone().requires_grad_() for a in arrays]
    alone = [a.clone().requires_grad_() for a in arrays]
    found = convolved(*together, stage, together=True)
    expected = convolved(*alone, stage, together=False)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changes", [{}, {"quantisation": {"bits": 4}}, {"batch_norm": True}])
def test_rows_in_blocks_give_the_same_layers(changes, monkeypatch):
    net = network(**changes)
    weights = initialise_seeds(net, SEEDS)
    with torch.no_grad():
        weights |= net.calibrate(weights, inputs())
        whole = dict(net.read(weights, inputs()))
        monkeypatch.setattr(cnn, "BLOCK_BYTES", 4 * len(SEEDS) * 2 * 17 * 17 * 5)  # of 5 rows
        for name, reading in net.read(weights, inputs()):
            torch.testing.assert_close(reading.t, whole[name].t)


def growth_by_a_pass() -> int:
    net = network((1, 28, 28), preset="lenet5")
    weights, x = initialise_seeds(net, [0]), torch.rand(4000, 1, 28, 28)

    def read() -> None:
        for _ in net.read(weights, x):
            pass

    with torch.no_grad():
        dict(net.read(weights, x[:50]))
        return memory.growth(read)


def test_a_pass_takes_little_more_memory_than_two_layers():
    widths = network((1, 28, 28), preset="lenet5").widths
    conv1, pool1 = (4 * 4000 * widths[name] for name in ("conv1", "pool1"))
    assert conv1 / 2 < memory.of_new_process(growth_by_a_pass) < 1.5 * (conv1 + pool1)


def test_layers_are_named_in_order_with_shapes_and_what_they_come_from():
    net = network()
    assert [(la.name, la.shape, la.after) for la in net.layers] == [
        ("conv1", (4, 9, 9), ("input",)),
        ("pool1", (4, 4, 4), ("conv1",)),
        ("conv2", (5, 3, 3), ("pool1",)),
        ("pool2", (5, 1, 1), ("conv2",)),
        ("dense1", (7,), ("pool2",)),
        ("output", (3,), ("dense1",)),
    ]
    assert net.by_default == ("conv1", "conv2", "dense1", "output")
    for name, reading in net.read(initialise_seeds(net, SEEDS), inputs()):
        assert reading.t.shape == (2, 12, *{la.name: la.shape for la in net.layers}[name])


def test_presets_have_their_layers():
    lenet = network((1, 28, 28), preset="lenet5")
    shapes = {name: shape for name, shape in lenet.parameters.items() if "weight" in name}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv2.weight": (16, 6, 5, 5),
        "dense1.weight": (120, 400),
        "dense2.weight": (84, 120),
        "output.weight": (3, 84),
    }
    assert lenet.n_products == 150 * 784 + 2400 * 100 + 48000 + 10080 + 252
    for depth in (3, 6, 9, 12):
        assert len(network((1, 5, 5), preset=f"fc{depth}").of_layer) == depth


def test_initial_weights_have_the_chosen_deviation():
    stages = [{"stage": "conv", "channels": 40, "kernel": 5}, {"stage": "flatten"}]

    def deviation(how) -> float:
        net = network((10, 5, 5), stages=stages, initialisation=how)
        return float(net.initialise(0)["conv1.weight"].std())

    cut = 0.8796  # of a normal distribution cut at two deviations
    assert deviation("fan_in") == pytest.approx(cut / 250**0.5, rel=0.03)
    assert deviation("fan_out") == pytest.approx(cut / 1000**0.5, rel=0.03)
    assert deviation({"deviation": 0.1}) == pytest.approx(cut * 0.1, rel=0.03)
    assert deviation("torch") == pytest.approx(1 / 750**0.5, rel=0.03)


def test_noise_is_added_after_hidden_stages():
    net = network(noise={"sigma": 0.5, "relative": True})
    weights = initialise_seeds(net, SEEDS)
    weights |= net.calibrate(weights, inputs())
    clean = dict(net.read(weights, inputs()))
    sources = [streams.of_training(seed) for seed in SEEDS]
    noisy = dict(net.read(weights, inputs(), net.random(12, sources)))
    scale = clean["conv1"].t.var(1, correction=0).flatten(1).mean(1).sqrt()
    torch.testing.assert_close(noisy["conv1"].sigma, 0.5 * scale)
    torch.testing.assert_close(noisy["conv1"].t, clean["conv1"].t)
    assert noisy["conv1"].noise.shape == noisy["conv1"].t.shape
    assert not torch.allclose(noisy["conv2"].t, clean["conv2"].t)
    assert noisy["output"].sigma is None


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_quantised_activations_have_few_values(activation):
    net = network(quantisation={"bits": 2}, activation=activation)
    weights = initialise_seeds(net, SEEDS)
    weights |= net.calibrate(weights, inputs())
    for name, reading in net.read(weights, inputs()):
        if not name.startswith("pool"):
            assert all(len(t.unique()) <= 4 for t in reading.t)


@pytest.mark.parametrize(
    ("changes", "shape", "path", "text"),
    [
        ({}, (12,), ("stages", 0), "flatten: false"),
        ({}, (2, 9, 9), ("stages", 3, "size"), "must be ≤ 1"),
        (
            {"stages": [{"stage": "conv", "channels": 2, "kernel": 9, "padding": 1}]},
            (1, 6, 6),
            ("stages", 0, "kernel"),
            "must be ≤ 8",
        ),
        ({"stages": STAGES[:2]}, SHAPE, ("stages",), "flatten stage before the output"),
        ({"stages": [STAGES[5]]}, SHAPE, ("stages", 0), "must come after a flatten stage"),
        ({"preset": "lenet5"}, (784,), ("preset",), "not 'lenet5'"),
    ],
)
def test_stages_that_do_not_fit_the_inputs_are_named(changes, shape, path, text):
    with pytest.raises(Misfit, match=text) as error:
        network(shape, **changes)
    assert error.value.path == path


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"preset": "lenet5", "stages": STAGES}, "exactly one of preset and stages"),
        ({"stages": None}, "exactly one of preset and stages"),
        ({"activation": ["relu"]}, "names 1 functions for 3"),
        ({"dropout": [0.1, 0.2]}, "names 2 rates for 3"),
        ({"noise": {"sigma": 1}, "quantisation": {"bits": 3}}, "exclude one another"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(changes, text):
    with pytest.raises(ValidationError, match=text):
        network(**changes)
