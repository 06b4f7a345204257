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
