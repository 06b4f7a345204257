import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infoplane.estimators.kernels import leaves_cpu, pairwise, pairwise_cpu, selection

LITTLE = 10**5
"""bytes, few enough for small blocks and tiles."""


def problem(n, d, scale, dtype=torch.float32):
    generator = torch.Generator().manual_seed(n + d)
    rows = scale * torch.randn((n, d), generator=generator, dtype=dtype)
    classes = np.random.default_rng(n).integers(0, 3, n)
    return rows, np.argsort(classes, kind="stable"), np.bincount(classes)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 30.0, 1e4, 1e9])
@pytest.mark.parametrize("d", [1, 6, 50])
def test_device_path_agrees_with_cpu_path(d, scale):
    rows, order, sizes = problem(300, d, scale)
    for variance in (0.1, scale**2 / 10):
        compiled = pairwise._sums_on_cpu(rows, order, sizes, variance, LITTLE)
        torched = pairwise._sums_on_device(rows, order, sizes, variance, LITTLE)
        # rows are ordered differently within a class: compare sums of each class, sorted
        for part in np.split(np.arange(300), np.cumsum(sizes)[:-1]):
            for one, other in zip(compiled, torched, strict=True):
                np.testing.assert_allclose(
                    np.sort(one[part]), np.sort(other[part]), rtol=5e-5, atol=1e-6
                )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_group_sums_agree_on_device_and_cpu(dtype):
    rows = problem(90, 7, 1.0, dtype)[0].reshape(30, 3, 7)
    compiled = pairwise._group_sums_on_cpu(rows, 0.3)
    torched = pairwise._group_sums_on_device(rows, 0.3, LITTLE)
    np.testing.assert_allclose(compiled, torched, rtol=1e-5)


def test_tiled_products_agree_with_direct_differences():
    rows, order, sizes = problem(700, 40, 2.0)
    centred = pairwise._Centred(rows, order, 0.5, LITTLE)
    assert centred.most_rows < 700
    tiled = pairwise._product_sums(centred, sizes, 0.5, LITTLE)
    direct = pairwise._direct_sums(rows, order, sizes, 0.5, LITTLE)
    np.testing.assert_allclose(np.sort(tiled), np.sort(direct), rtol=5e-5, atol=1e-6)


@given(st.floats(0, 60, width=32))
def test_exponential_is_accurate(x):
    # float32 has x log2 e, about 87, to 2⁻¹⁸: 4e-6 of e^−x, which is then negligible.
    exact = np.exp(-float(x))
    found = pairwise_cpu.exp_minus(np.float32(x))
    assert found == pytest.approx(exact, rel=3e-6 + 1.2e-7 * x)


def test_exponential_of_zero_is_one():
    assert pairwise_cpu.exp_minus(np.float32(0)) == 1


@pytest.mark.parametrize("d", [3, 50])
def test_tiles_cover_each_pair_of_blocks_once(d):
    """The result is the same if all rows fit into memory and if some are centred at a time."""
    rows, order, sizes = problem(1500, d, 1.0)
    blocks = pairwise._blocks(sizes)
    covered = np.zeros((len(blocks), len(blocks)), dtype=int)
    centred = pairwise._Centred(rows, order, 1 / 8, LITTLE)
    scaled = (rows - rows.mean(dim=0))[order]
    for (a, b, c, d), products in pairwise._tiles(centred, blocks, LITTLE):
        covered[a:b, c:d] += 1
        left = scaled[blocks[a, 0] : blocks[b - 1, 1]]
        right = scaled[blocks[c, 0] : blocks[d - 1, 1]]
        np.testing.assert_allclose(products, left @ right.T, atol=1e-4)
    assert (covered[np.triu_indices(len(blocks))] == 1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.03, 1.0])
@pytest.mark.parametrize("d", [2, 5, 16, 35])
@pytest.mark.parametrize("n", [4, 67, 300])
def test_direct_sums_are_those_of_all_pairs(n, d, scale, dtype):
    rows, order, sizes = problem(n, d, scale, dtype)
    found = pairwise._direct_sums(rows, order, sizes, 0.01, LITTLE)
    squares = (torch.cdist(rows.double(), rows.double()) ** 2).numpy()[order][:, order]
    same = np.repeat(np.arange(len(sizes)), sizes)
    same = same[:, None] == same
    # within a class the rows have another order: sums of each class, sorted
    ends = np.cumsum(sizes)[:-1]
    for kind, of in enumerate((same, ~same)):
        for upper, width in enumerate((0.08, 0.02)):
            expected = (np.exp(-squares / width) * of).sum(axis=1)
            sums = found[2 * kind + upper]
            for one, other in zip(np.split(sums, ends), np.split(expected, ends), strict=True):
                np.testing.assert_allclose(np.sort(one), np.sort(other), rtol=5e-5, atol=1e-6)


def test_shares_fit_into_the_memory(monkeypatch):
    rows, order, sizes = problem(20_000, 2, 1.0)
    shares, each = [], pairwise.each

    def counted(run, n):
        shares.append(n)
        each(run, n)

    monkeypatch.setattr(pairwise, "each", counted)
    found = [pairwise._direct_sums(rows, order, sizes, 1e-4, m) for m in (10**7, 10**9)]
    _, few, _, many = shares  # each call splits the classes first
    own = 4 * 8 * 20_000
    assert few * own <= 10**7 / 2 < (few + 1) * own * 1.1
    assert many > few
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80), st.data())
def test_rows_are_parted_at_a_position(values, data):
    n = len(values)
    rows = np.array(values, np.float32)[:, None]
    a = data.draw(st.integers(0, n - 1))
    b = data.draw(st.integers(a + 1, n))
    middle = data.draw(st.integers(a, b))
    before = np.random.default_rng(n).permutation(n)
    order = before.copy()
    selection.part(rows, order, a, b, middle, 0)
    np.testing.assert_array_equal(np.sort(order[a:b]), np.sort(before[a:b]))
    np.testing.assert_array_equal(np.delete(order, range(a, b)), np.delete(before, range(a, b)))
    ranked = rows[order[a:b], 0]
    if a < middle < b:
        assert ranked[: middle - a].max() <= ranked[middle - a :].min()


def test_leaves_in_space_keep_classes_and_rows():
    rows, order, sizes = problem(2000, 3, 1.0)
    found, blocks = pairwise._leaves_in_space(rows.numpy(), order, sizes)
    np.testing.assert_array_equal(np.sort(found), np.arange(2000))
    np.testing.assert_array_equal(blocks[1:, 0], blocks[:-1, 1])
    lengths = blocks[:, 1] - blocks[:, 0]
    assert 0 < lengths.min() <= lengths.max() <= leaves_cpu.LEAF
    np.testing.assert_array_equal(np.bincount(blocks[:, 2], lengths), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for a, b in itertools.pairwise(starts):
        np.testing.assert_array_equal(np.sort(found[a:b]), np.sort(order[a:b]))


def on_a_line(spans, dtype):
    """Rows on a line in three units, close together in one class and wide in another."""
    random = np.random.default_rng(0)
    places = np.concatenate([span * random.random(400) for span in spans])
    rows = np.array([3.0, -1.0, 2.0]) + places[:, None] * np.array([0.6, 0.0, -0.8])
    classes = np.repeat([0, 1], 400)[random.permutation(800)]
    order = np.argsort(classes, kind="stable")
    return torch.tensor(rows, dtype=dtype), order, np.array([400, 400])


@pytest.mark.parametrize("spans", [(0, 0), (1e-4, 3), (2, 2), (30, 5)])
def test_rows_on_a_line_take_no_pairs_and_have_the_same_sums(spans):
    rows, order, sizes = on_a_line(spans, torch.float64)
    found = pairwise._line_sums(rows, order, sizes, 0.25)
    ordered = rows[order].numpy()
    squares = ((ordered[:, None] - ordered) ** 2).sum(-1)
    same = np.kron(np.eye(2), np.ones((400, 400))) > 0
    for kind, variance in enumerate((1.0, 0.25)):
        kernel = np.exp(-squares / (2 * variance))
        np.testing.assert_allclose(found[kind], (kernel * same).sum(1), rtol=1e-9)
        across = (kernel * ~same).sum(1)
        np.testing.assert_allclose(found[kind + 2], across, rtol=1e-9, atol=1e-9)


def test_only_rows_close_on_a_line_are_put_there():
    rows, order, sizes = on_a_line((2, 2), torch.float32)
    assert pairwise._line_sums(rows, order, sizes, 0.25) is not None
    rows[700, 1] += 1e-3
    assert pairwise._line_sums(rows, order, sizes, 0.25) is None
    far = on_a_line((2, 1e6), torch.float32)
    assert pairwise._line_sums(*far, 0.25) is None


def test_far_blocks_are_skipped_and_not_missed():
    # Two clusters 5σ·√8 apart, and one that is far from every other block.
    rows = torch.randn((900, 2), generator=torch.Generator().manual_seed(0))
    rows[300:600] += 14
    rows[600:] += 1e4
    order, sizes = np.arange(900), np.array([450, 450])
    skipping = pairwise._direct_sums(rows, order, sizes, 1.0, LITTLE)
    whole = np.exp(-(torch.cdist(rows.double(), rows.double()) ** 2).numpy() / 8).sum(1)
    found = np.sort(skipping[0] + skipping[2])
    np.testing.assert_allclose(found, np.sort(whole), rtol=4e-6)
