"""Critics trained together beside critics trained one after another."""

from collections.abc import Iterator

import clock
import torch
from torch import nn

from infoplane.estimators import mine
from infoplane.samples import Pair

N_CRITICS = 20
N_SAMPLES = 4096


def bench_critics(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """20 MINE critics, on layers of 2 to 10 units and inputs of 12, all with as many steps:
    as one stack, beside the same critics one after another, and beside a module trained by
    autograd and torch's Adam, one after another, as it is published. Times are of all 20."""
    pairs = layers()
    settings = mine.MINESettings(max_steps=100 if quick else 500, patience=10**6)

    def one_by_one():
        for pair in pairs:
            mine.MINE(settings).between_batch([pair])

    def plainly():
        for pair in pairs:
            plain_mine(pair, settings)

    def together():
        mine.MINE(settings).between_batch(pairs)

    repeats = 3 if quick else 5
    least = least_time(settings) / (limits.gflops * 1e9)
    for name, peer in {"one after another": one_by_one, "plain torch": plainly}.items():
        theirs, ours = clock.medians(peer, together, repeats)
        yield clock.Row(f"mine, 20 critics / {name}", ours, theirs, least, "GEMM")


def least_time(settings: mine.MINESettings) -> float:
    """Operations in the matrix products of all critics' steps, both ways."""
    width, n_pairs = settings.width, settings.batch_size * (settings.contrasts + 1)
    a_pair = (settings.depth - 1) * width**2 + width
    return N_CRITICS * settings.max_steps * 3 * 2 * n_pairs * a_pair


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


def plain_mine(pair: Pair, settings: mine.MINESettings) -> float:
    """A critic with torch.nn, autograd and torch's Adam; the best held-out bound in nats."""
    width, n_train = settings.width, round(pair.n * (1 - settings.held_out))
    layers = [nn.Linear(pair.a.shape[1] + pair.b.shape[1], width), nn.ReLU()]
    for _ in range(settings.depth - 1):
        layers += [nn.Linear(width, width), nn.ReLU()]
    critic = nn.Sequential(*layers, nn.Linear(width, 1))
    optimizer = torch.optim.Adam(critic.parameters(), lr=settings.learning_rate)
    average, best = None, -torch.inf
    train, held_out = torch.randperm(pair.n).split([n_train, pair.n - n_train])

    def terms(rows: torch.Tensor, n_contrasts: int):
        others = [rows.roll(-s) for s in range(1, n_contrasts + 1)]
        a, b = pair.a[rows], pair.b[torch.cat(others)]
        joint = critic(torch.cat([a, pair.b[rows]], dim=1))
        product = critic(torch.cat([a.repeat(n_contrasts, 1), b], dim=1))
        return joint.mean(), product.exp().mean()

    for step in range(settings.max_steps):
        rows = train[torch.randint(n_train, (settings.batch_size,))]
        joint, mean = terms(rows, settings.contrasts)
        now = mean.detach()
        average = now if average is None else average.lerp(now, settings.averaging)
        loss = mean / average - joint
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % settings.evaluate_every == 0:
            with torch.no_grad():
                joint, mean = terms(held_out, settings.held_out_contrasts)
                best = max(best, float(joint - mean.log()))
    return best
