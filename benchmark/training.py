"""Speed of training small perceptrons beside a plain loop of torch.nn."""

from collections.abc import Iterator
from itertools import pairwise

import clock
import numba
import numpy as np
import torch
from torch import nn

from infoplane.datasets import SOURCES
from infoplane.datasets.prepare import prepare
from infoplane.networks.mlp import Settings
from infoplane.threads import use_threads
from infoplane.training.supervised import Supervised

HIDDEN = (10, 7, 5, 4, 3)
BATCH, RATE = 256, 4e-4
SEEDS = (1, 10, 40)


def bench_training(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """Milliseconds of an epoch of one network, 12-10-7-5-4-3-2 on 3,277 patterns, Adam.

    The peer is a loop of torch.nn over one network on one thread, without evaluation. Ours
    has the evaluation of training and test inputs, and norms, in it: with torch's operators,
    with compiled loops, and with these on all threads. The limit: one exponential an
    activation, and all products at the rate of large matrices.
    """
    data = prepare(SOURCES["szt"].Settings(source="szt"))
    everything = numba.get_num_threads()
    x, y = data.x[data.train], data.label(None).codes[data.train]
    widths = [data.x.shape[1], *HIDDEN, 2]
    products = sum((a + 1) * b for a, b in pairwise(widths))
    activations = sum(HIDDEN) * (len(x) + len(data.x))
    cases = [(n, "torch", 1) for n in SEEDS]
    cases += [(n, "compiled", t) for t in dict.fromkeys((1, everything)) for n in SEEDS]
    for n_seeds, kernel, threads in cases:
        use_threads(threads)
        ours = trainer(data, n_seeds, kernel)
        plain = loop(torch.from_numpy(x), torch.from_numpy(y), widths)
        theirs, taken = clock.medians(
            plain, lambda t=ours: t.advance(t.epoch + 1), 5 if quick else 15
        )
        flops = 2 * products * (3 * len(x) + len(data.x))
        least = flops / limits.gflops / 1e9 + activations / limits.exponentials
        name = f"train {n_seeds} × SZT, {kernel}, {threads} thread{'s' * (threads > 1)}"
        yield clock.Row(name, taken / n_seeds, theirs, least, "GEMM, exponentials")
    use_threads(everything)


def trainer(data, n_seeds: int, kernel: str) -> Supervised:
    """A trainer of these networks, after its epoch 0."""
    settings = Supervised.Settings(
        optimizer={"method": "adam", "learning_rate": RATE},
        batch_size=BATCH,
        epochs=100_000,
        device="cpu",
        kernel=kernel,
    )
    network = Settings(hidden=[*HIDDEN], activation="tanh", initialisation="fan_in")
    networks = Supervised.networks_of(settings, network, data.shape)
    made = Supervised(settings, networks["network"], data, range(n_seeds))
    made.advance(0)
    return made


def loop(x: torch.Tensor, y: torch.Tensor, widths: list[int]):
    """A function that trains one network for an epoch, on one thread."""
    layers = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.Tanh()]
    network = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    order = np.random.default_rng(0)

    def epoch() -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        for rows in torch.from_numpy(order.permutation(len(x))).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        torch.set_num_threads(threads)

    return epoch
