"""Critics trained together compared with critics trained one after another."""

from collections.abc import Callable, Iterator

import clock
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from infoplane.estimators import ESTIMATORS, mine
from infoplane.estimators.critics.estimator import CriticSettings
from infoplane.samples import Pair

N_CRITICS = 20
N_SAMPLES = 4096
STEPS = 100
"""Steps of a critic other than MINE."""
SOME = 4
"""The peers' time is EXTRAPOLATED from this many critics to all."""


def bench_critics(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """20 MINE critics, on layers with 2 to 10 units and 12 input features, all with the same
    number of steps: as one stack, compared with the same critics one after another, and with a
    module trained by autograd and torch's Adam, one after another, as published. Times are for
    all 20."""
    pairs = layers()
    settings = mine.MINESettings(max_steps=100 if quick else 500, patience=10**6)

    def one_by_one():
        for pair in pairs:
            mine.MINE(settings).between_batch([pair])

    def plainly():
        for pair in pairs:
            plain(pair, settings, "mine")

    def together():
        mine.MINE(settings).between_batch(pairs)

    repeats = 3 if quick else 5
    least = least_time(settings) / (limits.gflops * 1e9)
    for name, peer in {"one after another": one_by_one, "plain torch": plainly}.items():
        theirs, ours = clock.medians(peer, together, repeats)
        yield clock.Row(f"mine, 20 critics / {name}", ours, theirs, least, "GEMM")
    for name in ("nwj", "js", "smile", "infonce"):
        yield bench_critic(name, pairs, limits)


def bench_critic(name: str, pairs: list[Pair], limits: clock.Limits) -> clock.Row:
    """Critics of one method compared with a module trained by autograd and torch's Adam."""
    method = ESTIMATORS[name](max_steps=STEPS, patience=10**6)

    def peer():
        for pair in pairs[:SOME]:
            plain(pair, method.settings, name)

    theirs, ours = clock.medians(peer, lambda: method.between_batch(pairs), 3)
    least = least_time(method.settings) / (limits.gflops * 1e9)
    item = f"{name}, 20 critics / plain torch"
    return clock.Row(item, ours, theirs * len(pairs) / SOME, least, "GEMM")


def least_time(settings: CriticSettings) -> float:
    """Operations in the matrix products of all critics' steps, forward and backward."""
    width, batch = settings.width, settings.batch_size
    if settings.critic == "separable":
        a_step = 2 * batch * settings.depth * width**2 + batch**2 * width
    else:
        a_step = batch * (settings.contrasts + 1) * ((settings.depth - 1) * width**2 + width)
    return N_CRITICS * settings.max_steps * 3 * 2 * a_step


def layers() -> list[Pair]:
    """Noisy functions of the same 12 inputs, with the numbers of units of layers in the
    field."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_SAMPLES, 12, generator=generator)
    pairs = []
    for i in range(N_CRITICS):
        n_units = (10, 7, 5, 4, 3, 2)[i % 6]
        t = torch.tanh(x @ torch.randn(12, n_units, generator=generator) / 4)
        t += 0.3 * torch.randn(t.shape, generator=generator)
        pairs.append(Pair.of(t, x))
    return pairs


def losses(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of a mini-batch from the scores of joint and of product pairs; for `infonce`
    from a matrix of all pairs with the joint ones on its diagonal."""
    average: list[Tensor] = []

    def of_mine(joint, product):
        mean = product.exp().mean()
        now = mean.detach()
        average[:] = [average[0].lerp(now, 0.01) if average else now]
        return mean / average[0] - joint.mean()

    def of_js(joint, product):
        return softplus(-joint).mean() + softplus(product).mean()

    return {
        "mine": of_mine,
        "nwj": lambda joint, product: (product - 1).exp().mean() - joint.mean(),
        "js": of_js,
        "smile": of_js,
        "infonce": lambda joint, product: cross_entropy(product, torch.arange(len(product))),
    }[name]


def plain(pair: Pair, settings: CriticSettings, name: str) -> float:
    """A critic with torch.nn, autograd and torch's Adam; the smallest held-out loss."""
    width, separable = settings.width, settings.critic == "separable"
    n_train = round(pair.n * (1 - settings.held_out))

    def network(d: int, out: int) -> nn.Module:
        layers = [nn.Linear(d, width), nn.ReLU()]
        for _ in range(settings.depth - 1):
            layers += [nn.Linear(width, width), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(width, out))

    d_a, d_b = pair.a.shape[1], pair.b.shape[1]
    parts = [network(d_a, width), network(d_b, width)] if separable else [network(d_a + d_b, 1)]
    weights = [weight for part in parts for weight in part.parameters()]
    optimizer = torch.optim.Adam(weights, lr=settings.learning_rate)
    loss_of = losses(name)
    train, held_out = torch.randperm(pair.n).split([n_train, pair.n - n_train])

    def loss(rows: Tensor, n_contrasts: int) -> Tensor:
        a, b = pair.a[rows], pair.b[rows]
        if separable:
            product = parts[0](a) @ parts[1](b).T / width**0.5
            return loss_of(product.diagonal(), product)
        others = [rows.roll(-s) for s in range(1, n_contrasts + 1)]
        joint = parts[0](torch.cat([a, b], dim=1))
        b = pair.b[torch.cat(others)]
        return loss_of(joint, parts[0](torch.cat([a.repeat(n_contrasts, 1), b], dim=1)))

    best = torch.inf
    for step in range(settings.max_steps):
        now = loss(train[torch.randint(n_train, (settings.batch_size,))], settings.contrasts)
        optimizer.zero_grad()
        now.backward()
        optimizer.step()
        if (step + 1) % settings.evaluate_every == 0:
            with torch.no_grad():
                best = min(best, float(loss(held_out, settings.held_out_contrasts)))
    return best
