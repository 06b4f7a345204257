import numba
import numpy as np
import pytest
import torch

from infoplane.estimators.kernels import counting
from infoplane.estimators.kernels.counting_cpu import TX, TY, T
from infoplane.estimators.kernels.row_codes_cpu import Digits


@pytest.fixture
def batch():
    """Six float32 samples (200, 3, 5) as one tensor, and their labels."""
    rng = np.random.default_rng(0)
    samples = torch.from_numpy(rng.normal(size=(6, 200, 3, 5)).astype("f4"))
    return samples, rng.integers(0, 4, (6, 200))


def grids():
    """Grids: values inside a range, values beyond it, and bins of a given width."""
    return [
        counting.Grid.of_range(-4, 4, 6, (6, 5)),
        counting.Grid.of_range(-0.5, np.linspace(0, 1, 5), 3, (6, 5)),
        counting.Grid.of_width(0.7, (6, 5)),
    ]


@pytest.mark.parametrize("grid", grids(), ids=["inside", "beyond", "width"])
def test_torch_path_counts_what_the_compiled_path_counts(batch, grid):
    samples, labels = batch
    compiled = counting.tally_grid(samples, labels, grid)
    found = counting.Tallies.empty(6, 200, 3)
    for i, t in enumerate(samples):
        hashes = counting.hashes_on_device(
            t, grid.low[i], grid.high[i], grid.step[i], grid.n_bins
        )
        counting.tally_on_device(hashes, labels[i], found, i)
    np.testing.assert_array_equal(compiled.n_codes, found.n_codes)
    # the compiled sums are in multiples of 2⁻³⁰; each code may be off by half of one
    np.testing.assert_allclose(compiled.weighted, found.weighted, atol=600 * 2.0**-31)


def test_hashes_differ_exactly_where_codes_do(batch):
    t = batch[0][0]
    low, high, step, n_bins, _ = counting.Grid.of_range(-2, 2, 3, (1, 5))
    hashes = counting.hashes_on_device(t, low[0], high[0], step[0], n_bins).numpy().ravel()
    codes = np.floor((t.numpy().reshape(-1, 5).astype("f8") + 2) / (4 / 3))
    _, of_codes = np.unique(codes, axis=0, return_inverse=True)
    pairs = {*zip(of_codes.tolist(), hashes.tolist(), strict=True)}
    assert len(pairs) == len({*of_codes.tolist()}) == len({*hashes.tolist()})


def test_hashes_of_all_small_codes_do_not_collide():
    # All 4⁸ rows of 8 codes: structured keys are where a weak hash would fail.
    axes = np.meshgrid(*[np.arange(4)] * 8, indexing="ij")
    t = torch.from_numpy(np.stack(axes, axis=-1).reshape(-1, 1, 8).astype("f4"))
    grid = counting.Grid.of_width(1, (1, 8))
    tallies = counting.tally_grid(t[None], np.zeros((1, 4**8), dtype=np.int64), grid)
    assert tallies.n_codes[0, T] == 4**8


@pytest.mark.parametrize("n_classes", [3, 100])
@pytest.mark.parametrize("n_draws", [1, 2])
@pytest.mark.parametrize("n_levels", [1, 4, 1000])
def test_many_rows_are_counted_part_by_part(n_levels, n_draws, n_classes):
    random = np.random.default_rng(n_levels)
    t = random.integers(-n_levels // 2, n_levels // 2, (2, 30_000 // n_draws, n_draws, 3))
    labels = random.integers(0, n_classes, (2, t.shape[1]))
    found = counting.tally_rows(torch.from_numpy(t.astype("f4")), labels)
    for i in range(2):
        of = {T: t[i], TY: np.repeat(labels[i], n_draws), TX: np.arange(30_000) // n_draws}
        for column, beside in of.items():
            rows = t[i].reshape(-1, 3)
            if column != T:
                rows = np.column_stack([rows, beside])
            counts = np.unique(rows, axis=0, return_counts=True)[1]
            assert found.n_codes[i, column] == len(counts)
            weighted = (counts * np.log2(counts)).sum()
            assert found.weighted[i, column] == pytest.approx(weighted, abs=1e-4)


def test_bin_numbers_far_out_are_told_apart():
    far = np.array([2**51 - 1, 2**51 - 2, -(2**51) + 1, 0, 1.0])
    t = torch.from_numpy(far.reshape(1, 5, 1, 1))
    grid = counting.Grid.of_width(1, (1, 1))
    grid = grid.holding(np.array([[far.min()]]), np.array([[far.max()]]), ["here"])
    assert counting.tally_grid(t, np.zeros((1, 5), int), grid).n_codes[0, T] == 5
    with pytest.raises(ValueError, match=r"here: .* bin number 2\.25e"):
        grid.holding(np.array([[0.0]]), np.array([[2.0**51]]), ["here"])


def test_counts_do_not_depend_on_threads(batch):
    samples, labels = batch
    before = numba.get_num_threads()
    found = []
    for n_threads in {1, min(2, numba.config.NUMBA_NUM_THREADS)}:
        numba.set_num_threads(n_threads)
        found.append(counting.tally_grid(samples, labels, grids()[0]))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0].weighted, found[-1].weighted)


def test_quantile_edges_are_numpy_quantiles():
    values = np.random.default_rng(1).normal(size=101)
    edges = counting.quantile_edges(torch.from_numpy(values), 7)
    np.testing.assert_allclose(edges, np.quantile(values, np.arange(1, 7) / 7), rtol=1e-12)


def test_ranges_of_units_and_layers(batch):
    rows = [t.reshape(-1, 5) for t in batch[0]]
    low, high = counting.ranges(batch[0], per_unit=True)
    np.testing.assert_array_equal(low, np.stack([t.amin(0) for t in rows]))
    np.testing.assert_array_equal(high, np.stack([t.amax(0) for t in rows]))
    low, high = counting.ranges(batch[0], per_unit=False)
    np.testing.assert_array_equal(low[:, 0], [float(t.min()) for t in rows])
    np.testing.assert_array_equal(high[:, 0], [float(t.max()) for t in rows])


def test_stacked_is_a_view_where_samples_lie_one_after_the_other():
    whole = torch.arange(24.0).reshape(4, 3, 2)
    view = counting.stacked(list(whole))
    assert view.data_ptr() == whole.data_ptr() and torch.equal(view, whole)
    for parts in ([whole[2], whole[1]], [whole[0], whole[2]], [whole[0].T, whole[1].T]):
        assert torch.equal(counting.stacked(parts), torch.stack(parts))


def test_labels_of_all_samples_may_be_given_once(batch):
    samples, labels = batch
    once = counting.tally_grid(samples, labels[:1], grids()[0])
    each = counting.tally_grid(samples, np.repeat(labels[:1], 6, axis=0), grids()[0])
    np.testing.assert_array_equal(once.weighted, each.weighted)


@pytest.mark.parametrize("n_units", [1, 3, 4, 5, 8, 10, 12, 17, 64, 600])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rows_of_all_widths_are_told_apart_and_no_others(n_units, dtype):
    """Rows of whole blocks and the last rows. Each row occurs twice, once in each half; in one
    row, one value differs."""
    random, labels = np.random.default_rng(n_units), np.zeros((1, 1), np.int64)
    for n_rows in (1, 9, 20):
        once = random.choice([-1.0, -0.0, 0.5], (n_rows, n_units)).astype(dtype)
        once[:, 0] = np.arange(n_rows) / n_rows
        t = np.concatenate([once, once])
        t[t == 0] *= random.choice([-1, 1], (t == 0).sum())  # −0 is 0
        t[0, -1] = -2.0
        expected = len(np.unique(t + 0.0, axis=0))
        assert expected == n_rows + 1
        given = torch.from_numpy(t)[None, :, None], labels.repeat(2 * n_rows, axis=1)
        grid = counting.Grid.of_range(-2.0, 1.0, 120, (1, n_units))
        assert counting.tally_rows(*given).n_codes[0, T] == expected
        assert counting.tally_grid(*given, grid).n_codes[0, T] == expected


@pytest.mark.parametrize("n_classes", [1, 5, 100])
@pytest.mark.parametrize(
    ("n_units", "n_draws", "n_bins"),
    [(1, 1, 30), (2, 1, 30), (3, 1, 30), (3, 2, 5), (10, 1, 30), (11, 1, 30)],
)  # in a table, in a table of 24,389 or hashed, hashed, and beyond what float64 numbers
def test_rows_within_the_range_are_counted_like_any(n_units, n_draws, n_bins, n_classes):
    random = np.random.default_rng(n_units)
    low = random.normal(size=(2, n_units))
    grid = counting.Grid.of_range(low, low + random.uniform(1, 9, low.shape), n_bins, low.shape)
    share = random.integers(0, n_bins + 1, (2, 3000, n_draws, n_units))  # edges, and near them
    share = np.where(random.random(share.shape) < 0.5, share % 2, share)
    t = share * grid.step[:, None, None] + low[:, None, None]
    t = np.nextafter(t, t + random.integers(-1, 2, t.shape))
    t = t.clip(low[:, None, None], grid.high[:, None, None])
    labels = random.integers(0, n_classes, (2, 3000))
    given = torch.from_numpy(t), labels
    covering = grid.holding(*counting.ranges(given[0], per_unit=True), "ab")
    assert covering.covers
    found, expected = (counting.tally_grid(*given, one) for one in (covering, grid))
    np.testing.assert_array_equal(found.n_codes, expected.n_codes)
    np.testing.assert_array_equal(found.weighted, expected.weighted)
    t[1, 7, 0, 0] = grid.high[1, 0] + 1
    beyond = torch.from_numpy(t), labels
    assert not grid.holding(*counting.ranges(beyond[0], per_unit=True), "ab").covers


def test_no_digits_where_rounding_may_lose_a_bin():
    def n_places(low, high, n_bins=30):
        grid = counting.Grid.of_range(low, high, n_bins, (1, 2))
        return len(Digits.of(*grid._replace(covers=True)).places)

    assert n_places(-1, 1) == n_places(1e9, 1e9 + 1) == 2
    assert n_places(1e15, 1e15 + 1) == n_places(0, 1e-310) == n_places(0, 1, 2**26) == 0
