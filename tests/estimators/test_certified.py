"""The certified interval contains truths in closed form as often as it states.

Each side of an interval of 95 % fails with probability 0.025. In 60 repeats more than 6
failures have a probability of 5e-4. An upper bound on the same inputs that the density is
fitted to fails in all repeats.
"""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from tests import memory

from infoplane.estimators.certified import Certified
from infoplane.estimators.densities.centres import Centres
from infoplane.estimators.densities.fit import Fit, Spectrum
from infoplane.estimators.densities.gaussian import Gaussian
from infoplane.estimators.densities.maps import Maps
from infoplane.estimators.densities.spikes import Spikes
from infoplane.estimators.densities.stack import KINDS, Stack
from infoplane.estimators.kernels.confidence import Mean
from infoplane.estimators.kernels.noisy_layers import NoisyLayer, sums
from infoplane.samples import Samples
from infoplane.truth.linear_layers import LinearLayers

MOST_FAILURES = 6


def interval(centres, y, sigma=1.0, draws=False, shape=(), **settings):
    """The record of centres (n, d), or with draws (n, r, d)."""
    settings = {"only_noise": True, "densities": [], **settings}
    samples = Samples.of(centres, y, centres=centres, sigma=sigma, draws=draws, shape=shape)
    (record,) = Certified(**settings).session()([samples])
    return record


def holds(information, truth):
    return information.interval.low <= truth <= information.interval.high


def failures(records, ixt, ity):
    """Number of failures of each side of both intervals, (2, 2)."""
    both = np.array([[one.interval[:2] for one in (r.ixt, r.ity)] for r in records])
    truth = np.array([ixt, ity])
    return np.stack([(both[..., 0] > truth).sum(0), (both[..., 1] < truth).sum(0)])


@pytest.mark.parametrize(
    "of", [{"dense": [(10, 10)], "maps": []}, {"dense": [], "maps": [(2, 5)]}]
)
def test_linear_layers_are_within_their_intervals(of):
    (layer,) = LinearLayers(**of, scales=[1.0]).layers()
    records = []
    for seed in range(60):
        noisy = layer.draw("inputs", 200, seed).noisy
        records += Certified(only_noise=True, densities=[], seed=seed).session()([noisy])
    assert (failures(records, layer.about_x(), layer.about_y()) <= MOST_FAILURES).all()
    widths = [r.ixt.interval.high - r.ixt.interval.low for r in records]
    assert np.mean(widths) < 0.6 * layer.about_x()  # and is useful


def test_heavy_tails_are_within_their_intervals():
    """S with a Student distribution of 1.5 degrees of freedom, whose variance is infinite."""
    t = np.linspace(-4000, 4000, 400_001)
    s = np.sinh(np.linspace(-9, 9, 4001))
    weights = stats.t(1.5).pdf(s) * np.gradient(s)
    density = np.array([weights @ stats.norm.pdf(one - s) for one in t[::20]]) / weights.sum()
    h = -integrate.trapezoid(density * np.log2(density), t[::20])
    truth = h - 0.5 * math.log2(2 * math.pi * math.e)
    records = []
    for seed in range(60):
        rows = stats.t(1.5).rvs(size=(300, 1), random_state=seed)
        records.append(interval(rows, (rows[:, 0] > 0).astype(int), seed=seed))
    lower, upper = failures(records, truth, 0)[:, 0]
    assert max(lower, upper) <= MOST_FAILURES


def test_an_upper_bound_knows_that_neighbouring_places_are_alike():
    """Maps of 4 × 49 values: given their shape, some 100 weights determine the distribution."""
    (layer,) = LinearLayers(dense=[], maps=[(4, 7)], length=0.5, scales=[1.0]).layers()
    samples = layer.draw("inputs", 150, 0).samples
    as_maps, as_rows = (
        interval(samples.t[:, 0], samples.y, shape=shape).ixt for shape in (layer.shape, ())
    )
    assert holds(as_maps, layer.about_x()) and holds(as_rows, layer.about_x())
    assert as_maps.interval.high < as_rows.interval.high - 2


def atoms():
    """Eight centres, like those of a quantised layer; in half of them a unit is off."""
    rng = np.random.default_rng(3)
    places = np.round(rng.normal(size=(8, 3)), 1) + 0.05
    places[:4, 0] = 0.0
    return places


def of_mixture(centres, sizes, groups, n=200_000):
    """I(group; T) by plain Monte Carlo, with T around one of equally likely centres; an entry
    without noise is a point mass. groups (n_centres,) int. Shares no code with the tested."""
    rng = np.random.default_rng(1)
    own = rng.integers(len(centres), size=n)
    t = centres[own] + sizes[own] * rng.normal(size=(n, centres.shape[1]))
    density = np.ones((n, len(centres)))
    for k in range(centres.shape[1]):
        for j, (s, size) in enumerate(zip(centres[:, k], sizes[:, k], strict=True)):
            given = stats.norm.pdf(t[:, k], s, size) * (t[:, k] != 0) if size else t[:, k] == 0
            density[:, j] *= given
    same = groups[own][:, None] == groups
    given = (density * same).sum(1) / same.sum(1)
    return np.log2(given / density.mean(1)).mean()


@pytest.mark.parametrize("noise", ["one size", "multiplied"])
def test_quantised_layers_and_dropout_noise_are_within_their_intervals(noise):
    """Inputs drawn with replacement from a population of eight."""
    places = atoms()
    sizes = 0.4 * np.ones_like(places) if noise == "one size" else 0.4 * np.abs(places)
    labels = np.arange(8) % 2
    ixt, ity = (of_mixture(places, sizes, g) for g in (np.arange(8), labels))
    records = []
    for seed in range(40):
        drawn = np.random.default_rng(seed).integers(8, size=150)
        sigma = 0.4 if noise == "one size" else sizes[drawn]
        records.append(interval(places[drawn], labels[drawn], sigma, seed=seed))
    assert (failures(records, ixt, ity) <= 5).all()  # 1e-3 or less
    drawn = np.tile(np.arange(8), 100)
    sigma = 0.4 if noise == "one size" else sizes[drawn]
    exact = interval(places[drawn], labels[drawn], sigma, of="inputs", level=0.999)
    assert holds(exact.ixt, ixt) and holds(exact.ity, ity)
    assert exact.ixt.interval.high - exact.ixt.interval.low < 0.2


def test_noise_of_the_layers_before_is_none_of_the_information():
    """X → S = X + N(0, 1) → T = S + N(0, 1) in two dimensions: ½ log2(1 + 4/2) bits in each."""
    truth = math.log2(3)
    records = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = 2 * rng.normal(size=(150, 1, 2))
        s, y = x + rng.normal(size=(150, 6, 2)), (x[:, 0, 0] > 0).astype(int)
        records.append(interval(s, y, draws=True, only_noise=False, seed=seed))
        alone = interval(s[:, 0], y, only_noise=False, seed=seed).ixt
        assert alone.interval.low <= truth  # with one draw, only I(T;Y) bounds it from below
    assert (failures(records, truth, 0)[:, 0] <= 5).all()
    assert np.mean([r.ixt.interval.low for r in records]) > 0.5 * truth
    # with the wrong assumption, the bounds are those of I(S;T)
    wrong = interval(s[:, 0], y, only_noise=True).ixt
    assert wrong.interval.low > truth


def test_measured_inputs_with_noise_before_are_between_own_and_other_draws():
    rng = np.random.default_rng(0)
    x, y = np.array([-2.0, 0.0, 1.0, 3.0]), np.array([0, 0, 1, 1])
    # p(t|x) is a Gaussian of variance 2, which the estimator knows only from draws
    ixt, ity = (
        of_mixture(x[:, None], math.sqrt(2) * np.ones((4, 1)), g) for g in (np.arange(4), y)
    )
    s = np.repeat(x, 20)[:, None, None] + rng.normal(size=(80, 30, 1))
    few = x[:, None, None] + rng.normal(size=(4, 400, 1))
    one_each = interval(few, y, draws=True, of="inputs")
    assert holds(one_each.ixt, ixt) and holds(one_each.ity, ity)
    assert one_each.ixt.interval.high <= 2.0 and one_each.ity.interval.high <= 1.0
    several = interval(s, np.repeat(y, 20), draws=True, of="inputs", only_noise=False).ity
    assert several.interval.high >= ity


def fit(shape=()):
    rng = np.random.default_rng(0)
    centres = torch.from_numpy(rng.normal(size=(60, 1, 2)) @ np.array([[1.5, 0.7], [0, 0.6]]))
    layer = NoisyLayer(centres, 1.0, shape)
    rows = layer.rows(4, torch.Generator().manual_seed(0))
    return Fit(layer, torch.arange(40), rows.t[:160], rows.t[160:], 0)


@pytest.mark.parametrize("kind", ["gaussian", "centres", "maps", "mixture", "flow", "stack"])
def test_densities_are_densities(kind):
    """Each variant integrates to 1; otherwise there is no upper bound."""
    of = fit((1, 1, 2))
    spectrum = Spectrum(of)
    gaussian = Gaussian(of, spectrum)
    centres = Centres(of, torch.zeros(40, dtype=torch.int64), 1)
    made = {"gaussian": lambda: gaussian, "centres": lambda: centres, "maps": lambda: Maps(of)}
    made |= {k: lambda k=k: KINDS[k](of, spectrum, gaussian) for k in KINDS}
    made["stack"] = lambda: Stack([centres, Maps(of), gaussian], of.chosen)
    side = torch.linspace(-40, 40, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    mass = made[kind]().logs(grid).exp().sum(-1) * 0.04
    # Student's distribution of 3 degrees of freedom has 5e-4 beyond 40
    assert mass.numpy() == pytest.approx(1, abs=2e-3)


def test_spikes_are_densities_and_masses():
    places = torch.from_numpy(np.repeat(atoms(), 5, axis=0)[:, None, :1])
    layer = NoisyLayer(places, 0.4 * places.abs())
    rows = layer.rows(4, torch.Generator().manual_seed(0))
    spikes = Spikes(Fit(layer, torch.arange(40), rows.t, rows.t, 0))
    side = torch.linspace(-200, 200, 400_001, dtype=torch.float64)[:, None] + 1e-9
    mass = spikes.logs(side).exp().sum() * 1e-3 + spikes.logs(torch.zeros(1, 1).double()).exp()
    assert float(mass) == pytest.approx(1, abs=1e-3)


def test_pairs_reach_beyond_the_logarithm_of_the_inputs():
    """20 independent units with 2 bits each."""
    rows = math.sqrt(15) * np.random.default_rng(0).normal(size=(300, 20))
    found = interval(rows, np.arange(300) % 2).ixt
    assert math.log2(300) + 1 < found.interval.low < 40 < found.interval.high
    assert found.extra["inside"] == pytest.approx(math.log2(300), abs=0.01)


def test_too_few_inputs_of_a_population_are_refused_by_place():
    rows = np.random.default_rng(0).normal(size=(29, 2))
    with pytest.raises(ValueError, match=r"layer T: estimator certified .* there are 29"):
        interval(rows, np.arange(29) % 2)
    assert math.isfinite(interval(rows, np.arange(29) % 2, of="inputs").ixt.interval.high)


def test_sides_split_the_error():
    """Each side fails with 0.025, by the quantiles of the Student distribution."""
    terms = np.random.default_rng(0).normal(size=50)
    mean = Mean.of(terms, np.arange(50), 80)
    # if skewness would make a side narrower, the Student quantile is used
    widths = np.array([mean.value - mean.lower(0.025), mean.upper(0.025) - mean.value])
    own = stats.t.ppf(0.975, 49) * terms.std() / math.sqrt(50)
    assert widths.min() == pytest.approx(own, rel=1e-9) and widths.max() > own


CENTRES = (200, 1, 10_000)


def growth_by_comparing_samples() -> int:
    random = torch.Generator().manual_seed(0)
    layer = NoisyLayer(torch.randn(CENTRES, generator=random), 0.5)
    labels = torch.zeros(CENTRES[0], dtype=torch.int64)
    return memory.growth(lambda: sums(layer, layer.rows(4, random), labels, memory=10**8))


def test_noisy_samples_are_drawn_and_compared_without_further_copies():
    n_bytes = 8 * 4 * math.prod(CENTRES)
    found = memory.of_new_process(growth_by_comparing_samples)
    assert n_bytes / 2 < found < 1.5 * n_bytes + 32e6
