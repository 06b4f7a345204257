import math

import numpy as np
import pytest
import torch

from infoplane.estimators import ksg, sliced
from infoplane.estimators.kernels import neighbours, scaled
from infoplane.samples import BIT, Pair

ROUNDING = 1e-9
"""bit: the same float64 terms in another order."""


def between(a, b, n_draws=1, **options):
    pair = Pair.of(a, b)
    pair = Pair(pair.a, pair.b, "layer T", n_draws)
    return sliced.Sliced(**options).between(pair)


def normals(n, d, rho, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    return a, rho * a + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def truth_of_normals(d, rho, n_slices=10**6):
    """The truth in bits: the mean of −½ log2(1 − ρ(θ, φ)²) over directions, because the slices
    θ·A and φ·B are normal with correlation ρ θ·φ. Over 10⁶ directions its error is < 0.001."""
    rng = np.random.default_rng(0)
    theta, phi = rng.standard_normal((2, n_slices, d))
    cosines = (theta * phi).sum(1) / np.linalg.norm(theta, axis=1) / np.linalg.norm(phi, axis=1)
    return float(np.mean(-0.5 * np.log2(1 - (rho * cosines) ** 2)))


@pytest.mark.parametrize("d, rho", [(2, 0.9), (3, 0.99), (10, 0.9)])
def test_sliced_finds_the_mean_over_the_slices_of_normals(d, rho):
    record = between(*normals(2000, d, rho), n_projections=200)
    # Four standard errors; and .01 bit, the bias of 2000 samples in a plane.
    assert abs(record.value - truth_of_normals(d, rho)) < 4 * record.stderr + 0.01
    assert record.stderr < 0.06


def test_independent_variables_share_nothing():
    rng = np.random.default_rng(0)
    record = between(rng.standard_normal((2000, 6)), rng.standard_normal((2000, 4)))
    assert abs(record.value) < 4 * record.stderr
    y = rng.integers(4, size=2000)
    record = between(rng.standard_normal((2000, 6)), y)
    assert abs(record.value) < 4 * record.stderr


@pytest.mark.parametrize("labelled", [False, True])
def test_one_dimension_is_ksg_itself(labelled):
    a, b = normals(500, 1, 0.8)
    b = (b[:, 0] > 0).astype(int) if labelled else b
    pair = Pair.of(a, b)
    expected = ksg.KSG().between(pair)
    record = between(a, b, n_projections=3)
    assert record.value == pytest.approx(expected.value, abs=ROUNDING)
    assert record.stderr == pytest.approx(expected.stderr, abs=ROUNDING)
    assert record.cap == expected.cap


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("device", ["compiled", "torch"])
def test_sliced_is_the_mean_of_the_slices(monkeypatch, device, labelled, dimensions):
    monkeypatch.setattr(neighbours, "in_torch", lambda rows: device == "torch")
    a, b = normals(300, 3, 0.8)
    b = (b[:, 0] > 0.5).astype(int) if labelled else b
    settings = sliced.SlicedSettings(n_projections=4, dimensions=dimensions, seed=5)
    record = sliced.Sliced(settings).between(Pair.of(a, b))
    generator = np.random.default_rng(5)
    variables = [a] if labelled else [a, b]
    frames = [sliced._frames(generator, 3, settings).numpy() for _ in variables]
    values = []
    for s in range(4):
        slices = [
            (v - v.mean(0)) / v.std(0) @ f[s] for v, f in zip(variables, frames, strict=True)
        ]
        pair = Pair.of(slices[0], b if labelled else slices[1])
        values.append(ksg.KSG().between(pair).value)
    assert record.value == pytest.approx(np.mean(values), abs=ROUNDING)
    # One part of the error is over projections, the other over samples.
    assert record.stderr > 0.999 * np.std(values, ddof=1) / 2


def test_frames_are_orthonormal_and_of_any_direction():
    settings = sliced.SlicedSettings(n_projections=4000, dimensions=2)
    frames = sliced._frames(np.random.default_rng(0), 3, settings).numpy()
    np.testing.assert_allclose(
        frames.transpose(0, 2, 1) @ frames, np.tile(np.eye(2), (4000, 1, 1)), atol=1e-12
    )
    # Components of a uniform direction in 3 dimensions have mean 0 and variance 1/3; the mean
    # of 4000 is uncertain by .009, their squares' by .005.
    assert np.abs(frames.mean(axis=0)).max() < 0.04
    np.testing.assert_allclose((frames**2).mean(axis=0), 1 / 3, atol=0.02)


def test_stderr_covers_the_choice_of_projections_and_of_samples():
    values = [
        between(*normals(300, 4, 0.95, s), n_projections=16, seed=s).value for s in range(60)
    ]
    said = np.mean(
        [between(*normals(300, 4, 0.95, s), n_projections=16).stderr for s in range(5)]
    )
    # A standard deviation of 60 draws is uncertain by 9 %. Each error includes some of the
    # other's part, so the sum is slightly too large.
    assert 0.7 < said / np.std(values) < 2


def test_blocks_of_slices_change_nothing(monkeypatch):
    a, b = normals(3000, 3, 0.8)
    calls = []
    plain = sliced._projected
    monkeypatch.setattr(sliced, "_projected", lambda *v: calls.append(1) or plain(*v))
    values = [between(a, b, n_projections=10, memory_mb=mb).value for mb in (1, 100)]
    assert len(calls) > 2  # all slices in one block at 100 MB, in several at 1
    assert values[0] == pytest.approx(values[1], abs=ROUNDING)


def test_some_columns_at_a_time_are_those_of_all_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    a = torch.from_numpy(rng.standard_normal((300, 10)))
    b = torch.from_numpy(rng.integers(4, size=(300, 7)) * 1.0)  # ties
    a[:, 2], a[:, 8] = 0.5, torch.from_numpy(rng.standard_cauchy(300))
    labels, kept = torch.from_numpy(rng.integers(3, size=299)), torch.arange(1, 300)
    whole = [scaled.of_one_scale(part[kept]) for part in (a, b)]
    whole = scaled.without_ties(whole, labels, 5)
    monkeypatch.setattr(scaled, "COLUMNS", 3)
    columns = scaled.Columns([a, b], labels, 5, kept)
    assert columns.widths == [9, 7]
    found = [[], []]
    for part, rows in columns:
        assert rows.shape[1] <= 3
        found[part].append(rows)
    for part, expected in zip(found, whole, strict=True):
        torch.testing.assert_close(torch.cat(part, 1), expected, rtol=0, atol=1e-13)


def test_order_changes_nothing_and_seeds_choose_the_slices():
    a, b = normals(400, 3, 0.9)
    order = np.random.default_rng(1).permutation(400)
    options = {"n_projections": 8}
    value = between(a, b, **options).value
    assert between(a[order], b[order], **options).value == pytest.approx(value, abs=ROUNDING)
    assert between(1e5 * a + 3, b, **options).value == pytest.approx(value, abs=ROUNDING)
    assert between(a, b, **options, seed=1).value != value


def test_a_map_may_make_it_grow():
    """A map raises the value: sliced information is exempt from the data processing
    inequality."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((1000, 10))
    y = (a[:, 0] > 0).astype(int)
    grown = between(a * np.array([100.0] + [0] * 9), y).value
    assert grown > 2 * between(a, y).value
    assert "grow" in sliced.Sliced.exempt_from_dpi


def test_the_cap_is_reached():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(10), 20))
    a = rng.standard_normal((200, 1)) + 1e6 * y[:, None]
    record = between(a, y)
    assert record.value == pytest.approx(record.cap, abs=ROUNDING)
    record = between(a, a.copy())  # each slice is a copy up to its sign
    assert record.value == pytest.approx(record.cap, abs=ROUNDING)


def test_ties_and_many_dimensions_are_measured():
    rng = np.random.default_rng(0)
    record = between(
        rng.integers(2, size=(100, 200)) * 1.0, rng.integers(2, size=(100, 3)) * 1.0
    )
    assert math.isfinite(record.value)
    assert record.cap == pytest.approx(record.cap) and record.cap < math.log(100) * BIT


def test_errors_name_the_place_and_the_reason():
    z = np.random.default_rng(0).standard_normal((5, 2))
    with pytest.raises(ValueError, match=r"layer T: k = 5 .* there are 5"):
        between(z, z, neighbours=5)
    with pytest.raises(ValueError, match="layer T: each of the 5 samples is the only one"):
        between(z, np.arange(5))
