"""The common interface of estimators: pairs, draws, flags, and the call for two variables."""

import numpy as np
import pytest
import torch
from matplotlib import mathtext

import infoplane
from infoplane.estimators import ESTIMATORS, from_written
from infoplane.estimators.interface import EstimatorSettings, LayerEstimator, PairEstimator
from infoplane.figures import tables
from infoplane.samples import Information, Pair, Samples


class CountedSettings(EstimatorSettings):
    estimator: str = "counted"
    memory_mb: int = 1
    k: int = 3
    width: float = 1.0


class Counted(PairEstimator):
    """Returns the number of rows as value, and of columns of the wider variable as an extra."""

    Settings = CountedSettings

    def __init__(self, settings=None, **chosen):
        super().__init__(settings, **chosen)
        self.seen = []

    def between(self, pair):
        self.seen.append(pair)
        return Information(
            float(pair.n),
            stderr=0.5,
            cap=1000.0,
            flags=("not_converged",) if not pair.is_labelled else (),
            extra={"columns": float(pair.widest)},
        )


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    t = rng.normal(size=(20, 3, 4)).astype(np.float32)
    x = rng.integers(0, 2, (20, 6)).astype(np.uint8)
    return Samples.of(t, rng.integers(0, 2, 20), x, draws=True)


def test_both_informations_follow_from_pairs(samples):
    one = Counted()
    (record,) = one.session()([samples])
    assert record.ixt.value == record.ity.value == 60
    assert record.ixt.stderr == record.ity.stderr == 0.5
    assert record.extras() == {"ixt_columns": 6.0, "ity_columns": 4.0}
    assert "not_converged" in record.flags
    with_y, with_x = one.seen
    assert with_y.is_labelled and not with_x.is_labelled
    assert with_x.n_draws == 3


def test_pairs_keep_every_draw_beside_its_input(samples):
    pair = samples.with_inputs()
    torch.testing.assert_close(pair.a[7], samples.t[2, 1])  # row 7 is draw 1 of input 2
    torch.testing.assert_close(pair.b[7], samples.x[2].float())
    labels = samples.with_y()
    assert labels.b[7] == samples.y[2]


def test_without_x_only_the_label_is_measured(samples):
    without = Samples(samples.t, samples.y)
    (record,) = Counted().session()([without])
    assert np.isnan(record.ixt.value) and record.ity.value == 60
    assert "needs_x" in record.flags


def test_some_with_x_and_some_without_keep_their_places(samples):
    without = Samples(samples.t[:10], samples.y[:10])
    batch = [samples, without, samples]
    records = Counted().session()(batch)
    assert [r.ity.value for r in records] == [60, 30, 60]
    assert [np.isnan(r.ixt.value) for r in records] == [False, True, False]


def test_only_plain_networks_are_deterministic(samples):
    class Infinite(Counted):
        infinite_without_noise = True

    (noisy,) = Infinite().session()([samples])
    plain = Samples(samples.t[:, :1], samples.y, samples.x)
    (found,) = Infinite().session()([plain])
    assert "deterministic" in found.flags and "deterministic" not in noisy.flags
    (other,) = Counted().session()([plain])
    assert "deterministic" not in other.flags


def test_layer_estimators_without_pairs_say_so():
    with pytest.raises(ValueError, match="works on a layer's activations"):
        ESTIMATORS["exact"]().session().judged(Pair.of(np.eye(3), np.eye(3)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_declares_what_it_is(name):
    one = ESTIMATORS[name]
    assert one.chosen_by <= set(one.Settings.model_fields)
    assert one.takes_layers or one.takes_pairs
    assert one().name == name


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"trains": 1024}, "Wrong.trains must be of type bool, not 1024"),
        ({"chosen_by": {"k"}}, "Wrong.chosen_by must be of type frozenset"),
        ({"Settings": dict}, "Wrong.Settings must be a class derived from infoplane.Settings"),
    ],
)
def test_a_declaration_of_another_type_is_refused(wrong, said):
    with pytest.raises(TypeError, match=said):
        type("Wrong", (Counted,), wrong)


@pytest.mark.parametrize("base", [LayerEstimator, PairEstimator])
def test_an_estimator_that_answers_nothing_is_refused(base):
    with pytest.raises(TypeError, match="Nothing has neither"):
        type("Nothing", (base,), {})


def test_a_pair_tells_labels_from_numbers():
    a = np.random.default_rng(0).normal(size=(30, 2))
    assert Pair.of(a, np.arange(30) % 3).is_labelled
    assert Pair.of(a, np.where(a[:, 0] > 0, "yes", "no")).is_labelled
    assert not Pair.of(a, a[:, :1]).is_labelled
    with pytest.raises(ValueError, match=r"give a continuous variable .* as b\[:, None\]"):
        Pair.of(a, a[:, 0])
    with pytest.raises(ValueError, match=r"a\[:, None\] is one variable"):
        Pair.of(a[:, 0], a)
    with pytest.raises(ValueError, match="a has 30 rows, b has 29"):
        Pair.of(a, a[1:])
    a[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 60 values of a are NaN"):
        Pair.of(a, a)


@pytest.mark.parametrize("name", ["kde", "binned"])
def test_layer_estimators_agree_with_their_own_pairs(name):
    rng = np.random.default_rng(1)
    t, y = rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    layer = infoplane.estimate(t, y, estimator=name)
    pair = infoplane.mutual_information(t, y, estimator=name)
    assert pair.value == pytest.approx(layer.ity.value, abs=1e-6)  # kde promises 1e-4


def test_binned_pairs_are_counted_like_numpy():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(500, 1))
    b = a + rng.normal(size=(500, 1))
    counts, *_ = np.histogram2d(a[:, 0], b[:, 0], bins=8)
    p = counts / counts.sum()
    outer = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    expected = (p[p > 0] * np.log2(p[p > 0] / outer[p > 0])).sum()
    found = infoplane.mutual_information(a, b, estimator="binned", n_bins=8)
    assert found.value == pytest.approx(expected, abs=1e-9)
    equal_mass = {"n_bins": 8, "binning": "equal_mass"}
    one = infoplane.mutual_information(a, b, estimator="binned", **equal_mass)
    other = infoplane.mutual_information(np.exp(a), b**3, estimator="binned", **equal_mass)
    assert one.value == pytest.approx(other.value, abs=0.05)  # edges interpolate between values


def test_kernel_bounds_hold_for_two_noisy_gaussians():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(1000, 1))
    b = 0.9 * a + np.sqrt(1 - 0.81) * rng.normal(size=(1000, 1))
    rho = 0.9 / 1.1  # both variances grow by 0.1
    truth = -0.5 * np.log2(1 - rho**2)
    found = infoplane.mutual_information(a, b, estimator="kde", noise_variance=0.1)
    assert found.extra["low_of_samples"] < truth < found.extra["high_of_samples"]
    relative = infoplane.mutual_information(
        7 * a, b, estimator="kde", noise_variance=0.1, noise="relative"
    )
    assert relative.value == pytest.approx(found.value, abs=0.05)  # variances are 1 by ±5 %


@pytest.mark.parametrize("method", ["binned", "kde", "renyi", "ksg", "compressed"])
def test_a_continuous_y_is_measured_as_that_of_two_variables(method):
    """I(T;Y) with a continuous Y is the result of `between`, and I(X;T) is the same as with
    labels."""
    source = torch.Generator().manual_seed(0)
    x = torch.randn(60, 3, generator=source)
    t = torch.tanh(x[:, None, :2] + 0.1 * torch.randn(60, 2, 2, generator=source))
    y = t @ torch.randn(2, 4, generator=source)
    estimator = from_written({"estimator": method})
    labels = torch.zeros(60, dtype=torch.int64)
    one, other = Samples(t, y, x), Samples(t, labels, x)
    (record,), (beside,) = (estimator.session()([samples]) for samples in (one, other))
    assert not one.is_labelled and one.with_y().n == 120
    (pair,) = estimator.session().between([one.with_y()])
    assert record.ity.value == pytest.approx(pair.value)
    if method != "renyi":  # which takes its width from labels, where there are some
        assert record.ixt.value == pytest.approx(beside.ixt.value)
    assert "above_entropy" not in record.ity.flags


def test_an_estimator_of_labels_refuses_a_continuous_y():
    t = torch.randn(20, 1, 2)
    with pytest.raises(ValueError, match="Y must be a label: estimator exact works on"):
        from_written({"estimator": "exact"}).session()([Samples(t, t)])


QUANTITIES = [
    ("binned", {}, "", "I(X; bins of T), 30 bins"),
    ("binned", {"width": 0.5}, "", "I(X; bins of T), bins 0.5 wide"),
    (
        "binned",
        {"n_bins": 29, "range": "fixed", "low": -1, "high": 1},
        "",
        "I(X; bins of T), 29 bins from -1 to 1",
    ),
    ("kde", {"noise_variance": 1e-3}, "", "I(X; T + N(0, 10⁻³))"),
    (
        "kde",
        {"noise": "relative"},
        "the noisy network",
        "N(0, 0.1 Var T)), of the noisy network",
    ),
    ("kde", {"noise_variance": {"conv1": 1.0, "d*": 0.1}}, "", "σ² = 1 in conv1, 0.1 in d*"),
    ("renyi", {"alpha": 2.0}, "", "α = 2, width by alignment"),
    ("sp", {}, "", "I(X;T) of the noisy network"),
    ("certified", {}, "", "I(X;T) of the noisy network over the population of inputs"),
    ("certified", {"of": "inputs"}, "", "of the noisy network over the measured inputs"),
    ("ksg", {}, "", "(infinite for a deterministic layer)"),
    ("mine", {}, "the noisy network", "I(X;T) of the noisy network"),
    ("exact", {}, "", "I(X;T) of the values of T"),
    ("sliced", {"dimensions": 2}, "", "2-dimensional projections"),
    ("compressed", {"components": 3}, "", "3 components T' of T"),
    ("clustering", {}, "", "no information"),
]


@pytest.mark.parametrize(("name", "settings", "network", "said"), QUANTITIES)
def test_every_estimator_names_its_quantity_with_its_settings(name, settings, network, said):
    estimator = from_written({"estimator": name, **settings})
    found = estimator.statements(network)
    assert said in found["quantity_ixt"] and list(found) == [*tables.QUANTITY, *tables.STATED]
    for symbol in (found["symbol_ixt"], found["symbol_ity"]):
        mathtext.MathTextParser("agg").parse(f"${symbol}$")
