"""The call for notebooks, with the two basic estimators."""

import numpy as np
import pytest
import torch

import infoplane


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.integers(0, 2, 60)


@pytest.mark.parametrize("name", ["kde", "binned"])
def test_arrays_and_tensors_of_both_shapes_give_the_same(layer, name):
    t, y = layer
    expected = infoplane.estimate(t, y, estimator=name)
    labels = np.where(y == 1, "cat", "dog")
    for activations in (t[:, None, :], torch.from_numpy(t), torch.from_numpy(t)[:, None]):
        for classes in (y, torch.from_numpy(y), labels):
            draws = activations.ndim == 3
            found = infoplane.estimate(activations, classes, draws=draws, estimator=name)
            # swapped class codes change the order of float32 sums
            assert found.ixt.value == pytest.approx(expected.ixt.value, abs=1e-6)
            assert found.ity.value == pytest.approx(expected.ity.value, abs=1e-6)


@pytest.mark.parametrize("name", ["kde", "binned"])
def test_draws_are_a_dimension_of_their_own(layer, name):
    t, y = layer
    found = infoplane.estimate(np.stack([t, t], axis=1), y, draws=True, estimator=name)
    assert found.ixt.value == pytest.approx(
        infoplane.estimate(t, y, estimator=name).ixt.value, abs=1e-6
    )


def test_a_record_says_its_quantity_and_what_would_change_it(layer):
    t, y = layer
    found = infoplane.estimate(t, y, estimator="binned", n_bins=7)
    assert found.ixt.quantity == "I(X; bins of T), 7 bins"
    assert found.ity.quantity == "I(bins of T; Y), 7 bins"
    for one in found[:2]:
        assert one.changes.startswith("finer bins give more bits")
        assert one.changes.endswith("permutations do not")
    noisy = infoplane.estimate(t, y, centres=t, sigma=0.1, estimator="sp").ixt
    assert noisy.quantity == "I(X;T) of the noisy network"
    random = infoplane.estimate(np.stack([t, t], 1), y, draws=True, estimator="kde").ity
    assert random.quantity == "I(T + N(0, 0.1); Y), of a network whose T is random given X"


@pytest.mark.parametrize(
    ("estimator", "settings", "continuous", "labelled"),
    [
        ("ksg", {}, "I(A;B)", "I(A;B)"),
        (
            "binned", {"n_bins": 4},
            "I(bins of A; bins of B), 4 bins", "I(bins of A; B), 4 bins",
        ),
        (
            "kde", {"noise": "relative"},
            "I(A + N(0, 0.1 Var A); B + N(0, 0.1 Var B))", "I(A + N(0, 0.1 Var A); B)",
        ),
        (
            "sliced", {},
            "mean of I over 1-dimensional projections of B and A",
            "mean of I over 1-dimensional projections of A, with B",
        ),
    ],
)  # fmt: skip
def test_a_record_of_two_variables_names_them(layer, estimator, settings, continuous, labelled):
    a, y = layer
    for b, quantity in ((a[:, :2], continuous), (y, labelled)):
        found = infoplane.mutual_information(a, b, estimator=estimator, **settings)
        assert found.quantity == quantity
        assert "of A's coordinates, " in found.changes and "layer" not in found.changes


def test_a_printed_record_says_what_it_is_worth(layer):
    t, y = layer
    found = infoplane.estimate(t, y, estimator="kde", noise_variance=1e-6)
    first, second = str(found).split("\n\n")
    assert first.startswith(
        "I(X;T)\n5.907 bits: I(X; T + N(0, 10⁻⁶))\nproven interval: 5.907 to"
    )
    assert "\nlargest possible value: 5.907 bits\nsaturated: the value is within" in first
    assert first.splitlines()[-1].startswith("what would change it: less noise gives more bits")
    assert second.startswith("I(T;Y)\n")
    plain = infoplane.Information(1.0, stderr=0.25, why_none="sample")
    assert str(plain).splitlines() == [
        "1 bits",
        "no interval: the measured inputs, or their draws, are only a sample",
        "standard error: 0.25 bits",
    ]


@pytest.mark.parametrize(
    ("name", "options"), [("kde", {"noise_variance": 1e-6}), ("binned", {"width": 1e-6})]
)
def test_saturated_layers_are_flagged(layer, name, options):
    assert "saturated" in infoplane.estimate(*layer, estimator=name, **options).flags


def test_settings_reach_the_estimator(layer):
    fine, coarse = (infoplane.estimate(*layer, noise_variance=v).ixt.value for v in (0.01, 10))
    assert fine > coarse


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"noise_varianc": 0.1},
            "estimator kde: noise_varianc is not a key here. Did you mean 'noise_variance'? "
            "Known: noise_variance, noise, bound, memory_mb.",
        ),
        (
            {"noise_variance": -1, "Bound": "lower"},
            "estimator kde: noise_variance must be greater than 0 or a mapping, not -1\n"
            "estimator kde: Bound is not a key here. Did you mean 'bound'? "
            "Known: noise_variance, noise, bound, memory_mb.",
        ),
        (
            {"estimator": "edge", "bandwidth": "bets"},
            "estimator edge: bandwidth must be 'best' or 'rule' or a number or a mapping, not "
            "'bets'",
        ),
        (
            {"estimator": "edge", "smoothing": 2},
            "estimator edge: smoothing has no effect with these settings; leave it out",
        ),
        (
            {"estimator": "json.decoder"},
            "'json.decoder' names no estimator, which is a class derived from Estimator",
        ),
        (
            {"estimator": "infoplane.estimators.kde"},
            "write infoplane.estimators.kde:KDE",
        ),
    ],
)
def test_wrong_settings_are_named_with_those_there_are(layer, settings, message):
    t, y = layer
    for call in (infoplane.estimate, infoplane.mutual_information):
        with pytest.raises(ValueError) as error:
            call(t, y, **{"estimator": "kde", **settings})
        assert message in str(error.value)


def test_a_misspelt_argument_of_the_call_gets_a_hint(layer):
    with pytest.raises(ValueError, match=r"X is not a key here\. Did you mean 'x'\?"):
        infoplane.estimate(*layer, X=layer[0])


@pytest.mark.parametrize("name", ["KDE", "kde_", ["kde"]])
def test_unknown_estimators_are_refused_with_the_nearest(layer, name):
    with pytest.raises(KeyError, match="Known: binned, exact") as error:
        infoplane.estimate(*layer, estimator=name)
    assert ("Did you mean 'kde'?" in str(error.value)) == isinstance(name, str)


def test_values_that_are_not_finite_raise(layer):
    t, y = layer
    t[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 240 activations are NaN"):
        infoplane.estimate(t, y)
