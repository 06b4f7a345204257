import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import invwishart, multivariate_normal, norm

from infoplane.estimators import bmm
from infoplane.estimators.kernels import posterior
from infoplane.samples import BIT, Pair
from infoplane.truth.beyond_normal import normal_information, paired_covariance

EXACT = 1e-9


def told(a, b, **options):
    return bmm.BMM(**options).between(Pair.of(a, b, "layer hidden2"))


def paired(n: int, d: int = 3, seed: int = 0):
    """a and b (n, d), where one coordinate of each has correlation 0.8; and I(A;B) in bits."""
    covariance = paired_covariance(d)
    rows = np.random.default_rng(seed).multivariate_normal(np.zeros(2 * d), covariance, n)
    return rows[:, :d], rows[:, d:], BIT * normal_information(covariance, d)


def some_mixture(seed: int = 0, d: int = 3, n: int = 2):
    """A mixture, with its weights, means and covariances."""
    rng = np.random.default_rng(seed)
    weights, means = rng.dirichlet(np.full(n, 5)), rng.normal(size=(n, d))
    covariances = invwishart(d + 5, np.eye(d)).rvs(n, random_state=rng)
    roots = np.linalg.inv(np.linalg.cholesky(covariances)).mT
    labels = rng.dirichlet(np.ones(2), n)
    return posterior.Mixture(np.log(weights), means, roots, labels), weights, means, covariances


def test_densities_of_a_mixture_and_of_its_margins_are_those_of_scipy():
    mixture, weights, means, covariances = some_mixture()
    rows, codes = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20) % 2
    for k, of_label in enumerate(mixture.labels):
        normal = multivariate_normal(means[k], covariances[k])
        expected = np.log(weights[k]) + normal.logpdf(rows) + np.log(of_label[codes])
        assert mixture.logs(rows, codes)[:, k] == pytest.approx(expected, abs=EXACT)
        part = multivariate_normal(means[k][1:], covariances[k][1:, 1:])
        expected = np.log(weights[k]) + part.logpdf(rows[:, 1:]) + np.log(of_label[codes])
        margin = mixture.margin(slice(1, None))
        assert margin.logs(rows[:, 1:], codes)[:, k] == pytest.approx(expected, abs=EXACT)


def test_labels_given_a_row_follow_bayes():
    mixture, weights, means, covariances = some_mixture()
    row = np.array([0.3, -0.2, 1.0])
    normals = map(multivariate_normal, means, covariances)
    densities = [normal.pdf(row) for normal in normals]
    joint = (weights * densities) @ mixture.labels
    assert mixture.of_labels(row[None])[0] == pytest.approx(joint / joint.sum(), abs=EXACT)


def test_samples_of_a_mixture_have_its_moments():
    mixture, weights, means, covariances = some_mixture()
    rows, _ = mixture.sample(40_000, np.random.default_rng(2))
    mean = weights @ means
    second = np.einsum("k,kij->ij", weights, covariances + means[:, :, None] * means[:, None])
    apart = rows - mean
    # four standard errors of a mean, and of a second moment, over 40,000 samples
    assert np.abs(rows.mean(0) - mean).max() < 4 * rows.std() / 200
    covariance = second - np.outer(mean, mean)
    assert np.abs(apart.T @ apart / 40_000 - covariance).max() < 4 * apart.std() ** 2 * 2 / 200


def test_draws_of_one_component_have_the_moments_of_their_posterior():
    rows = np.random.default_rng(3).normal(size=(30, 2)) @ np.array([[1, 0.5], [0, 0.7]])
    random, none = np.random.default_rng(4), np.zeros(30, dtype=int)
    gibbs = posterior.Gibbs(rows, none, posterior.maximised(rows, none, 1, random), random)
    draws = [gibbs._parameters() for _ in range(4000)]
    covariances = np.array([np.linalg.inv(m.roots[0] @ m.roots[0].T) for m in draws])
    mean, apart = rows.mean(0), rows - rows.mean(0)
    scale = posterior.SPREAD * np.eye(2) + apart.T @ apart
    scale += posterior.FEW * 30 / (posterior.FEW + 30) * np.outer(mean, mean)
    expected = scale / (2 + 2 + 30 - 2 - 1)  # of an inverse Wishart
    # an element's standard deviation is some 0.3 of it: 4 standard errors over 4,000 draws
    assert covariances.mean(0) == pytest.approx(expected, rel=0.02, abs=0.01)
    means = np.array([m.means[0] for m in draws])
    assert means.mean(0) == pytest.approx(mean * 30 / (30 + posterior.FEW), abs=0.02)
    ratio = np.cov(means.T) / (expected / (30 + posterior.FEW))
    assert np.diag(ratio) == pytest.approx([1, 1], abs=0.1)


def test_the_excess_is_that_of_draws_for_samples_of_a_normal():
    n, d_a, d_b, rng = 60, 2, 3, np.random.default_rng(5)
    found = []
    for _ in range(1000):
        apart = rng.normal(size=(n, 5))
        apart -= apart.mean(0)
        scale = apart.T @ apart + posterior.SPREAD * np.eye(5)
        draw = invwishart(n + 7, scale).rvs(random_state=rng)
        found.append(normal_information(draw, d_a))
    expected = float(bmm.excess(np.array([n]), d_a, d_b)[0])
    # some d_a d_b / n; the prior of 0.1 in 60 moves it by less than a tenth
    assert expected == pytest.approx(6 / 60, rel=0.2)
    error = np.std(found) / math.sqrt(1000)
    assert np.mean(found) == pytest.approx(expected, abs=4 * error + 0.003)


@pytest.mark.parametrize("mapped", [lambda v: v, ndtr, lambda v: v**3])
def test_monotone_maps_of_a_normal_lose_nothing(mapped):
    a, b, bits = paired(1500)
    found = told(mapped(a), mapped(b))
    assert 0.02 < found.stderr < 0.08
    assert found.value == pytest.approx(bits, abs=4 * found.stderr)
    assert found.extra["components"] == 1
    # ranks are the same, up to two values that rounding made one
    assert found.value == pytest.approx(told(a, b).value, abs=1e-6)


def test_the_credible_interval_holds_as_often_as_it_says():
    # 40 data sets: with 95 % of intervals, fewer than 33 has a probability of 1e-3
    inside = 0
    for seed in range(40):
        a, b, bits = paired(300, 2, seed)
        found = told(a, b, n_draws=20, burn_in=2, max_components=1, n_points=500)
        inside += abs(found.value - bits) < 2 * found.stderr
    assert inside >= 33


def test_what_is_independent_has_no_information():
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(800, 4)), rng.exponential(size=(800, 2))
    found = told(a, b)
    assert found.value == pytest.approx(0, abs=4 * found.stderr)
    assert told(a, rng.integers(0, 5, 800)).value == pytest.approx(0, abs=0.02)


def test_two_normals_and_their_labels():
    """I = h(mixture) − h(normal), by quadrature."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 2, 3000)
    a = rng.normal(size=3000) + 2.4 * labels

    def term(t):
        p = (norm.pdf(t) + norm.pdf(t - 2.4)) / 2
        return -p * math.log2(p)

    bits = quad(term, -8, 11)[0] - math.log2(2 * math.pi * math.e) / 2
    found = told(a[:, None], labels)
    assert found.extra["components"] == 2
    # four times the sampling error of 3,000 labels
    assert found.value == pytest.approx(bits, abs=max(4 * found.stderr, 0.05))
    codes = np.array(["one", "two"])[labels]
    for margins in ("normal_scores", "standardised"):  # which change nothing with labels
        assert told(a[:, None], codes, margins=margins).value == found.value


def test_clusters_need_as_many_components():
    rng = np.random.default_rng(8)
    centres = 9 * rng.normal(size=(4, 2))
    cluster = rng.integers(0, 4, 2000)
    a, b = (centres[cluster] + rng.normal(size=(2000, 2)) for _ in range(2))
    found = told(a, b, margins="standardised")
    assert found.extra["components"] == 4
    assert found.value == pytest.approx(2, abs=0.02)  # H of four clusters, far apart
    assert told(a, b, max_components=1).extra["components"] == 1


def test_labels_of_many_clusters_begin_with_one_component_each():
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 6, 1500)
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]])
    a = 12 * corners[labels] + rng.normal(size=(1500, 3))
    found = told(a, labels)
    assert found.extra["components"] == 6  # no power of two
    assert found.value == pytest.approx(math.log2(6), abs=0.05)  # far apart


def test_what_lies_on_a_line_is_flagged():
    a, b, _ = paired(200)
    assert told(a, b).flags == ()
    assert told(a, a[:, :2]).flags == ("degenerate",)
    ties = (a > 0).astype(float)
    assert told(ties, ties + 1).flags == ("degenerate",)


def test_a_seed_gives_the_same_and_another_does_not():
    a, b, _ = paired(300)
    assert told(a, b) == told(a, b)
    assert told(a, b, seed=1).value != told(a, b).value


def test_what_never_varies_has_no_information():
    a, b, _ = paired(50)
    for found in (told(np.ones_like(a), b), told(a, np.zeros(50, dtype=int)), told(a, 0 * b)):
        assert (found.value, found.stderr) == (0, 0)


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="4 samples are too few for a mixture"):
        told(np.ones((4, 1)), np.arange(4.0)[:, None])
