"""Critics trained together beside critics trained one after another."""

import clock
import torch
from run import line
from torch import nn

from infoplane.estimators import mine
from infoplane.samples import Pair

N_CRITICS = 20
N_SAMPLES = 4096


def bench_critics(limits: clock.Limits, quick: bool) -> None:
    """20 MINE critics, on layers of 2 to 10 units and inputs of 12, all with as many steps:
    as one stack, beside the same critics one after another, and beside a module trained by
    autograd and torch's Adam, one after another, as it is published. Times are of all 20."""
    n_steps = 50 if quick else 200
    pairs = layers()
    settings = mine.Settings(max_steps=n_steps, evaluate_every=50, patience=10**6)

    def one_by_one():
        for pair in pairs:
            mine.between_batch([pair], settings)

    def plainly():
        for pair in pairs:
            plain_mine(pair, settings)

    def together():
        mine.between_batch(pairs, settings)

    repeats = 3 if quick else 5
    least = least_time(settings) / (limits.gflops * 1e9)
    for name, peer in {"one after another": one_by_one, "plain torch": plainly}.items():
        theirs, ours = clock.medians(peer, together, repeats)
        line(f"mine, 20 critics / {name}", theirs, ours, least)


def least_time(settings: mine.Settings) -> float:
    """Operations in the matrix products of all critics' steps, both ways."""
    width, n = settings.width, settings.batch_size
    networks = 2 * n * (settings.depth * width**2 + width * 12)
    return N_CRITICS * settings.max_steps * 3 * 2 * (networks + n**2 * width)


def layers() -> list[Pair]:
    """Noisy functions of the same 12 inputs, of as many units as layers of the field have."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_SAMPLES, 12, generator=generator)
    pairs = []
    for i in range(N_CRITICS):
        n_units = (10, 7, 5, 4, 3, 2)[i % 6]
        t = torch.tanh(x @ torch.randn(12, n_units, generator=generator) / 4)
        t += 0.3 * torch.randn(t.shape, generator=generator)
        pairs.append(Pair.of(t, x))
    return pairs


def plain_mine(pair: Pair, settings: mine.Settings) -> float:
    """A separable critic with torch.nn, autograd and torch's Adam; the held-out bound."""
    width, n_train = settings.width, round(pair.n * (1 - settings.held_out))

    def network(n_inputs: int) -> nn.Module:
        hidden = [nn.Linear(n_inputs, width), nn.ReLU()]
        for _ in range(settings.depth - 1):
            hidden += [nn.Linear(width, width), nn.ReLU()]
        return nn.Sequential(*hidden, nn.Linear(width, width))

    f, g = network(pair.a.shape[1]), network(pair.b.shape[1])
    weights = [*f.parameters(), *g.parameters()]
    optimizer = torch.optim.Adam(weights, lr=settings.learning_rate)
    average, best = None, -torch.inf
    order = torch.randperm(pair.n)
    train, held_out = order[:n_train], order[n_train:]

    def bound(rows: torch.Tensor):
        scores = f(pair.a[rows]) @ g(pair.b[rows]).T / width**0.5
        others = scores[~torch.eye(len(rows), dtype=torch.bool)]
        return scores.diagonal().mean(), others.exp().mean()

    for step in range(settings.max_steps):
        rows = train[torch.randint(n_train, (settings.batch_size,))]
        joint, mean = bound(rows)
        now = mean.detach()
        average = now if average is None else average.lerp(now, settings.averaging)
        loss = mean / average - joint
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % settings.evaluate_every == 0:
            with torch.no_grad():
                for half in held_out.chunk(2):
                    joint, mean = bound(half)
                    best = max(best, float(joint - mean.log()))
    return best
