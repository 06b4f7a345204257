"""Mixtures of normals, noisy functions, labels of random networks: truths against closed forms
and integrals."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import entr

from infoplane.information import BIT
from infoplane.truth import calibrate, coverage, noisy_functions, page, shipped
from infoplane.truth.joint_mixtures import JointMixtures, bent
from infoplane.truth.noisy_functions import NoisyFunctions
from infoplane.truth.soft_labels import SoftLabels


def test_one_normal_has_the_closed_form():
    family = JointMixtures(dimensions=[3], components=[1], separations=[2], correlation=0.6)
    (mixture,) = family.mixtures()
    bits, error = mixture.information()
    assert abs(bits + 3 / 2 * np.log2(1 - 0.36)) < 4 * error < 0.02


def test_mixture_agrees_with_an_integral():
    family = JointMixtures(dimensions=[1], components=[3], separations=[2])
    (mixture,) = family.mixtures()
    side = np.linspace(-12, 12, 1201)
    a, b = np.meshgrid(side, side, indexing="ij")
    p = np.zeros_like(a)
    for (m, n), (rho,) in zip(mixture.centres[:, :, 0], mixture.rho, strict=True):
        p += stats.multivariate_normal([m, n], [[1, rho], [rho, 1]]).pdf(np.stack([a, b], -1))
    p /= p.sum()
    entropies = (entr(part).sum() for part in (p.sum(axis=0), p.sum(axis=1), p))
    of_a, of_b, of_both = entropies
    bits, error = mixture.information()
    assert abs(bits - BIT * (of_a + of_b - of_both)) < 4 * error


def test_draws_follow_the_density():
    """E p(a) p(b) / p(a, b) is 1 over draws of A and B."""
    family = JointMixtures(dimensions=[2], components=[2], separations=[1], correlation=0.5)
    (mixture,) = family.mixtures()
    ratio = 2 ** -mixture.log_ratio(*mixture.draw(20_000, np.random.default_rng(0)))
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))


def test_a_bend_is_one_to_one():
    """The slope of x + bend · W tanh(W x) / ‖W‖² is a symmetric matrix with eigenvalues above
    1 − bend."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 3))
    weights = 5 * (weights + weights.T)
    points, step = rng.standard_normal((50, 3)), 1e-6
    slopes = [
        (bent(points + step * e, 0.9, weights) - bent(points - step * e, 0.9, weights))
        for e in np.eye(3)
    ]
    eigenvalues = np.linalg.eigvals(np.stack(slopes, axis=-1) / (2 * step))
    assert eigenvalues.real.min() > 0.1
    assert np.abs(eigenvalues - 1).max() > 0.3


def test_bent_tasks_have_other_draws_and_the_same_truth():
    family = JointMixtures(dimensions=[2], components=[2], separations=[1], bends=[0, 0.9])
    plain, changed = family.tasks(family.prepare())
    assert plain.truth == changed.truth > 0.5
    assert plain.name != changed.name
    assert not np.allclose(plain.draw(50, 0).pair.a, changed.draw(50, 0).pair.a)


@pytest.fixture
def fewer_draws(monkeypatch):
    monkeypatch.setattr(noisy_functions, "CENTRES", 10_000)
    monkeypatch.setattr(noisy_functions, "DRAWS", 4_000)


def test_a_nearly_linear_function_has_the_closed_form(fewer_draws):
    family = NoisyFunctions(dimensions=[3], outputs=[2], sigmas=[0.5], sharpness=[0.01])
    (function,) = family.functions()
    slopes = function.second @ function.first
    determinant = np.linalg.det(np.eye(2) + slopes @ slopes.T / 0.25)
    bits, error = function.information()
    assert abs(bits - np.log2(determinant) / 2) < 4 * error < 0.1


def test_a_noisy_function_agrees_with_an_integral(fewer_draws):
    family = NoisyFunctions(dimensions=[1], outputs=[1], sigmas=[0.3], sharpness=[4])
    (function,) = family.functions()
    a = np.linspace(-6, 6, 2001)
    clean = function.clean(a[:, None])[:, 0]
    b = np.linspace(clean.min() - 3, clean.max() + 3, 2001)
    weights = stats.norm.pdf(a) / stats.norm.pdf(a).sum()
    p = weights @ stats.norm.pdf(b[None, :], clean[:, None], 0.3)
    of_b = entr(p).sum() * (b[1] - b[0])
    expected = BIT * (of_b - stats.norm(scale=0.3).entropy())
    bits, error = function.information()
    assert abs(bits - expected) < 4 * error < 0.1


def test_outputs_of_functions_have_about_one_variance():
    for function in NoisyFunctions(dimensions=[3], outputs=[3], sigmas=[1]).functions():
        clean = function.clean(np.random.default_rng(0).standard_normal((4000, 3)))
        assert clean.std(axis=0) == pytest.approx(1, abs=0.1)


def test_labels_agree_with_an_integral():
    (network,) = SoftLabels(dimensions=[1], classes=[4], sharpness=[3]).networks()
    nodes = np.linspace(-8, 8, 4001)
    weights = stats.norm.pdf(nodes)
    weights /= weights.sum()
    p = network.probabilities(nodes[:, None])
    expected = BIT * (entr(weights @ p).sum() - weights @ entr(p).sum(axis=1))
    bits, error = network.information()
    assert abs(bits - expected) < 4 * error < 0.01


def test_labels_without_sharpness_are_chance():
    (network,) = SoftLabels(dimensions=[2], classes=[3], sharpness=[0]).networks()
    assert network.information() == pytest.approx((0, 0), abs=1e-9)


def test_labels_are_drawn_by_their_probabilities():
    (network,) = SoftLabels(dimensions=[3], classes=[5], sharpness=[3]).networks()
    a, b = network.draw(40_000, np.random.default_rng(0))
    p = network.probabilities(a)
    drawn = np.bincount(b, minlength=5)
    spread = np.sqrt((p * (1 - p)).sum(axis=0))
    assert (np.abs(drawn - p.sum(axis=0)) < 4 * spread).all()


def test_coverage_of_a_page_is_that_of_the_intervals_that_ship():
    """With the truth at each end of an interval, beyond it, and where no interval is given."""
    errors = shipped.read(shipped.ERRORS)
    own = (errors.estimator == "ksg") & (errors.family == "mixtures") & (errors.n == 1000)
    errors = errors[own & (errors.d_a < 10)].assign(family="mine")
    (before,) = calibrate.held(errors).itertuples()
    assert before.given == before.values > 10 and before.inside == 1
    moved = errors.assign(truth=errors.highest + before.width + 1)
    (beyond,) = calibrate.held(moved).itertuples()
    assert (beyond.given, beyond.inside) == (before.given, 0)
    (few,) = calibrate.held(errors.assign(n=500)).itertuples()
    assert (few.values, few.given) == (before.values, 0)


def test_a_page_whose_truths_are_not_known_has_no_coverage():
    errors = shipped.read(shipped.ERRORS).assign(truth=np.nan)
    assert calibrate.held(errors).empty


def test_no_fit_has_seen_the_unseen_problems(monkeypatch):
    monkeypatch.chdir(page.LIBRARY.parents[1])
    families = {problem.family for problem in page.load("unseen").problems.values()}
    assert not families & set(coverage.read().family)
