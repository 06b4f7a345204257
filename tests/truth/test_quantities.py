"""Truths of other quantities than I(A;B): bins, noise and projections, each against a
computation that shares nothing with it."""

import numpy as np
import pytest
import torch

from infoplane.estimators import ESTIMATORS
from infoplane.samples import BIT
from infoplane.truth import gaussians, image_pairs, linear_layers, mixtures, tables
from infoplane.truth.laws import Corners, Grid, Normal, Signs, of_line, of_sign
from infoplane.truth.points import Points, of_patterns
from infoplane.truth.quantities import Truths, components_of, grid


def entropy(codes):
    counts = np.unique(codes, axis=0, return_counts=True)[1] / len(codes)
    return -(counts * np.log2(counts)).sum()


def counted(a, b):
    """Plug-in information of rows of whole numbers."""
    return entropy(a) + entropy(b) - entropy(np.hstack([a, b]))


def grid_of(d, n_bins=5, low=-2.5, high=2.5):
    step = (high - low) / n_bins
    return Grid(np.full(d, low), np.full(d, step), n_bins)


def test_bins_of_normals_are_what_a_large_sample_counts():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((200_000, 1))
    b = 0.8 * a + 0.6 * rng.standard_normal(a.shape)
    law = Normal(np.array([[1, 0.8], [0.8, 1]]), 1)
    bins = grid_of(1)
    # bias (5 − 1)² / 2n nats, standard deviation some 1 / √n
    assert law.binned(bins, bins).bits == pytest.approx(
        counted(*map(bins.cells, (a, b))), abs=0.01
    )


def test_bins_of_pairs_add_up_and_of_other_normals_are_not_known():
    (one,), (three,) = (
        gaussians.Gaussians(dimensions=[d], information=[truth]).tasks({})
        for d, truth in ((1, 1), (3, 3))
    )
    of_one = one.law.binned(grid_of(1), grid_of(1)).bits
    assert three.law.binned(grid_of(3), grid_of(3)).bits == pytest.approx(3 * of_one, abs=1e-9)
    assert 0.6 < of_one < 1
    dense = Normal(0.5 + 0.5 * np.eye(4), 2)
    assert dense.binned(grid_of(2), grid_of(2)) is None


def test_many_bins_of_a_normal_say_nearly_all_of_it():
    law = Normal(np.array([[1, 0.8], [0.8, 1]]), 1)
    fine = grid_of(1, 400, -6, 6)
    assert law.binned(fine, fine).bits == pytest.approx(-np.log2(0.6), abs=1e-3)


def test_projections_of_normals():
    """In one dimension the information itself; else the mean over directions drawn anew."""
    (one,) = gaussians.Gaussians(dimensions=[1], information=[2]).tasks({})
    assert one.law.sliced().bits == pytest.approx(2, abs=1e-9)
    covariance = np.eye(4)
    covariance[0, 2] = covariance[2, 0] = 0.9
    covariance *= np.outer(*[[1, 5, 2, 1]] * 2)  # scales do not matter
    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, (2, 100_000))
    rho = 0.9 * np.cos(angles[0]) * np.cos(angles[1])
    found = Normal(covariance, 2).sliced()
    assert abs(found.bits + 0.5 * BIT * np.log1p(-(rho**2)).mean()) < 4 * found.error
    assert found.error < 0.01


def test_signs_under_projections():
    (layer,) = linear_layers.LinearLayers(dense=[(1, 3)], maps=[], scales=[1.0]).layers()
    with_y = layer.tasks()[1]
    assert with_y.law.sliced().bits == pytest.approx(with_y.truth, abs=1e-4)
    assert of_sign(0.0) == pytest.approx(0, abs=1e-12)
    two = Signs(np.eye(2), np.array([0.9, 0.0]))
    angles = np.linspace(0, np.pi, 400, endpoint=False)
    mean = np.mean([of_sign((0.9 * np.cos(x)) ** 2) for x in angles])
    assert abs(two.sliced().bits - mean) < 4 * two.sliced().error


def test_corners_with_bins_noise_and_projections():
    (task,) = mixtures.Mixtures(dimensions=[2], label_bits=[1], shares=[0.5]).tasks({})
    pair = task.draw(100_000, 0).pair
    bins = grid_of(2)
    cells = bins.cells(pair.a.numpy())
    plug_in = counted(cells[:, :1], pair.b[:, None].numpy())
    assert task.law.binned(bins, None).bits == pytest.approx(plug_in, abs=0.005)
    ends = np.array([-0.5, 0.5]) * task.law.edge
    assert task.law.with_noise(0.7, 0).bits == pytest.approx(of_line(ends, 1.7**0.5), abs=1e-6)
    alone = Corners(task.law.edge, 1, 1, task.law.of_bit)
    assert alone.sliced().bits == pytest.approx(0.5, abs=1e-6)


def test_maps_of_normals_and_of_corners():
    """A map of full rank changes nothing, one coordinate knows what it knows alone."""
    rng = np.random.default_rng(0)
    covariance = np.eye(5)
    covariance[0, 3] = covariance[3, 0] = 0.8
    covariance[1, 4] = covariance[4, 1] = 0.6
    law = Normal(covariance, 3)
    assert law.mapped(np.eye(3)[:, :1]).bits == pytest.approx(-np.log2(0.6))
    mixed = law.mapped(rng.standard_normal((3, 3))).bits
    assert mixed == pytest.approx(-np.log2(0.6) - np.log2(0.8))

    signs = Signs(np.eye(3), np.array([0.6, 0.7, 0.0]))
    assert signs.mapped(np.eye(3)[:, :1]).bits == pytest.approx(of_sign(0.36))
    assert signs.mapped(rng.standard_normal((3, 3))).bits == pytest.approx(of_sign(0.85))

    (task,) = mixtures.Mixtures(dimensions=[5], label_bits=[3], shares=[0.5]).tasks({})
    whole = task.law.mapped(rng.standard_normal((5, 5)))
    assert abs(whole.bits - 1.5) < 4 * whole.error < 0.04
    two = task.law.mapped(np.eye(5)[:, 1:4])  # two of three bits
    assert abs(two.bits - 1.0) < 4 * two.error


def test_components_of_compressed_have_a_truth_of_their_own():
    """Of twenty dimensions four components know less than all: as much as a Gaussian channel of
    theirs, found from a sample of a thousand times as many."""
    estimator = ESTIMATORS["compressed"]()
    (task,) = mixtures.Mixtures(dimensions=[20], label_bits=[1], shares=[0.95]).tasks({})
    draw = task.draw(500, 0)
    known = Truths().of(estimator, task, draw)
    of_a = components_of(draw.pair.a, estimator.settings)
    pair = task.draw(100_000, 1).pair
    t = pair.a.double().numpy() @ of_a
    apart = t[pair.b == 1].mean(axis=0) - t[pair.b == 0].mean(axis=0)
    edge = np.sqrt(apart @ np.linalg.solve(np.cov(t[pair.b == 1].T), apart))
    assert known.bits == pytest.approx(mixtures.information_of_bit(edge), abs=0.02)
    assert known.bits < task.truth - 0.001
    # heavy tails are no linear map, and no law says what a trained code keeps
    (wide,) = gaussians.Gaussians(dimensions=[5], information=[1]).tasks({})
    assert Truths().of(estimator, wide, wide.draw(100, 0)) is None
    few = tables.Tables(shapes=[[4, 4]], strengths=[0.7], dimensions=[5]).tasks({})[0]
    found = Truths().of(estimator, few, few.draw(500, 0))
    assert found.bits == pytest.approx(few.truth)
    assert (
        components_of(
            torch.from_numpy(few.draw(500, 0).pair.a.numpy() ** 99), estimator.settings
        )
        is None
    )


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 1)), np.arange(60) % 3


def test_points_with_noise_and_along_lines(points):
    """On a line, the Monte Carlo of densities and the integral say the same."""
    t, y = points
    x = np.arange(60.0)[:, None] * 100
    for b in (x, y):
        law = of_patterns(t, b, 0.3)
        found = law.with_noise(0.0, 1e-6)
        assert abs(found.bits - law.sliced().bits) < 4 * found.error
    assert of_patterns(t, x, 0.3).sliced().bits == pytest.approx(
        of_line(t[:, 0], 0.3), abs=1e-3
    )


def test_points_under_a_map():
    """A rotation changes nothing, noise included; what falls on one point is one."""
    rng = np.random.default_rng(0)
    t, y = rng.standard_normal((60, 3)), np.arange(60) % 3
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    law = of_patterns(t, y, 0.3)
    one, other = law.with_noise(0.0, 0.0), law.mapped(4 * turn)
    assert abs(one.bits - other.bits) < 4 * one.error < 0.2
    assert law.mapped(turn[:, :1]).bits < one.bits - 0.2
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    xor = of_patterns(square, np.array([0, 1, 2, 3]))
    assert xor.mapped(np.eye(2)).bits == pytest.approx(2)
    assert xor.mapped(np.eye(2)[:, :1]).bits == pytest.approx(1)


def test_points_in_bins(points):
    t, y = points
    bins = grid_of(1)
    for b, codes in ((t, bins.cells(t)), (y, y[:, None])):
        law = of_patterns(t, b)
        other = bins if b is t else None
        assert law.binned(bins, other).bits == pytest.approx(counted(bins.cells(t), codes))
    noisy = of_patterns(t, y, 0.3).binned(bins, None)
    rng = np.random.default_rng(1)
    at = np.tile(np.arange(60), 2000)
    drawn = bins.cells(t[at] + 0.3 * rng.standard_normal((len(at), 1)))
    assert abs(noisy.bits - counted(drawn, y[at][:, None])) < 4 * noisy.error
    assert noisy.error < 0.02


def test_tables_and_images_keep_their_classes():
    (task,) = (
        t
        for t in tables.Tables(shapes=[[4, 4]], strengths=[0.7], dimensions=[5]).tasks({})
        if t.kind == "continuous"
    )
    fine = grid_of(5, 2000, -6, 6)
    assert task.law.binned(fine, fine).bits == pytest.approx(task.truth, abs=1e-9)
    assert task.law.sliced().bits == pytest.approx(task.truth, abs=1e-9)
    assert task.law.binned(grid_of(5, 2), grid_of(5, 2)).bits < task.truth
    near = task.law.with_noise(1e-8, 1e-8)
    assert abs(near.bits - task.truth) < 4 * near.error
    assert task.law.with_noise(1e4, 1e4).bits == pytest.approx(0, abs=0.01)

    rng = np.random.default_rng(0)
    images = rng.random((40, 6)).astype(np.float32)
    by_class = [np.arange(20), np.arange(20, 40)]
    two = {t.kind: t for t in image_pairs._tasks(images, by_class, 0.5, ())}
    for kind, other in (("continuous", grid_of(6, 3000, 0, 1)), ("labels", None)):
        known = two[kind].law.binned(grid_of(6, 3000, 0, 1), other)
        assert known.bits == pytest.approx(0.5, abs=1e-9)


def test_classes_that_share_a_bin_lose_what_tells_them_apart():
    """Two of three classes lie in one bin: what is left is the information of the other."""
    law = Points(np.array([[0.0], [0.1], [1.0]]), np.arange(3), np.eye(3) / 3)
    h = -(1 / 3) * np.log2(1 / 3) - (2 / 3) * np.log2(2 / 3)
    assert law.binned(grid_of(1, 2, 0, 1), None).bits == pytest.approx(h)


@pytest.mark.parametrize("name, settings", [("binned", {}), ("kde", {"noise_variance": 0.3})])
def test_large_samples_say_what_laws_say(name, settings):
    (task,) = gaussians.Gaussians(dimensions=[1], information=[1]).tasks({})
    draw = task.draw(500, 0)
    estimator = ESTIMATORS[name](**settings)
    by_law = Truths().of(estimator, task, draw)
    object.__setattr__(task, "law", None)
    by_sample = Truths().of(estimator, task, draw)
    assert by_sample.bits == pytest.approx(by_law.bits, abs=0.01)
    assert 0.1 < by_law.bits < 1


def test_what_is_not_known_is_none():
    (task,) = gaussians.Gaussians(dimensions=[2], information=[1]).tasks({})
    draw = task.draw(50, 0)
    for name, settings in (
        ("renyi", {}),
        ("sliced", {"dimensions": 2}),
        ("binned", {"binning": "equal_mass"}),
        ("binned", {"width": 0.1}),
    ):
        assert Truths().of(ESTIMATORS[name](**settings), task, draw) is None
    assert Truths().of(ESTIMATORS["ksg"](), task, draw).bits == 1


def test_grid_has_the_bins_of_the_estimator():
    (task,) = mixtures.Mixtures(dimensions=[3], label_bits=[1], shares=[0.5]).tasks({})
    pair = task.draw(300, 0).pair
    for settings in (
        {},
        {"n_bins": 7, "range": "unit"},
        {"range": "fixed", "low": -1.0, "high": 2.0},
    ):
        estimator = ESTIMATORS["binned"](**settings)
        cells = grid(pair.a.numpy(), estimator.settings).cells(pair.a.double().numpy())
        value = estimator.session().between([pair])[0].value
        if settings.get("range") == "fixed":  # the estimator has bins beyond, the law ends
            assert counted(cells, pair.b[:, None].numpy()) <= value + 1e-9
        else:
            assert counted(cells, pair.b[:, None].numpy()) == pytest.approx(value, abs=0.02)
