"""Speed of the estimators that use nearest neighbours."""

import math
from collections.abc import Iterator

import clock
import numpy as np
from scipy.special import digamma
from sklearn.neighbors import BallTree, KDTree

from infoplane.estimators import kl, ksg, sliced
from infoplane.samples import BIT, Pair


def bench_ksg(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """KSG 1 with k = 3 on correlated normals with d dimensions each, "d + d".

    The limit is the fastest computation of differences: for half of the pairs, three
    instructions for each dimension (difference, absolute value, maximum), at the rate of the
    instructions of a matrix product, each of which is two of its operations.
    """
    n = 4096 if quick else 10_000
    for d in (1, 5, 10, 50):
        pair = normals(n, d)
        theirs, ours = clock.medians(
            lambda pair=pair: by_trees(pair.a.numpy(), pair.b.numpy(), 3),
            lambda pair=pair: ksg.KSG(k=3).between(pair),
            1 if d == 50 else 3,
        )
        differences = n**2 / 2 * 2 * d
        least = None if d == 1 else differences * 3 * 2 / (limits.gflops * 1e9)
        limit = "" if d == 1 else "differences"
        yield clock.Row(f"ksg {n} × {d} + {d}", ours, theirs, least, limit)
    yield from others(n)


def others(n: int) -> Iterator[clock.Row]:
    """The other estimators that use the same kernel; they have no peers here."""
    pair = normals(n, 10)
    labelled = Pair.of(pair.a, (pair.b[:, 0] * 3).round().int())
    for name, given, estimator in (
        (f"ksg {n} × 10, labels", labelled, ksg.KSG()),
        (f"kl {n} × 10 + 10", pair, kl.KL()),
        (f"sliced {n} × 10 + 10, 128 slices", pair, sliced.Sliced()),
    ):
        estimator.between(given)
        taken = [clock.seconds(lambda: estimator.between(given)) for _ in range(3)]  # noqa: B023
        yield clock.Row(name, float(np.median(taken)))


def normals(n: int, d: int) -> Pair:
    """Correlated normals with d dimensions each, ρ = 0.6."""
    rng = np.random.default_rng(d)
    a = rng.standard_normal((n, d))
    return Pair.of(a, 0.6 * a + 0.8 * rng.standard_normal((n, d)))


def by_trees(a: np.ndarray, b: np.ndarray, k: int) -> float:
    """KSG 1 as in the usual packages: a k-d tree for the joint samples and one for each
    variable; ball trees from 20 dimensions on. One thread, as in these packages. In bits."""
    noise = np.random.default_rng(0)
    a = a + 1e-10 * noise.standard_normal(a.shape)
    b = b + 1e-10 * noise.standard_normal(b.shape)
    both = np.hstack([a, b])
    radii = _tree(both).query(both, k=k + 1)[0][:, k] - 1e-15
    in_a = _tree(a).query_radius(a, radii, count_only=True)
    in_b = _tree(b).query_radius(b, radii, count_only=True)
    terms = digamma(k) + digamma(len(a)) - digamma(in_a) - digamma(in_b)
    assert math.isfinite(terms.mean())
    return float(terms.mean()) * BIT


def _tree(rows: np.ndarray):
    return (BallTree if rows.shape[1] >= 20 else KDTree)(rows, metric="chebyshev")
