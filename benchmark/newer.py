"""Short versions of two estimators that the library does not have, and their errors.

    python benchmark/newer.py flow minde

Each prints its error in bits and its CPU seconds on one draw of 2,000 samples: of the laws of
laws.py in 5 + 5 dimensions, of a sparse normal and of independent normals in 25 + 25.

flow: two normalising flows of affine couplings, one for A and one for B, trained so that their
outputs are jointly normal; I(A;B) is that of the normal. Butakov, Tolmachev, Malanchuk,
Neopryatnaya & Frolov 2024 (NeurIPS), "Mutual information estimation via normalizing flows".
minde: a network that predicts the noise in a noisy a, given b or not; with λ the logarithm of
the signal-to-noise ratio, I(A;B) = ½ ∫ E‖ε(a_λ, λ, b) − ε(a_λ, λ)‖² dλ. Franzese, Bounoua &
Michiardi 2024 (ICLR), "MINDE", the conditional variant.
"""

import argparse
import copy
import math
import time
from collections.abc import Iterator

import laws
import torch
from torch import Tensor, nn

from infoplane.estimators.kernels import tails
from infoplane.threads import use_threads
from infoplane.truth.beyond_normal import BeyondNormal

COUPLINGS, WIDTH, BATCH = 6, 64, 512
"""Couplings, hidden units and batch size of the flow."""
STEPS, REACH, KEPT = 4000, 8.0, 0.005
"""For minde: mini-batches of 256, λ within ± REACH, share of the newest weights in the mean."""


class Flow(nn.Module):
    """Affine couplings of d coordinates."""

    def __init__(self, d: int, generator: torch.Generator):
        super().__init__()
        self.half = d // 2
        self.orders = [torch.randperm(d, generator=generator) for _ in range(COUPLINGS)]
        self.networks = nn.ModuleList(
            network(self.half, WIDTH, 2 * (d - self.half), nn.Tanh, 2) for _ in range(COUPLINGS)
        )
        for one in self.networks:
            nn.init.zeros_(one[-1].weight)
            nn.init.zeros_(one[-1].bias)

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor]:
        logs = torch.zeros(len(u))
        for order, one in zip(self.orders, self.networks, strict=True):
            given, changed = u[:, order].split([self.half, u.shape[1] - self.half], dim=1)
            a, b = one(given).chunk(2, dim=1)
            a = 3 * torch.tanh(a / 3)
            u, logs = torch.cat([given, changed * a.exp() + b], dim=1), logs + a.sum(1)
        return u, logs


def network(d: int, width: int, out: int, activation: type, depth: int) -> nn.Sequential:
    parts = []
    for _ in range(depth):
        parts += [nn.Linear(d, width), activation()]
        d = width
    return nn.Sequential(*parts, nn.Linear(d, out))


def covariance(u: Tensor) -> Tensor:
    apart = u - u.mean(0)
    return apart.T @ apart / len(u) + 1e-5 * torch.eye(u.shape[1])


def flow(a: Tensor, b: Tensor) -> float:
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    order = torch.randperm(len(a), generator=generator)
    held, train = order[: len(a) // 5], order[len(a) // 5 :]
    flows = Flow(a.shape[1], generator), Flow(b.shape[1], generator)
    optimizer = torch.optim.Adam([p for one in flows for p in one.parameters()], lr=2e-3)

    def outputs(rows: Tensor) -> tuple[Tensor, Tensor]:
        (u, of_a), (v, of_b) = flows[0](a[rows]), flows[1](b[rows])
        return torch.cat([u, v], dim=1), of_a + of_b

    best, kept, since = math.inf, None, 0
    for step in range(1, 2001):
        w, logs = outputs(train[torch.randint(len(train), (BATCH,), generator=generator)])
        optimizer.zero_grad()
        (torch.logdet(covariance(w)) / 2 - logs.mean()).backward()
        optimizer.step()
        if step % 100:
            continue
        with torch.no_grad():
            known, _ = outputs(train)
            w, logs = outputs(held)
            c, apart = covariance(known), w - known.mean(0)
            squares = (apart @ torch.linalg.inv(c) * apart).sum(1).mean()
            now = float(torch.logdet(c) / 2 + squares / 2 - logs.mean())
        since += 1
        if now < best:
            best, kept, since = now, copy.deepcopy(flows), 0
        if since == 4:
            break
    flows = kept
    with torch.no_grad():
        c, d = covariance(outputs(order)[0]).double(), a.shape[1]
    log_dets = [torch.logdet(part) for part in (c[:d, :d], c[d:, d:], c)]
    return float(log_dets[0] + log_dets[1] - log_dets[2]) / 2


def minde(a: Tensor, b: Tensor) -> float:
    torch.manual_seed(0)
    n, d = a.shape
    net = network(d + b.shape[1] + 4, 128, d, nn.SiLU, 3)
    optimizer, mean = torch.optim.Adam(net.parameters(), lr=1e-3), copy.deepcopy(net)

    def noise_in(net: nn.Module, x: Tensor, b: Tensor, told: Tensor, given: Tensor) -> Tensor:
        beside = [b * given, given, told / REACH, told.sin(), told.cos()]
        return net(torch.cat([x, *beside], dim=1))

    def noisy(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        told = (torch.rand(len(rows), 1) * 2 - 1) * REACH
        noise = torch.randn_like(rows)
        signal = told.sigmoid().sqrt() * rows
        return signal + (-told).sigmoid().sqrt() * noise, noise, told

    for _ in range(STEPS):
        rows = torch.randint(n, (256,))
        x, noise, told = noisy(a[rows])
        given = (torch.rand(256, 1) < 0.5).float()
        optimizer.zero_grad()
        (noise_in(net, x, b[rows], told, given) - noise).square().mean().backward()
        optimizer.step()
        with torch.no_grad():
            for averaged, newest in zip(mean.parameters(), net.parameters(), strict=True):
                averaged.lerp_(newest, KEPT)
    found, one = [], torch.ones(n, 1)
    with torch.no_grad():
        for _ in range(10):
            x, _, told = noisy(a)
            apart = noise_in(mean, x, b, told, one) - noise_in(mean, x, b, told, 0 * one)
            found.append(float(apart.square().sum(1).mean()) * REACH)
    return sum(found) / len(found)


def asked() -> Iterator[tuple[str, Tensor, Tensor, float]]:
    """Name, a, b and truth in bits of each problem."""
    tasks = {task.name: task for task in BeyondNormal().tasks({})}
    for name in [*(law for law in laws.LAWS if "5 × 5" in law), "Normal 25 × 25 (2-pair)"]:
        pair = tasks[name].draw(laws.N, laws.DRAWS[0]).pair
        yield name, pair.a, pair.b, tasks[name].truth
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, laws.N, 25, generator=generator)
    yield "independent 25 × 25", a, b, 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=["flow", "minde"])
    names = parser.parse_args().names
    use_threads(1)
    for law, a, b, bits in asked():
        scores = [tails.even_scores(v.double()).float() for v in (a, b)]
        for name in names:
            start = time.process_time()
            error = {"flow": flow, "minde": minde}[name](*scores) / math.log(2) - bits
            seconds = time.process_time() - start
            print(f"{law:<26} {name:<6} {error:+.2f} bit, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
