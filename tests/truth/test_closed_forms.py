"""Truths of closed form, each against a computation that shares nothing with it."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad, quad

from infoplane.samples import BIT
from infoplane.truth import (
    beyond_normal,
    gaussians,
    high_information,
    mixtures,
    tables,
    transforms,
)


def of(family, **settings):
    return {task.name: task for task in family(**settings).tasks({})}


def mean_log_ratio(draw, density_ratio):
    """Mean and standard error in bits of log p(a, b) / p(a)p(b) over a draw."""
    terms = BIT * density_ratio(*draw)
    return terms.mean(), terms.std() / np.sqrt(len(terms))


# --- correlated Gaussians


@pytest.mark.parametrize("d, truth", [(1, 0.5), (3, 2.0), (20, 8.0)])
def test_gaussian_information_is_the_mean_log_density_ratio(d, truth):
    task = of(gaussians.Gaussians, dimensions=[d], information=[truth])[f"{d}-d, {truth:g} bit"]
    pair = task.draw(20_000, 0).pair
    rho = gaussians.correlation(d, truth)[0]

    def ratio(a, b):
        both = np.stack([a, b], axis=-1)  # one coordinate after the other: SciPy's densities
        joint = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
        apart = stats.norm.logpdf(a) + stats.norm.logpdf(b)
        return (joint.logpdf(both).reshape(a.shape) - apart).sum(axis=1)

    mean, error = mean_log_ratio((pair.a.numpy(), pair.b.numpy()), ratio)
    assert abs(mean - truth) < 4 * error
    assert error < 0.05


def test_gaussian_samples_have_unit_variance_and_the_correlation():
    pair = (
        of(gaussians.Gaussians, dimensions=[2], information=[1])["2-d, 1 bit"]
        .draw(50_000, 1)
        .pair
    )
    cov = np.cov(np.hstack([pair.a, pair.b]).T)
    rho = np.sqrt(1 - 2**-1.0)
    expected = np.block([[np.eye(2), rho * np.eye(2)], [rho * np.eye(2), np.eye(2)]])
    assert np.abs(cov - expected).max() < 4 * np.sqrt(2 / 50_000)  # sd of a variance


def test_high_correlation_keeps_its_digits():
    rho, rest = gaussians.correlation(1, 20.0)
    assert rest == 2**-20
    assert rho**2 + rest**2 == pytest.approx(1, abs=1e-15)


# --- Gaussian classes


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_information_of_a_bit_is_the_entropy_of_a_mixture(share):
    """h(A) − h(A|B) with h(A) integrated numerically: another integral than the module's."""
    edge = mixtures.edge_of(share)

    def minus_p_log_p(t):
        p = (stats.norm.pdf(t - edge / 2) + stats.norm.pdf(t + edge / 2)) / 2
        return -p * np.log2(p)

    h = quad(minus_p_log_p, -15, 15, limit=200)[0]
    assert h - 0.5 * np.log2(2 * np.pi * np.e) == pytest.approx(share, abs=1e-7)


def test_classes_have_the_information_of_their_corners():
    """Bayes: I = H(B) − H(B|A), the posterior from the densities of all eight classes."""
    task = of(mixtures.Mixtures, dimensions=[5], label_bits=[3], shares=[0.5])[
        "8 classes, 5-d, 1.5 bit"
    ]
    pair = task.draw(20_000, 0).pair
    edge = mixtures.edge_of(0.5)
    corners = ((np.arange(8)[:, None] >> np.arange(3)) & 1) - 0.5
    centres = np.hstack([edge * corners, np.zeros((8, 2))])
    logs = -0.5 * np.square(pair.a.numpy()[:, None] - centres).sum(axis=2)
    posterior = np.exp(logs - logs.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    terms = 3 + np.log2(posterior[np.arange(len(logs)), pair.b.numpy()])
    assert abs(terms.mean() - 1.5) < 4 * terms.std() / np.sqrt(len(terms))
    assert task.truth == 1.5 and task.d_a == 5


def test_no_corner_without_room():
    names = of(mixtures.Mixtures, dimensions=[1, 3], label_bits=[1, 3], shares=[0.5])
    assert list(names) == [
        "2 classes, 1-d, 0.5 bit",
        "2 classes, 3-d, 0.5 bit",
        "8 classes, 3-d, 1.5 bit",
    ]


# --- Beyond Normal

FIELD_NOTES = {  # nats, field-notes section 7
    "Normal 1 × 1": 0.4133,
    "Wiggly 1 × 1": 0.4133,
    "Swiss roll 2 × 1": 0.4133,
    "Additive noise 0.1": 1.7094,
    "Additive noise 0.75": 0.3333,
    "Student 1 × 1 (ν = 1)": 0.2242,
    "Normal 2 × 2 (dense)": 0.2939,
    "Normal 3 × 3 (dense)": 0.4133,
    "Normal 5 × 5 (dense)": 0.5928,
    "Normal 25 × 25 (dense)": 1.2922,
    "Normal 50 × 50 (dense)": 1.6243,
    "Normal 3 × 3 (2-pair)": 1.0217,
    "Spiral of normal CDF 25 × 25 (2-pair)": 1.0217,
    "Student 2 × 2 (ν = 1)": 0.4319,
    "Student 2 × 2 (ν = 2)": 0.1931,
    "Student 3 × 3 (ν = 2)": 0.2909,
    "Student 3 × 3 (ν = 3)": 0.1787,
    "Student 5 × 5 (ν = 2)": 0.4482,
    "Student 5 × 5 (ν = 3)": 0.2985,
}


def test_beyond_normal_has_the_published_truths():
    tasks = of(beyond_normal.BeyondNormal)
    assert len(tasks) == 40
    for name, nats in FIELD_NOTES.items():
        assert tasks[name].truth / BIT == pytest.approx(nats, abs=6e-5), name  # four digits


@pytest.mark.parametrize("name", beyond_normal.NAMES)
def test_every_task_draws_its_dimensions_and_the_same_again(name):
    task = of(beyond_normal.BeyondNormal, tasks=[name])[name]
    first, again, other = (task.draw(300, seed).pair for seed in (3, 3, 4))
    assert first.a.shape == (300, task.d_a) and first.b.shape == (300, task.d_b)
    assert (first.a == again.a).all() and (first.b == again.b).all()
    assert (first.a != other.a).any()
    assert len(np.unique(first.a.numpy(), axis=0)) == 300  # no two points fall together


def test_student_information_is_the_mean_log_density_ratio():
    d, nu = 3, 2
    pair = of(beyond_normal.BeyondNormal)[f"Student {d} × {d} (ν = {nu})"].draw(100_000, 0).pair

    def ratio(a, b):
        joint, one = (stats.multivariate_t(np.zeros(k), df=nu) for k in (2 * d, d))
        return joint.logpdf(np.hstack([a, b])) - one.logpdf(a) - one.logpdf(b)

    mean, error = mean_log_ratio((pair.a.numpy(), pair.b.numpy()), ratio)
    truth = BIT * beyond_normal.student_information(d, d, nu)
    assert abs(mean - truth) < 4 * error
    assert error < 0.01


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.75])
def test_additive_information_is_the_difference_of_entropies(epsilon):
    """h(B) by quadrature of the trapezoid density, h(B|A) = ln 2ε."""

    def density(b):
        return (min(b + epsilon, 1) - max(b - epsilon, 0)) / (2 * epsilon)

    h, _ = quad(
        lambda b: -density(b) * np.log(max(density(b), 1e-300)),
        -epsilon,
        1 + epsilon,
        points=[epsilon, 1 - epsilon],
        limit=400,
    )
    nats = h - np.log(2 * epsilon)
    assert beyond_normal.additive_information(epsilon) == pytest.approx(nats, abs=1e-6)


def test_paired_normal_by_quadrature():
    rho = beyond_normal.PAIRED
    joint = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])

    def integrand(b, a):
        p = joint.pdf([a, b])
        return p * np.log(p / (stats.norm.pdf(a) * stats.norm.pdf(b)))

    one_pair = dblquad(integrand, -5, 5, -5, 5, epsabs=1e-5)[0]
    covariance = beyond_normal.paired_covariance(3)
    assert beyond_normal.normal_information(covariance, 3) == pytest.approx(
        2 * one_pair, abs=1e-3
    )


def test_unknown_task_is_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"no task 'Wigly 1 × 1'.*Did you mean 'Wiggly 1 × 1'"):
        beyond_normal.BeyondNormalSettings(tasks=["Wigly 1 × 1"])


# --- one-to-one maps

LINE = np.linspace(-6, 6, 4001)[:, None]


@pytest.mark.parametrize(
    "increasing",
    [
        transforms.normal_cdf,
        transforms.half_cube,
        transforms.asinh,
        transforms.wiggly_a,
        transforms.wiggly_b,
    ],
)
def test_maps_of_a_line_increase(increasing):
    assert (np.diff(increasing(LINE)[:, 0]) > 0).all()


def test_bimodal_has_its_mixture_as_distribution():
    u = np.linspace(0.001, 0.999, 500)[:, None]
    t = transforms.bimodal(0.3, 0, 5)(u)
    back = 0.3 * stats.norm.cdf(t) + 0.7 * stats.norm.cdf(t - 5)
    assert np.abs(back - u).max() < 1e-12


def test_swiss_roll_is_undone_by_its_radius():
    u = np.linspace(0, 1, 200)[:, None]
    radius = 21 * np.linalg.norm(transforms.swiss_roll(u), axis=1)
    assert np.allclose((radius / (1.5 * np.pi) - 1) / 2, u[:, 0], atol=1e-12)


def test_spiral_is_undone_by_the_opposite_spiral():
    x = np.random.default_rng(0).standard_normal((100, 4))
    turned = transforms.spiral(1, 2, 0.7)(x)
    assert np.abs(turned - x).max() > 0.5
    assert np.allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(x, axis=1))
    assert np.allclose(transforms.spiral(1, 2, -0.7)(turned), x)


# --- high information


def test_high_information_is_that_of_its_pairs_alone():
    shape = high_information.Shape(dimensions=3, pairs=2)
    (task,) = high_information.HighInformation(shapes=[shape], nats=[2.0]).tasks({})
    pair = task.draw(200_000, 0).pair
    both = np.cov(np.hstack([pair.a, pair.b]).T)
    nats = beyond_normal.normal_information(both, 3)
    assert task.truth / BIT == pytest.approx(2.0)
    assert nats == pytest.approx(2.0, abs=0.02)  # sd of a log determinant, 3 · √(2 / n), × 2
    assert abs(both[2, 5]) < 0.01  # the third coordinates are noise: sd 1/√n


def test_more_pairs_than_dimensions_are_refused():
    with pytest.raises(ValueError, match="3 pairs need 3 dimensions, not 2"):
        high_information.Shape(dimensions=2, pairs=3)


# --- tables


def test_table_information_is_that_of_the_joint_counts():
    p = np.array([[0.4, 0.1], [0.1, 0.4]])
    h = -0.2 * np.log2(0.2) - 0.8 * np.log2(0.8)
    assert tables.information(p) == pytest.approx(1 - h, abs=1e-12)
    assert tables.information(np.outer([0.3, 0.7], [0.2, 0.5, 0.3])) == 0.0


def test_tables_are_distributions_that_their_draws_follow():
    for task in of(tables.Tables, shapes=[[4, 3]], strengths=[0.7], dimensions=[2]).values():
        pair = task.draw(100_000, 0).pair
        a = np.unique(pair.a.numpy(), axis=0, return_inverse=True)[1].ravel()
        b = pair.b.numpy()
        b = b if b.ndim == 1 else np.unique(b, axis=0, return_inverse=True)[1].ravel()
        counts = np.histogram2d(a, b, bins=[4, 3])[0]
        # plug-in bias (4 − 1)(3 − 1) / 2n bits and a sd of about 1 bit / √n
        assert tables.information(counts / counts.sum()) == pytest.approx(task.truth, abs=0.015)


def test_independent_tables_have_no_information():
    for task in of(tables.Tables, strengths=[0.0]).values():
        assert task.truth == 0.0
