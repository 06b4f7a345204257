"""The shared kernel compared with numpy's n × n matrices, in float64, ties included."""

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane.estimators.kernels import neighbours, neighbours_cpu, scaled


@pytest.fixture(params=["compiled", "tree", "torch"])
def engine(request, monkeypatch):
    """Each method of computation, on CPU tensors."""
    monkeypatch.setattr(neighbours, "in_torch", lambda rows: request.param == "torch")
    monkeypatch.setattr(neighbours, "_suits_a_tree", lambda n, d: request.param == "tree")
    return request.param


def distances(rows, norm):
    """The n × n matrix of distances in float64; infinite from a row to itself."""
    differences = np.abs(rows[:, None] - rows[None])
    if norm == "max":
        matrix = differences.max(axis=2)
    else:
        matrix = np.sqrt((differences**2).sum(axis=2))
    np.fill_diagonal(matrix, np.inf)
    return matrix


def joint_counts(a, b, k, norm):
    """Counts in a and in b, by their definitions."""
    in_a, in_b = distances(a, norm), distances(b, norm)
    both = np.maximum(in_a, in_b) if norm == "max" else np.hypot(in_a, in_b)
    radii = np.sort(both, axis=1)[:, k - 1, None]
    if norm == "max":
        return (in_a < radii).sum(axis=1), (in_b < radii).sum(axis=1)
    return (in_a <= radii).sum(axis=1), (in_b <= radii).sum(axis=1)


NASTY = {
    "plain": lambda z: z,
    "offset": lambda z: 1e4 + 1e-3 * z,
    "huge": lambda z: 1e150 * z,
    "tiny": lambda z: 1e-150 * z,
    "one far row": lambda z: np.where(np.arange(len(z))[:, None] == 0, 1e9, z),
    "close beyond float32": lambda z: np.where(z > 0, 1.0, 0.0) + 1e-10 * z,
    "heavy tails": lambda z: np.sinh(6 * z),
    "in clusters": lambda z: z.round() + 1e-4 * z,
}
"""Samples whose differences float32 cannot resolve or represent."""


@pytest.mark.parametrize("norm", ["max", "euclidean"])
@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("d", [1, 2, 5, 40])
def test_counts_are_those_of_float64(engine, name, d, norm):
    rng = np.random.default_rng(d)
    a, b = (NASTY[name](rng.standard_normal((150, d))) for _ in range(2))
    found = neighbours.joint_counts(torch.from_numpy(a), torch.from_numpy(b), 3, norm)
    for ours, theirs in zip(found, joint_counts(a, b, 3, norm), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("norm", ["max", "euclidean"])
@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("d", [1, 3, 40])
def test_neighbours_are_those_of_float64(engine, name, d, norm):
    rows = NASTY[name](np.random.default_rng(d).standard_normal((150, d)))
    found, who = neighbours.nearest(torch.from_numpy(rows), 7, norm)
    expected = distances(rows, norm)
    # Sums of d squares round differently in another order: d·2⁻⁵³ of the distance.
    np.testing.assert_allclose(found, np.sort(expected, axis=1)[:, :7], rtol=1e-14)
    np.testing.assert_allclose(found, np.take_along_axis(expected, who.numpy(), 1), rtol=1e-14)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(2, 200),
    d_a=st.integers(1, 9),
    d_b=st.integers(1, 9),
    k=st.integers(1, 80),
    values=st.sampled_from([2, 5, 10**6]),
)
@settings(max_examples=60, deadline=None)
def test_counts_are_exact_with_ties_of_any_size(seed, n, d_a, d_b, k, values):
    # Integers have exact distances in both norms; with few of them nearly all are ties.
    rng = np.random.default_rng(seed)
    a, b = rng.integers(values, size=(n, d_a)) * 1.0, rng.integers(values, size=(n, d_b)) * 1.0
    k = min(k, n - 1)
    expected = joint_counts(a, b, k, "max")
    for found in (
        neighbours.joint_counts(torch.from_numpy(a), torch.from_numpy(b), k, "max"),
        neighbours._joint_compiled(a, b, k, "max", neighbours.MEMORY),
        neighbours._joint_in_tree(a, b, k, "max"),
        neighbours._joint_in_torch(*map(torch.from_numpy, (a, b)), k, "max", 10**5),
    ):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(ours), theirs)


@pytest.mark.parametrize("norm", ["max", "euclidean"])
@pytest.mark.parametrize("d", [1, 4])
def test_groups_agree_with_their_twin(engine, d, norm):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((300, d)).round(2)
    groups = rng.permutation(np.repeat([0, 1, 2, 3], [200, 90, 8, 2]))
    sizes = np.bincount(groups)[groups]
    ks = np.minimum(5, sizes - 1)
    whole = distances(rows, norm)
    within = np.where(groups[:, None] == groups, whole, np.inf)
    nearest = np.sort(within, axis=1)[:, :5]
    nearest[np.arange(5) >= ks[:, None]] = np.inf
    given = [torch.from_numpy(v) for v in (rows, groups, ks)]
    np.testing.assert_allclose(neighbours.group_distances(*given, norm), nearest, rtol=1e-14)
    if norm == "max":  # rounded squares do not tie as their twins do
        radii = np.take_along_axis(nearest, ks[:, None] - 1, axis=1)
        counts = neighbours.group_counts(*given, norm)
        np.testing.assert_array_equal(counts, (whole < radii).sum(axis=1))


@pytest.mark.parametrize("norm", ["max", "euclidean"])
@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("d", [1, 3])
def test_trees_of_groups_give_what_brute_force_does(monkeypatch, name, d, norm):
    rng = np.random.default_rng(d)
    rows = torch.from_numpy(NASTY[name](rng.standard_normal((400, d))))
    groups = torch.from_numpy(rng.choice(4, 400, p=[0.6, 0.3, 0.08, 0.02]))
    ks = torch.full((400,), 3)
    found = []
    for tree in (True, False):
        monkeypatch.setattr(neighbours, "_suits_a_tree", lambda n, d, tree=tree: tree)
        distances = neighbours.group_distances(rows, groups, ks, norm)
        found.append((distances, neighbours.group_counts(rows, groups, ks, norm)))
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)


def test_many_rows_of_few_dimensions_are_not_compared_all_with_all(monkeypatch):
    def refuse(*_):
        raise AssertionError("n² distances")

    for name in ("nearest", "joint", "group_counts", "group_distances"):
        monkeypatch.setattr(neighbours_cpu, name, refuse)
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((6000, 2)))
    groups, ks = torch.arange(6000) % 3, torch.full((6000,), 3)
    neighbours.nearest(rows, 3)
    neighbours.joint_counts(rows, rows[:, :1], 3, "max")
    neighbours.group_counts(rows, groups, ks, "max")
    neighbours.group_distances(rows, groups, ks, "euclidean")


def test_equal_rows_are_neighbours_and_a_row_is_not_its_own(engine):
    found, who = neighbours.nearest(torch.zeros(40, 3), 4)
    assert (found == 0).all()
    assert (who != torch.arange(40)[:, None]).all()
    assert all(len(set(row.tolist())) == 4 for row in who)


def test_results_do_not_depend_on_threads_or_memory():
    rng = np.random.default_rng(0)
    rows = torch.from_numpy(rng.standard_normal((700, 8)))
    threads = numba.get_num_threads()
    expected = neighbours.nearest(rows, 3, "max")
    try:
        numba.set_num_threads(1)
        alone = neighbours.nearest(rows, 3, "max", memory=1)
    finally:
        numba.set_num_threads(threads)
    assert torch.equal(expected[0], alone[0]) and torch.equal(expected[1], alone[1])


def test_a_block_holds_no_more_than_it_may(monkeypatch):
    asked = []
    plain = neighbours_cpu.nearest

    def watched(columns, *rest):
        asked.append(rest[6] * columns.shape[1] * 4 * numba.get_num_threads())
        plain(columns, *rest)

    monkeypatch.setattr(neighbours_cpu, "nearest", watched)
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal((3200, 8)))
    neighbours.nearest(rows, 3, memory=10**5)
    assert asked and max(asked) <= 1.05 * 10**5  # 5 %: rows are filled up to a chunk


def test_the_sieve_leaves_little_to_float64(monkeypatch):
    """Rounding leaves few distances undecided; else the loops would be correct but slow."""
    n = 2000
    rows = np.random.default_rng(0).standard_normal((n, 10))
    (layout,), sizes, scale = neighbours._layouts("max", rows)
    i = 5
    exact = np.abs(rows - rows[i]).max(axis=1)
    radius = np.sort(exact)[3]
    low, high = neighbours_cpu._limits(radius, sizes[i], 10, scale, False)
    open_ = (layout.columns[:, :n] - layout.columns[:, i : i + 1]).__abs__().max(axis=0)
    # The room is 2⁻²¹ of radius and size, and about 1 sample lies in 1/n of the distances.
    assert ((low <= open_) & (open_ <= high)).sum() == 1


@pytest.mark.parametrize("k", [0, 20])
def test_neighbours_that_are_not_there_are_refused(k):
    rows = torch.zeros(20, 2)
    with pytest.raises(ValueError, match=f"k is {k}, n is 20"):
        neighbours.nearest(rows, k)
    with pytest.raises(ValueError, match=f"k is {k}, n is 20"):
        neighbours.joint_counts(rows, rows, k, "max")


def test_standardised_samples_have_unit_variance_at_any_scale():
    z = np.random.default_rng(0).standard_normal((500, 3))
    units = np.array([1e-200, 1.0, 1e200])
    rows, scales = scaled.standardised(torch.from_numpy(np.hstack([7 + z * units, 0 * z])))
    assert rows.shape == (500, 2)  # 7 + 1e-200 z is 7, and zeros never vary
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-13)
    np.testing.assert_allclose(rows.square().mean(0), 1, rtol=1e-13)
    np.testing.assert_allclose(scales, (units * z.std(axis=0))[1:], rtol=1e-12)


def test_the_least_variation_is_a_variation():
    values = torch.full((9, 2), 7.1, dtype=torch.float64)
    values[3, 0] = np.nextafter(7.1, 8)
    rows, _ = scaled.standardised(values)
    assert rows.shape == (9, 1) and len(rows.unique()) == 2 and rows.isfinite().all()


def test_only_tied_columns_are_moved_and_by_little():
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((500, 2)))
    z[:, 1] = z[:, 1].round()
    (moved,) = scaled.without_ties([z], None, seed=0)
    assert torch.equal(moved[:, 0], z[:, 0])
    assert len(moved[:, 1].unique()) == 500
    # 6 standard deviations of the noise, which none of 500 draws exceeds.
    assert (moved - z).abs().max() < 6 * scaled.JITTER
    assert not torch.equal(moved, scaled.without_ties([z], None, seed=1)[0])


def test_noise_of_many_equal_samples_has_no_ties_itself():
    z = torch.from_numpy(np.random.default_rng(0).integers(2, size=(60_000, 1)) * 2.0 - 1)
    (moved,) = scaled.without_ties([z], None, seed=0)
    assert (moved.round() == z).all()
    gaps = moved[:, 0].sort().values.diff()
    # 1000 steps of float64 a sample: some 1 in 1000 gaps equals the next or is none
    assert (gaps == 0).double().mean() < 1e-3
    assert (gaps.diff() == 0).double().mean() < 2e-3


def test_noise_does_not_reach_the_next_value():
    z = torch.tensor([-1.0, 0.0, 6e-9, 1.0], dtype=torch.float64).repeat(30_000)[:, None]
    (moved,) = scaled.without_ties([z], None, seed=0)
    values = moved[:, 0].view(-1, 4)  # a column each
    assert (values.amax(dim=0)[:-1] < values.amin(dim=0)[1:]).all()


def test_equal_gaps_are_parted_as_equal_values_are():
    clock = scaled.standardised(torch.arange(1000.0)[:, None]).rows
    (moved,) = scaled.without_ties([clock], None, seed=0)
    assert len(moved[:, 0].sort().values.diff().unique()) == 999
    assert (moved - clock).abs().max() < 6 * scaled.JITTER


def test_noise_goes_with_the_values_and_not_with_the_order():
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.integers(4, size=(300, 2)) * 1.0)
    labels = torch.from_numpy(rng.integers(3, size=300))
    order = torch.from_numpy(rng.permutation(300))
    (one,) = scaled.without_ties([z], labels, 0)
    (other,) = scaled.without_ties([z[order]], labels[order], 0)

    def sorted_rows(rows, of):
        return np.sort(torch.column_stack([rows, of]).numpy().view("f8,f8,f8").ravel())

    assert (sorted_rows(one, labels) == sorted_rows(other, labels[order])).all()
