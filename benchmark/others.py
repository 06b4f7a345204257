"""Speed of the estimators with small fits, kernel matrices and slices, compared with plain
versions of the published algorithms; each is short, and agrees with ours if both do the
same."""

import math
import time
from collections.abc import Iterator
from itertools import pairwise

import clock
import neighbours
import numpy as np
import problems
import torch
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.special import digamma
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from torch import nn

from infoplane.estimators import clustering, compressed, lga, lnn, renyi, sliced
from infoplane.samples import Pair, Samples

N = 2048
"""Number of samples, which have 5 dimensions and 2 classes."""


def bench_others(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """One call of each estimator and of its peer. The times of peers that loop over samples or
    slices are EXTRAPOLATED from some of these."""
    yield bench_sliced()
    yield bench_renyi()
    yield bench_silhouette(limits)
    yield bench_lnn(limits)
    yield bench_lga()
    yield bench_compressed(limits)


def labelled() -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, 5) of a tanh layer over clusters, float64, and their labels (N,)."""
    one = problems.tanh_layers(N, 5, 3)[1]
    rng = np.random.default_rng(0)
    rows = one.t[:, 0].double().numpy() + 0.1 * rng.standard_normal((N, 5))
    return rows, one.y.numpy() % 2


def bench_sliced() -> clock.Row:
    """128 slices, with k-d trees for each, as in packages; the limit is to sort each slice of
    either variable once."""
    pair, some = neighbours.normals(N, 5), 8
    rng = np.random.default_rng(0)
    a, b = pair.a.numpy(), pair.b.numpy()

    def peer():
        for _ in range(some):
            one, other = rng.standard_normal((2, 5, 1))
            neighbours.by_trees(a @ one, b @ other, 3)

    theirs, ours = clock.medians(peer, lambda: sliced.Sliced().between(pair), 3)
    sorting = clock.seconds(lambda: [np.sort(a[:, 0] + i) for i in range(256)])
    return clock.Row(f"sliced {N} × 5 + 5", ours, theirs * 128 / some, sorting, "sorting")


def bench_renyi() -> clock.Row:
    """Kernel matrices of batches, with labels, at the median width; the limit is LAPACK's
    eigenvalues of two matrices for each batch."""
    rows, y = labelled()
    method = renyi.Renyi(width="median")
    pair, batches = Pair.of(rows, y), renyi._batches(N, 512, method.settings).numpy()
    alpha, matrices = method.settings.alpha, torch.randn(2 * len(batches), 512, 512).double()
    matrices = matrices @ matrices.mT

    def entropy(kernel):
        values = np.linalg.eigvalsh(kernel / np.trace(kernel)).clip(1e-300)
        return np.log2((values**alpha).sum()) / (1 - alpha)

    def distances(chosen):
        return np.linalg.norm(rows[chosen][:, None] - rows[chosen], axis=2)

    def peer():
        first = distances(batches[0])
        width, values = np.median(first[first > 0]), []
        for chosen in batches:
            a = np.exp(-((distances(chosen) / width) ** 2))
            b = (y[chosen][:, None] == y[chosen]).astype(float)
            values.append(entropy(a) + entropy(b) - entropy(a * b))
        return np.mean(values)

    assert math.isclose(peer(), method.between(pair).value, abs_tol=1e-3)
    theirs, ours = clock.medians(peer, lambda: method.between(pair), 3)
    least = clock.seconds(lambda: torch.linalg.eigvalsh(matrices))
    return clock.Row(f"renyi {N} × 5, labels", ours, theirs, least, "eigenvalues")


def bench_silhouette(limits: clock.Limits) -> clock.Row:
    """The silhouette by scikit-learn; ours computes all other measures of clusters too. The
    limit is, for every pair, a difference and a square for each unit and a root, which costs as
    much as an exponential."""
    rows, y = labelled()
    method = clustering.Clustering(silhouette_rows=N)
    one = Samples(torch.from_numpy(rows[:, None]).float(), torch.from_numpy(y))
    found = method.estimate(one).extra["silhouette"]
    assert math.isclose(silhouette_score(rows, y), found, abs_tol=1e-4)
    # not in turn: the peer's threads spin after its call and would take a core from ours
    theirs = clock.median(lambda: silhouette_score(rows, y), 15)
    time.sleep(1)
    ours = clock.median(lambda: method.estimate(one), 15)
    least = N**2 * (2 * 2 * 5 / (limits.gflops * 1e9) + 1 / limits.exponentials)
    return clock.Row(f"clustering {N} × 5", ours, theirs, least, "differences")


def bench_lnn(limits: clock.Limits) -> clock.Row:
    """A local Gaussian around each sample, in a loop with a k-d tree; the limit is the products
    in the covariances of neighbours."""
    rows, some = labelled()[0], 100
    d, m = rows.shape[1], 30
    pair = Pair.of(rows, labelled()[1])

    def peer():
        tree, terms = cKDTree(rows), []
        for x in rows[:some]:
            distances, near = tree.query(x, m + 1)
            z = (rows[near[1:]] - x) / distances[5]
            w = np.exp(-(z**2).sum(axis=1) / 2)
            mean = w @ z / w.sum()
            covariance = (w[:, None] * (z - mean)).T @ (z - mean) / w.sum()
            terms.append(
                np.linalg.slogdet(covariance)[1] / 2
                + mean @ np.linalg.solve(covariance, mean) / 2
                - np.log(w.sum())
                + d * np.log(distances[5])
            )
        return np.array(terms) + digamma(len(rows)) + d / 2 * np.log(2 * np.pi)

    ours_say = lnn.minus_log_densities(torch.from_numpy(rows), 5, m)[0][:some]
    np.testing.assert_allclose(peer(), ours_say, atol=1e-6)
    theirs, ours = clock.medians(peer, lambda: lnn.LNN().between(pair), 3)
    least = 2 * N * m * 2 * d * d / (limits.gflops * 1e9)  # over all samples and in classes
    return clock.Row(f"lnn {N} × 5, labels", ours, 2 * theirs * N / some, least, "GEMM")


def bench_lga() -> clock.Row:
    """A Gaussian fitted around each sample by scipy's BFGS with finite differences, as
    published; no limit is known, because the number of steps is not."""
    rng, some, n = np.random.default_rng(0), 4, 512
    rows = rng.standard_normal((n, 2))
    pair = Pair.of(rows[:, :1], rows[:, 1:])

    def density(x):
        h = np.sort(np.linalg.norm(rows - x, axis=1))[30]
        kernel = np.exp(-(((rows - x) / h) ** 2).sum(axis=1) / 2) / (2 * np.pi * h**2)

        def normal(t, mean, covariance):
            apart = np.atleast_2d(t - mean)
            squares = (apart @ np.linalg.inv(covariance) * apart).sum(axis=1)
            return -squares / 2 - np.linalg.slogdet(2 * np.pi * covariance)[1] / 2

        def unpacked(z):
            root = np.array([[np.exp(z[2]), 0], [z[4], np.exp(z[3])]])
            return z[:2], root @ root.T

        def objective(z):
            mean, covariance = unpacked(z)
            mass = np.exp(normal(x, mean, covariance + h**2 * np.eye(2))[0])
            return (mass - (kernel * normal(rows, mean, covariance)).mean()) / kernel.mean()

        found = minimize(objective, np.zeros(5), options={"gtol": 1e-5})
        return normal(x, *unpacked(found.x))[0]

    ours_say, _ = lga.log_densities(torch.from_numpy(rows), 30, lga.LGASettings())
    found = [density(x) for x in rows[:some]]
    np.testing.assert_allclose(found, ours_say[:some], atol=2e-3)  # two optimisers
    theirs = clock.seconds(lambda: [density(x) for x in rows[:some]])
    lga.LGA().between(pair)
    ours = clock.seconds(lambda: lga.LGA().between(pair))
    # the joint density alone: the peer would take more time for each variable
    return clock.Row(f"lga {n} × 1 + 1", ours, theirs * n / some)


def bench_compressed(limits: clock.Limits) -> clock.Row:
    """An autoencoder by torch.nn and Adam, principal components by scikit-learn, and entropies
    by k-d trees; the limit is the products in the autoencoder's steps."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(N, 12, generator=random)
    t = torch.tanh(x @ torch.randn(12, 5, generator=random) / 4)
    pair = Pair.of(t + 0.1 * torch.randn(t.shape, generator=random), x)
    method = compressed.Compressed(max_steps=500, patience=500, weighted=False, k=5)
    chosen = method.settings
    widths = (12, chosen.width, chosen.code, chosen.width, 12)

    def peer():
        one, two, three, four = (nn.Linear(*ends) for ends in pairwise(widths))
        encoder = nn.Sequential(one, nn.ReLU(), two)
        both = nn.Sequential(encoder, three, nn.ReLU(), four)
        optimizer = torch.optim.Adam(both.parameters(), chosen.learning_rate)
        train = x[round(chosen.held_out * N) :]
        for _ in range(chosen.max_steps):
            part = train[torch.randint(len(train), (chosen.batch_size,))]
            optimizer.zero_grad()
            (both(part) - part).square().mean().backward()
            optimizer.step()
        with torch.no_grad():
            b = encoder(x).double().numpy()
        a = PCA(chosen.components).fit_transform(pair.a / pair.a.std(0))
        return entropy(a) + entropy(b) - entropy(np.hstack([a, b]))

    def entropy(rows):
        d, k = rows.shape[1], chosen.k
        radii = cKDTree(rows).query(rows, k + 1)[0][:, k]
        ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
        return digamma(N) - digamma(k) + ball + d * np.log(radii).mean()

    def ours():
        compressed._codes.clear()  # otherwise the same inputs are not compressed again
        return method.between(pair).value

    theirs, taken = clock.medians(peer, ours, 3)
    products = sum(a * b for a, b in pairwise(widths)) * chosen.batch_size * chosen.max_steps
    least = 3 * 2 * products / (limits.gflops * 1e9)
    return clock.Row(f"compressed {N} × 5, 12", taken, theirs, least, "GEMM")
