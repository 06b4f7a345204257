"""Speed of training small perceptrons compared with a plain loop of torch.nn."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import clock
import numba
import numpy as np
import torch
from torch import nn

from infoplane.datasets import SOURCES
from infoplane.datasets.prepare import prepare
from infoplane.networks.mlp import Settings
from infoplane.threads import use_threads
from infoplane.training.compiled_stack import AHEAD
from infoplane.training.perceptron_cpu import TANH, _activate
from infoplane.training.supervised import Supervised
from infoplane.vectors_cpu import WIDEST, load, plus, pointer, summed

HIDDEN = (10, 7, 5, 4, 3)
BATCH, RATE = 256, 4e-4
SEEDS = (1, 10, 40)


class Rates(NamedTuple):
    """The limits of one thread, per second, on numbers in registers or in cache.

    products : fused multiplications and additions; tangents : values of our own tanh
    """

    products: float
    tangents: float

    @classmethod
    def measured(cls, n: int = 100_000) -> "Rates":
        values = np.full(1024, 0.5, np.float32)
        times = [
            np.median([clock.seconds(partial(work, values, n)) for _ in range(7)])
            for work in (_products, _tangents)
        ]
        return cls(6 * WIDEST * n / times[0], len(values) * (n // 100) / times[1])


@numba.njit(nogil=True)
def _products(values, n):
    numbers = pointer(values)
    a = load(numbers, 0, WIDEST)
    s0 = s1 = s2 = s3 = s4 = s5 = a  # with `a` they fill 14 of the 16 registers of AVX2
    for _ in range(n):
        s0, s1, s2 = plus(a, s0, a), plus(a, s1, a), plus(a, s2, a)
        s3, s4, s5 = plus(a, s3, a), plus(a, s4, a), plus(a, s5, a)
    for i, s in enumerate((s0, s1, s2, s3, s4, s5)):
        values[i] = summed(s)


@numba.njit(nogil=True)
def _tangents(values, n):
    for _ in range(n // 100):
        _activate(pointer(values), TANH, len(values))


def bench_training(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """Milliseconds of an epoch of one network, 12-10-7-5-4-3-2 on 3,277 patterns, Adam.

    The peer is a loop of torch.nn over one network on one thread, without evaluation. Ours
    includes the evaluation of training and test inputs, and norms. It trains several epochs per
    call, as trainings do: with torch's operators, with compiled loops, and with these on all
    threads. The limit is all products at the rate of registers, then all tanh, on each thread.
    """
    data = prepare(SOURCES["szt"].Settings(source="szt"))
    everything = numba.get_num_threads()
    x, y = data.x[data.train], data.label(None).codes[data.train]
    widths = [data.x.shape[1], *HIDDEN, 2]
    n_train, n_evaluated = len(x), len(data.train) + len(data.test)
    forth = sum((a + 1) * b for a, b in pairwise(widths))
    back = sum(a * b for a, b in pairwise(widths[1:]))
    products = (2 * forth + back) * n_train + forth * n_evaluated
    tangents = sum(HIDDEN) * (n_train + n_evaluated)
    rates = Rates.measured()
    parts = {"products": products / rates.products, "tanh": tangents / rates.tangents}
    shares = ", ".join(f"{name} {1e6 * least:.0f} µs" for name, least in parts.items())
    cases = [(n, "torch", 1) for n in SEEDS]
    cases += [(n, "compiled", t) for t in dict.fromkeys((1, everything)) for n in SEEDS]
    for n_seeds, kernel, threads in cases:
        use_threads(threads)
        ours = trainer(data, n_seeds, kernel)
        n_epochs = 3 * AHEAD if kernel == "compiled" else max(1, 20 // n_seeds)
        plain = loop(torch.from_numpy(x), torch.from_numpy(y), widths)
        theirs, taken = clock.medians(
            plain, partial(advance, ours, n_epochs), 5 if quick else 15
        )
        least = sum(parts.values()) / min(threads, n_seeds)
        name = f"train {n_seeds} × SZT, {kernel}, {threads} thread{'s' * (threads > 1)}"
        yield clock.Row(
            name,
            taken / n_seeds / n_epochs,
            theirs,
            least,
            max(parts, key=parts.get),
            f"on one thread at least: {shares} per network and epoch",
        )
    use_threads(everything)


def advance(trainer: Supervised, n_epochs: int) -> None:
    """Train this many epochs."""
    for _ in range(n_epochs):
        trainer.advance(trainer.epoch + 1)


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
