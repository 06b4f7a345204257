"""Speed of sample propagation compared with scikit-learn's kernel densities."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import clock
import numpy as np
import problems
from sklearn.neighbors import KernelDensity

from infoplane.estimators import sp
from infoplane.estimators.kernels import sp_densities
from infoplane.samples import BIT, Samples

TARGET = 0.01
"""Standard error of I(X;T) and of I(T;Y), in bits."""
PUBLISHED_DRAWS = 1000
"""Monte Carlo draws for each centre in Goldfeld et al. 2019, with 1000 centres per input."""
N_TIMED = 1024
"""This many densities of ours are timed separately."""


class Cost(NamedTuple):
    """Seconds per query of an entropy, and the standard deviation of a query in bits."""

    seconds: float
    deviation: float


def bench_sp(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """A layer without and one with noise before it, each with small and with large noise.

    The peer estimates h(T) and h(T|X) separately, with queries of a Gaussian kernel density at
    tolerance 0, on one thread; in the first layer h(T|X) is known. Its times are EXTRAPOLATED
    from a few queries: `equal error` to the number that gives our standard error of I(X;T),
    best divided between both entropies; `published` to PUBLISHED_DRAWS for every centre. Ours
    includes I(T;Y); the peer's time for it is left out.
    """
    replicas = 20 if quick else 100
    n_queries = 50 if quick else 200
    for sigma in (0.005, 0.1):
        first, deep = problems.noisy_layers(sigma, replicas)
        for samples in (first, deep):
            yield from bench_layer(samples, limits, n_queries)


def bench_layer(samples: Samples, limits: clock.Limits, n_queries: int) -> Iterator[clock.Row]:
    n, r, d = samples.centres.shape
    name = f"{n * r} × {d}, σ {samples.sigma:g}"
    settings = sp.SPSettings(target=TARGET)
    found = sp.SP(settings).estimate(samples)
    ours = float(
        np.median([clock.seconds(lambda: sp.SP(settings).estimate(samples)) for _ in "123"])
    )
    whole, given_x = costs(samples, n_queries)

    labels = samples.y.numpy()
    densities = sp_densities.densities(samples.centres, labels, samples.sigma, 10**9)
    rng = np.random.default_rng(1)
    chosen, z = rng.integers(0, n * r, N_TIMED), rng.standard_normal((N_TIMED, d))
    alone = [clock.seconds(lambda: densities.logarithms(chosen, z)) for _ in range(5)]
    pairs = N_TIMED * n * r
    yield clock.Row(
        f"sp {N_TIMED} densities, {name}",
        float(np.median(alone[1:])),
        N_TIMED * whole.seconds,
        pairs / limits.exponentials,
        "exponentials",
    )
    error = max(found.ixt.stderr, TARGET / 2)
    parts = [whole] if given_x is None else [whole, given_x]
    roots = [c.deviation * math.sqrt(c.seconds) for c in parts]
    equal = (sum(roots) / error) ** 2
    yield clock.Row(f"sp equal error, {name}", ours, equal)
    published = sum(PUBLISHED_DRAWS * n * r * c.seconds for c in parts)
    queries = [sum(roots) / error**2 * c.deviation / math.sqrt(c.seconds) for c in parts]
    yield clock.Row(
        f"sp published, {name}",
        ours,
        published,
        note=f"the peer extrapolated from {n_queries} queries of {1e6 * whole.seconds:.0f} µs, "
        f"deviation {whole.deviation:.2f} bit: {' + '.join(f'{q:.0f}' for q in queries)} give "
        f"an error of {error:.4f} bit; published {len(parts)} × {PUBLISHED_DRAWS * n * r}",
    )


def costs(samples: Samples, n_queries: int) -> tuple[Cost, Cost | None]:
    """The cost of a query of h(T) and of one of h(T|X); None if the latter is known."""
    n, r, d = samples.centres.shape
    centres = samples.centres.double().numpy()
    rng = np.random.default_rng(0)
    inputs, draws = rng.integers(0, n, n_queries), rng.integers(0, r, n_queries)
    t = centres[inputs, draws] + samples.sigma * rng.standard_normal((n_queries, d))
    whole = queried(fitted(centres.reshape(-1, d), samples.sigma), t)
    if r == 1:
        return whole, None
    trees = [fitted(centres[x], samples.sigma) for x in inputs[:10]]
    around = [
        centres[x, rng.integers(0, r, n_queries)]
        + samples.sigma * rng.standard_normal((n_queries, d))
        for x in inputs[:10]
    ]
    parts = [queried(tree, rows) for tree, rows in zip(trees, around, strict=True)]
    return whole, Cost(*np.mean(parts, axis=0).tolist())


def fitted(rows: np.ndarray, sigma: float) -> KernelDensity:
    """The density as published: a Gaussian kernel with the noise's deviation, no tolerance."""
    return KernelDensity(kernel="gaussian", bandwidth=sigma, atol=0, rtol=0).fit(rows)


def queried(density: KernelDensity, rows: np.ndarray) -> Cost:
    """Time and standard deviation of log-densities at these rows."""
    values: list[np.ndarray] = []
    taken = clock.seconds(lambda: values.append(density.score_samples(rows)))
    return Cost(taken / len(rows), BIT * float(values[0].std(ddof=1)))
