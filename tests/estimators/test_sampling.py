"""Intervals of counted information for a population: their inequalities, and how often they
contain the truth. Distributions and repeats are seeded."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

import infoplane
from infoplane.estimators.binned import Binned
from infoplane.estimators.exact import Exact
from infoplane.estimators.kernels import counting, sampling
from infoplane.estimators.kernels.sampling import Codes, Counted
from infoplane.information import entropy_of_counts
from infoplane.samples import Samples


def uniform(k):
    return np.full(k, 1 / k)


def zipf(k):
    return normed(1 / np.arange(1, k + 1))


def two_points(rare):
    return np.array([1 - rare, rare])


def of_a_layer(k):
    """Like late SZT layers: two codes have most of the mass, thousands share the rest."""
    return np.concatenate([[0.45, 0.35], 0.2 * normed(np.geomspace(1, 1e-4, k))])


def normed(weights):
    return weights / weights.sum()


LAWS = {
    "uniform, few": (uniform(20), 2000),
    "uniform, many": (uniform(20_000), 500),
    "zipf, few": (zipf(50), 2000),
    "zipf, many": (zipf(100_000), 1000),
    "two points": (two_points(0.3), 300),
    "a rare point": (two_points(0.003), 500),
    "a layer, seen": (of_a_layer(100), 4000),
    "a layer, hardly seen": (of_a_layer(5000), 1000),
}


def entropy(p):
    return -(p[p > 0] * np.log2(p[p > 0])).sum()


def counted(t, y, random):
    rows, expected = sampling.thinned(len(t), random)
    joint = t * (y.max() + 1) + y

    def single(codes):
        return int((np.bincount(codes[rows]) == 1).sum())

    of = [np.bincount(values) for values in (t, joint, y)]
    return Counted(
        len(t),
        *map(entropy_of_counts, of),
        *(int((counts > 0).sum()) for counts in of),
        single(t),
        single(joint),
        expected,
    )


@pytest.mark.parametrize("name", LAWS)
def test_intervals_hold_the_truth_of_the_population(name):
    """Each side may fail in 2.5 % of 200 repeats. It hardly ever does, because the limits are
    for the worst distribution. Without the bias, the upper end fails if codes are many."""
    (p, n), random = LAWS[name], np.random.default_rng(7)
    given_t = random.dirichlet([0.3, 0.3, 0.3], len(p))
    joint = p[:, None] * given_t
    h, i = entropy(p), entropy(p) + entropy(joint.sum(axis=0)) - entropy(joint.ravel())
    missed = {"low": 0, "high": 0}
    for _ in range(200):
        t = random.choice(len(p), n, p=p)
        y = (random.random(n)[:, None] > given_t[t].cumsum(axis=1)).sum(axis=1)
        one = counted(t, y, random)
        codes = Codes(math.log(len(p)), math.log(len(p)))
        of_t = sampling.of_entropy(one, codes)[1]
        of_y = sampling.of_information(one, codes)[1]
        missed["low"] += (of_t.low > h) + (of_y.low > i)
        missed["high"] += (of_t.high < h - 1e-9) + (of_y.high < i - 1e-9)
        assert of_t.high - of_t.low > 0
    assert max(missed.values()) <= 10, missed  # of 400; exact limits would miss 10


def test_intervals_narrow_as_inputs_grow():
    random, p = np.random.default_rng(0), zipf(50)
    widths = []
    for n in (300, 3000, 30_000):
        t = random.choice(50, n, p=p)
        low, high, kind = sampling.of_entropy(
            counted(t, t % 2, random), Codes(math.log(50), math.log(50))
        )[1]
        widths.append(high - low)
        assert kind == "proven"
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    assert widths[2] < 0.3


@pytest.mark.parametrize("log_codes", [2.0, 8.0, 300.0])
@pytest.mark.parametrize("n", [30, 1000])
def test_the_bias_is_within_its_limit(log_codes, n):
    """For uniform distributions B = Σ_{k≥n} (1 − 1/S)^k / k; many codes need only the share."""
    most = min(log_codes, 12.0)
    for log_s in np.linspace(0.7, min(most, 9.0), 5):
        s = round(math.exp(log_s))
        k = np.arange(n, 60 * s + 2 * n)
        bias = (np.exp(k * math.log1p(-1 / s)) / k).sum()
        share = (1 - 1 / s) ** n
        limit = sampling._bias_of(n, max(share, 1e-12), log_codes)
        assert bias <= limit
        assert limit <= math.exp(log_codes - 1) / (n - 1) or log_codes > 20


def test_expectations_are_refuted_as_rarely_as_stated():
    for found in (0, 1, 10, 300):
        limit = sampling._most_expected(found, 0.006)
        assert stats.poisson.cdf(found, limit) <= 0.006
        assert limit < stats.gamma.ppf(
            1 - 0.006 / 20, found + 1
        )  # the tight limit, with a smaller error


def statistics(counts):
    """The sides in the module's docstring, times n, in nats. counts : (codes of T, classes)"""
    t, y, n = counts.sum(axis=1), counts.sum(axis=0), counts.sum()

    def plug_in(c):
        return entropy_of_counts(c.ravel()) * math.log(2) * n

    def left(c):
        return plug_in(c) + (np.count_nonzero(c) - 1) / 2

    def right(c):
        return plug_in(c) + np.euler_gamma * np.count_nonzero(c) - 0.5

    low = left(t) + left(y) - right(counts)
    return np.array([left(t), right(t), low, right(t) + right(y) - left(counts)])


def test_no_row_moves_more_than_stated():
    n, cells = 6, [(i, j) for i in range(3) for j in range(3)]
    most = np.zeros(4)
    for chosen in itertools.combinations_with_replacement(cells, n - 1):
        base = np.zeros((3, 3), dtype=int)
        np.add.at(base, tuple(zip(*chosen, strict=True)), 1)
        each = []
        for cell in cells:
            more = base.copy()
            more[cell] += 1
            each.append(statistics(more))
        most = np.maximum(most, np.ptp(each, axis=0))
    both = 2 * math.log((n + 1) / 2) + 3.2
    stated = np.array([math.log(n) + 1.5, math.log(n) + 1 + np.euler_gamma, both, both])
    assert (most <= stated).all()
    assert (most >= stated - 1.2).all()  # and close to it


def test_codes_with_one_row_are_counted_alike_on_all_ways():
    generator = torch.Generator().manual_seed(0)
    t = torch.randint(0, 6, (1, 400, 1, 3), generator=generator).float()
    y = np.arange(400)[None] % 3
    rows = np.column_stack([t[0, :, 0].numpy(), y[0]])
    wanted = [(np.unique(rows[:, :k], axis=0, return_counts=True)[1] > 1).sum() for k in (3, 4)]
    grid = counting.Grid.of_width(1.0, (1, 3))
    of_grid = counting.tally_grid(t, y, grid, repeats=True)
    of_rows = counting.tally_rows(t, y, repeats=True)
    on_device = counting.Tallies.empty(1, 400, 1)
    hashes = counting.row_hashes(t[0].view(torch.int32))
    counting.tally_on_device(hashes, y[0], on_device, 0, repeats=True)
    for found in (of_grid, of_rows, on_device):
        assert found.weighted[0, :2].tolist() == wanted


def layer(n=500, d=2, **where):
    random = np.random.default_rng(0)
    t = random.normal(size=(n, d)).astype(np.float32)
    return Samples.of(t, (t[:, 0] > 0).astype(int), unseen=True, **where)


def test_unseen_inputs_have_an_interval_about_their_population():
    samples = layer()
    for estimator in (Binned(width=0.5), Binned(n_bins=9, range="fixed", low=-2, high=2)):
        (record,) = estimator.session()([samples])
        plain = estimator.session()([Samples.of(samples.t[:, 0], samples.y)])[0]
        for of in (0, 1):
            assert record[of].value == plain[of].value  # of the measured inputs
            assert record[of].interval.kind == "proven"
            assert record[of].interval.low < record[of].extra["corrected"]
            assert plain[of].interval.kind == "none"
            assert "corrected" not in plain[of].extra
        assert record.ity.interval.high <= 1
    (record,) = Exact().session()([samples])  # all rows differ
    low, high, _ = record.ixt.interval
    assert low < 9.1 < 30 < high <= 64  # log2 500 is 8.97, and float32 has 64 bits for two


@pytest.mark.parametrize(
    "settings",
    [{"range": "layer"}, {"range": "unit"}, {"binning": "equal_mass"}],
    ids=lambda s: str(s),
)
def test_bins_that_depend_on_the_sample_have_none(settings):
    (record,) = Binned(**settings).session()([layer()])
    assert record.ixt.interval.kind == record.ity.interval.kind == "none"


def test_draws_and_noise_have_none_where_no_theorem_speaks_of_them():
    binned, plain = Binned(width=0.5), layer()
    noisy = Samples.of(
        plain.t[:, 0], plain.y, centres=plain.t[:, 0] * 0.9, sigma=0.1, unseen=True
    )
    record = binned.session()([noisy])[0]
    assert (record.ixt.interval.kind, record.ity.interval.kind) == ("none", "proven")
    drawn = Samples.of(plain.t.repeat(1, 2, 1), plain.y, draws=True, unseen=True)
    record = binned.session()([drawn])[0]
    assert record.ixt.interval.kind == record.ity.interval.kind == "none"
    few = layer(n=sampling.LEAST - 1)
    assert binned.session()([few])[0].ixt.interval.kind == "none"


def test_the_call_for_notebooks_takes_what_the_inputs_are():
    t, y = np.arange(64.0)[:, None] % 8, np.arange(64) % 2
    found = [
        infoplane.estimate(t, y, estimator="exact", **{of: True}) for of in ("whole", "unseen")
    ]
    assert [record.ixt.interval.kind for record in found] == ["exact", "proven"]
    assert found[0].ixt.value == found[1].ixt.value == 3
    with pytest.raises(ValueError, match="whole says that the inputs are all values of X"):
        infoplane.estimate(t, y, estimator="exact", whole=True, unseen=True)
