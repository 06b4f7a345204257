"""Mixtures of normals and labels of random networks: truths against integrals and bounds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import entr

from infoplane.information import BIT
from infoplane.truth import coverage, page
from infoplane.truth.joint_mixtures import JointMixtures, bent
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


def test_coverage_of_a_page_is_of_intervals_that_were_given():
    rows = pd.DataFrame(
        {
            "estimator": "ksg",
            "kind": "labels",
            "family": "soft_labels",
            "truth": [1.0, 1.0, 1.0, np.nan],
            "value": 1.1,
            "interval_low": [0.5, 1.01, np.nan, 0.5],
            "interval_high": [1.5, 1.5, np.nan, 1.5],
            "interval_kind": ["calibrated", "calibrated", "none", "calibrated"],
        }
    )
    (found,) = coverage.held(rows).itertuples()
    assert (found.values, found.given, found.inside) == (3, 2, 0.5)
    assert found.width == pytest.approx(0.745)


def test_no_fit_has_seen_the_unseen_problems(monkeypatch):
    monkeypatch.chdir(page.LIBRARY.parents[1])
    families = {problem.family for problem in page.load("unseen").problems.values()}
    assert not families & set(coverage.read().family)
