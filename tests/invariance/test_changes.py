"""What estimators say would change their numbers is what an audit and other settings show."""

import numpy as np
import pytest

import infoplane
from infoplane.estimators import ESTIMATORS, from_written
from infoplane.information import COORDINATES

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 3))
CENTRES = np.tanh(X @ RNG.standard_normal((3, 3)))
T = CENTRES + 0.3 * RNG.standard_normal(CENTRES.shape)
Y = (X[:, 0] + 0.5 * RNG.standard_normal(400) > 0).astype(int)
CRITIC = {"max_steps": 60, "evaluate_every": 20, "width": 8, "depth": 1, "learning_rate": 0.02}
RENYI = {"n_batches": 2, "n_widths": 9, "batch_size": 128}
SETTINGS = [
    ("binned", {"n_bins": 4}),
    ("binned", {"n_bins": 4, "range": "unit"}),
    ("binned", {"n_bins": 4, "range": "unit", "binning": "equal_mass"}),
    ("binned", {"n_bins": 4, "binning": "equal_mass"}),
    ("binned", {"width": 0.5}),
    ("exact", {}),
    ("kde", {}),
    ("kde", {"noise": "relative"}),
    ("ksg", {}),
    ("ksg", {"variant": "bias_improved"}),
    ("kl", {}),
    ("kl", {"norm": "max"}),
    ("sliced", {"n_projections": 32}),
    ("edge", {"bandwidth": "rule"}),
    ("renyi", RENYI),
    ("renyi", RENYI | {"standardise": True}),
    ("lnn", {}),
    ("lga", {}),
    ("bmm", {"burn_in": 10, "n_draws": 10, "n_points": 500}),
    *((name, CRITIC) for name in ("mine", "nwj", "infonce", "smile", "js")),
    ("mine", CRITIC | {"margins": "standardised"}),
    ("sp", {"target": 0.05}),
    ("certified", {}),
    ("certified", {"of": "inputs"}),
    ("compressed", {"max_steps": 60, "components": 2, "code": 2}),
]
STILL = 1e-6
"""Bits up to which sums in another order differ."""


def ids(case):
    return " ".join([case[0], *map(str, case[1].values())]) if isinstance(case, tuple) else ""


@pytest.mark.parametrize("case", SETTINGS, ids=ids)
def test_values_move_under_the_maps_that_an_estimator_names_and_no_others(case):
    name, settings = case
    estimator = from_written({"estimator": name, **settings})
    t = np.round(2 * T) if name == "exact" else T
    noise = {"centres": CENTRES, "sigma": 0.3}
    found = infoplane.audit(t, Y, x=X, estimator=name, repeats=1, **noise, **settings).moves
    # sp's values are Monte Carlo, whose error is at most its target
    still = 5 * settings["target"] if name == "sp" else STILL
    asked = found[found["values"] > 0]
    assert len(asked) >= 6
    for row in asked.itertuples():
        moved = row.map in estimator.moved_by(row.quantity)
        assert (row.largest > still) == moved, (row.map, row.quantity, row.largest)


def test_every_estimator_says_what_would_change_its_numbers():
    assert {name for name, _ in SETTINGS} == set(ESTIMATORS) - {"clustering"}
    for name in ESTIMATORS:
        estimator = ESTIMATORS[name]()
        for of in ("ixt", "ity"):
            said = estimator.what_changes(of)
            assert len(said) > 20 and estimator.statements()[f"changes_{of}"] == said
            for key, words in COORDINATES.items():
                untold = (key == "monotone" and estimator.needs_noise) or name == "clustering"
                assert (words in said) != bool(untold)
    assert ESTIMATORS["exact"]().what_changes("ixt").endswith("do not move it")
    units = ESTIMATORS["binned"](n_bins=9, range="unit").what_changes("ixt")
    assert units.endswith(
        "rotations and monotone functions of units move it, unit rescalings and permutations "
        "do not"
    )


def value(name, **settings):
    return infoplane.estimate(T, Y, x=X, estimator=name, **settings).ixt.value


def test_settings_change_numbers_in_the_direction_that_is_said():
    binned = [value("binned", n_bins=n) for n in (2, 4, 8, 16)]
    assert "finer bins give more bits" in ESTIMATORS["binned"].changes
    assert np.all(np.diff(binned) > 0) and binned[-1] <= np.log2(len(T)) + 1e-9
    kde = [value("kde", noise_variance=v) for v in (1.0, 0.1, 0.01)]
    assert "less noise gives more bits" in ESTIMATORS["kde"].changes
    assert np.all(np.diff(kde) > 0) and kde[-1] <= np.log2(len(T)) + 1e-9
    assert value("kde", bound="lower") < value("kde")
    few = {"n_batches": 2, "batch_size": 128}
    renyi = [value("renyi", **few, width=w, width_b=w) for w in (4.0, 1.0, 0.25)]
    assert "narrower kernels give more bits" in ESTIMATORS["renyi"].changes
    assert np.all(np.diff(renyi) > 0) and renyi[-1] <= np.log2(128) + 1e-9


def test_an_estimator_that_says_nothing_has_nothing_said():
    class Own(infoplane.LayerEstimator):
        def estimate(self, samples):
            raise NotImplementedError

    assert Own(estimator="own").what_changes("ixt") == ""
