"""Autoencoders against the same layers of torch.nn, and networks that cannot be."""

from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from infoplane import streams
from infoplane.networks.autoencoder import Autoencoder, Settings
from infoplane.networks.description import describe, rebuild
from infoplane.networks.network import INPUT, Misfit, initialise_seeds

SEEDS = (4, 9)
MAPS = (2, 12, 13)  # a stride of 2 leaves 0 rows and 1 column over
STAGES = [
    {"stage": "conv", "channels": 4, "kernel": 3, "stride": 2, "padding": 1},
    {"stage": "conv", "channels": 3, "kernel": 2},
    {"stage": "pool", "size": 2},
    7,
]


def network(shape=(6,), encoder=(5, 4), **changes) -> Autoencoder:
    written = {"family": "autoencoder", "encoder": list(encoder), "bottleneck": 3, **changes}
    return Autoencoder(Settings.model_validate(written), shape, 10)


class Dense(nn.Module):
    """6 → 5 → 4 → 3 → 4 → 5 → 6 in torch's own modules."""

    def __init__(self, tied: bool):
        super().__init__()
        widths = (6, 5, 4, 3)
        self.there = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.back = nn.ModuleList(nn.Linear(b, a) for a, b in reversed([*pairwise(widths)]))
        self.tied = tied

    def forward(self, x):
        for layer in self.there:
            x = torch.tanh(layer(x))
        for i, layer in enumerate(self.back):
            weight = self.there[-1 - i].weight.T if self.tied else layer.weight
            x = nn.functional.linear(x, weight, layer.bias)
            x = torch.tanh(x) if i < len(self.back) - 1 else x
        return x


class Maps(nn.Module):
    """STAGES there and back in torch's own modules."""

    def __init__(self, tied: bool):
        super().__init__()
        self.there = nn.ModuleList(
            [nn.Conv2d(2, 4, 3, 2, 1), nn.Conv2d(4, 3, 2), nn.Linear(18, 7), nn.Linear(7, 3)]
        )
        self.back = nn.ModuleList(
            [
                nn.Linear(3, 7),
                nn.Linear(7, 18),
                nn.ConvTranspose2d(3, 4, 2),
                nn.ConvTranspose2d(4, 2, 3, 2, 1, output_padding=(1, 0)),
            ]
        )
        self.tied = tied

    def forward(self, x):
        one, two, three, code = self.there
        h = torch.relu(two(torch.relu(one(x))))
        before_pool = h.shape[2:]
        h = nn.functional.max_pool2d(h, 2).flatten(1)
        h = torch.relu(code(torch.relu(three(h))))
        for i, layer in enumerate(self.back):
            if self.tied:
                owner = self.there[-1 - i]
                layer = self.of(layer, owner.weight.T if i < 2 else owner.weight)
            h = layer(h)
            h = torch.relu(h) if i < 3 else h
            if i == 1:
                h = h.unflatten(1, (3, 2, 3))
                h = nn.functional.interpolate(h, size=before_pool)
        return h

    @staticmethod
    def of(layer, weight):
        def call(h):
            return torch.func.functional_call(layer, {"weight": weight}, (h,), strict=False)

        return call


def of_torch(kind, weights, i: int, tied: bool) -> nn.Module:
    """The i-th of the stacked networks in torch's own modules."""
    model = kind(tied)
    with torch.no_grad():
        n = len(model.there)
        names = [*(f"encoder{k}" for k in range(1, n)), "code"]
        names += [*(f"decoder{k}" for k in range(1, n)), "output"]
        for name, layer in zip(names, [*model.there, *model.back], strict=True):
            if f"{name}.weight" in weights:
                layer.weight.copy_(weights[f"{name}.weight"][i])
            layer.bias.copy_(weights[f"{name}.bias"][i])
    return model


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("kind", "shape", "encoder", "activation"),
    [(Dense, (6,), (5, 4), "tanh"), (Maps, MAPS, STAGES, "relu")],
)
def test_autoencoder_agrees_with_torch_in_outputs_and_gradients(
    kind, shape, encoder, activation, tied
):
    net = network(shape, encoder, activation=activation, tied=tied)
    arrays = initialise_seeds(net, SEEDS)
    leaves = {name: a.clone().requires_grad_() for name, a in arrays.items()}
    x = torch.randn(8, *shape, generator=torch.Generator().manual_seed(0))
    out, changed = net.run(leaves, x, training=True)
    assert not changed and out.shape == (2, 8, *shape)
    out.square().sum().backward()
    for i in range(len(SEEDS)):
        model = of_torch(kind, arrays, i, tied)
        expected = model(x)
        expected.square().sum().backward()
        torch.testing.assert_close(out[i], expected)
        ends = {"encoder1": 0, "code": -1}, {"decoder1": 0, "output": -1}
        for at, layers in zip(ends, (model.there, model.back), strict=True):
            for name, k in at.items():
                bias, weight = f"{name}.bias", f"{name}.weight"
                torch.testing.assert_close(leaves[bias].grad[i], layers[k].bias.grad)
                if weight in leaves:
                    torch.testing.assert_close(leaves[weight].grad[i], layers[k].weight.grad)
    read = dict(net.read(arrays, x))
    torch.testing.assert_close(read["output"].t, out)
    assert {n: r.t.shape[2:] for n, r in read.items()} == {
        layer.name: layer.shape for layer in net.layers
    }


def test_layers_follow_one_another_and_pools_are_not_measured_by_default():
    net = network(MAPS, STAGES)
    names = [layer.name for layer in net.layers]
    assert names == [
        "encoder1", "encoder2", "pool1", "encoder3", "code", "decoder1", "decoder2",
        "upsample1", "decoder3", "output",
    ]  # fmt: skip
    assert [layer.after for layer in net.layers] == [(INPUT,), *((n,) for n in names[:-1])]
    assert net.by_default == tuple(n for n in names if "pool" not in n and "up" not in n)
    assert net.layers[-1].shape == MAPS and net.output_size == 2 * 12 * 13
    assert network(MAPS, [5]).layers[-1].shape == (2 * 12 * 13,)  # dense layers give no maps
    assert [layer.name for layer in network(encoder=[]).layers] == ["code", "output"]


def test_a_tied_decoder_has_biases_alone():
    free, tied = network(), network(tied=True)
    weights = 6 * 5 + 5 * 4 + 4 * 3
    assert free.n_parameters - tied.n_parameters == weights
    assert free.n_products == tied.n_products == 2 * weights
    assert tied.of_layer["decoder1"] == ("decoder1.bias",)
    drawn = initialise_seeds(tied, [0])
    assert float(drawn["output.bias"].abs().max()) <= 1 / 5**0.5  # 1/√ of what goes in


def test_dense_networks_are_stacked_and_a_sigmoid_reads_numbers_between_0_and_1():
    assert network().stacks and not network(MAPS, STAGES).stacks
    assert network(MAPS, [4]).stacks
    net = network(output="sigmoid")
    weights, x = initialise_seeds(net, SEEDS), torch.randn(4, 6)
    raw, _ = net.run(weights, x)
    torch.testing.assert_close(dict(net.read(weights, x))["output"].t, torch.sigmoid(raw))
    assert net.links == ("sigmoid",) and network().links == ("linear",)


def test_noise_is_on_encoder_code_and_decoder_and_the_seeds_own():
    net = network(noise={"sigma": 0.5})
    weights, x = initialise_seeds(net, SEEDS), torch.randn(50, 6)

    def draws(*seeds):
        return net.random(50, [streams.of_training(seed) for seed in seeds])

    both = dict(net.read(weights, x, draws(*SEEDS)))
    noisy = [name for name, reading in both.items() if reading.sigma is not None]
    assert noisy == ["encoder1", "encoder2", "code", "decoder1", "decoder2"]
    alone = {n: w[1:] for n, w in weights.items()}
    one = dict(net.read(alone, x, draws(SEEDS[1])))
    torch.testing.assert_close(both["output"].t[1:], one["output"].t)
    assert float(both["code"].noise.std()) == pytest.approx(1, abs=0.2)  # of 300 numbers


def test_a_network_is_what_its_description_says():
    net = network(MAPS, STAGES, tied=True)
    again = rebuild(describe({"network": net})["network"])
    assert again.layers == net.layers and again.parameters == net.parameters


@pytest.mark.parametrize(
    ("shape", "encoder", "said"),
    [
        ((6,), STAGES, r"network.encoder.0: must have maps .* not 6 values"),
        (MAPS, [5, STAGES[0]], r"network.encoder.1: must have maps"),
        (MAPS, [{"stage": "pool"}, 5], "network.encoder.0: must be a conv or dense stage"),
        (MAPS, [{"stage": "conv", "channels": 2, "kernel": 14}], "network.encoder.0.kernel: "),
    ],
)
def test_an_encoder_that_cannot_be_is_named(shape, encoder, said):
    with pytest.raises(Misfit, match=said):
        network(shape, encoder)


def test_activations_are_one_for_all_or_one_each():
    assert network(activation=["tanh"] * 4 + ["relu"]).activations_of["decoder2"] == "relu"
    with pytest.raises(ValidationError, match="5 layers, of encoder, code and decoder"):
        network(activation=["tanh", "relu"])
