"""Speed of convolutional networks: LeNet-5 compared with a plain loop of torch.nn."""

from collections.abc import Callable, Iterator

import clock
import numpy as np
import torch
from torch import nn

from infoplane.datasets.source import Data, Label
from infoplane.networks.cnn import Settings
from infoplane.threads import use_threads
from infoplane.training.supervised import Supervised

BATCH, RATE = 64, 1e-3
SEEDS = (1, 2, 4)
AT_ONCE = 256
"""The peer evaluates this many images at once."""


def bench_convolutions(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """Seconds of an epoch of one LeNet-5 on 2,048 images, batches of 64, Adam.

    The peer is a loop of torch.nn over one network on all threads. Both are timed with and
    without loss and accuracy of all training images after the epoch. Ours includes the
    statistics of gradients in both cases; seeds share the threads, one each. The limit is all
    products at the rate of large matrices.
    """
    threads = torch.get_num_threads()
    data = images(512 if quick else 2048)
    for n_seeds in SEEDS:
        ours = trainer(data, n_seeds)
        (network,) = ours.networks.values()
        flops = 2 * network.n_products * len(data.train)
        for passes, name, work in (
            (3, "training alone", lambda t=ours: trained(t)),
            (4, "and evaluated", lambda t=ours: t.advance(t.epoch + 1)),
        ):
            peer = loop(data, evaluated=passes == 4)
            theirs, taken = clock.medians(peer, work, 3 if quick else 5)
            least = passes * flops / limits.gflops / 1e9
            item = f"{n_seeds} × LeNet-5, {threads} threads, {name}"
            yield clock.Row(item, taken / n_seeds, theirs, least, "GEMM")
    use_threads(threads)


def trained(ours: Supervised) -> None:
    """An epoch of all networks, without the evaluation."""
    x, y = ours.parts["train"]
    ours.epoch += 1
    ours.each(lambda stack: stack.train_epoch(x, y.expand(len(stack.rows), -1), ours.epoch))


def images(n: int) -> Data:
    """Images of noise with the size of MNIST's; all but 64 are for training."""
    rng = np.random.default_rng(0)
    x = rng.random((n + 64, 1, 28, 28), dtype=np.float32)
    digits = Label(rng.integers(0, 10, len(x)), tuple("0123456789"))
    return Data(x, {"digit": digits}, np.arange(n), np.arange(n, len(x)), {})


def trainer(data: Data, n_seeds: int) -> Supervised:
    """A trainer of these networks, after its epoch 0."""
    settings = Supervised.Settings(
        optimizer={"method": "adam", "learning_rate": RATE},
        batch_size=BATCH,
        epochs=100_000,
        device="cpu",
    )
    network = Settings(family="cnn", preset="lenet5", activation="relu")
    networks = Supervised.networks_of(settings, network, data.shape)
    made = Supervised(settings, networks["network"], data, range(n_seeds))
    made.advance(0)
    return made


def loop(data: Data, evaluated: bool) -> Callable[[], None]:
    """A function that trains one network for an epoch and, if `evaluated`, computes loss and
    accuracy of all training images."""
    x, y = (torch.from_numpy(a[data.train]) for a in (data.x, data.y))
    maps = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2)]
    maps += [nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()]
    dense = [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    network = nn.Sequential(*maps, *dense)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    order = np.random.default_rng(0)

    def epoch() -> None:
        for rows in torch.from_numpy(order.permutation(len(x))).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        if evaluated:
            with torch.no_grad():
                scores = torch.cat([network(part) for part in x.split(AT_ONCE)])
                nn.functional.cross_entropy(scores, y), (scores.argmax(1) == y).double().mean()

    return epoch
