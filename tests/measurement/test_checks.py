"""The data processing inequality on hand-made planes."""

import numpy as np
import pandas as pd
import pytest

from infoplane.measurement import checks

LABELLED = {"measure": {"y": "label"}}
CHAIN = {"zeta": ["input"], "alpha": ["zeta"], "output": ["alpha"]}


def plane(ixt, ity, **columns):
    """One seed and epoch; layers in an order that is not alphabetical."""
    layers = ["zeta", "alpha", "output"][: len(ixt)]
    return pd.DataFrame(
        {
            "run": "r",
            "estimator": "e",
            "seed": 3,
            "epoch": 7,
            "layer": layers,
            "ixt": ixt,
            "ity": ity,
            "flags": "",
            "entropy_x": 12.0,
            "entropy_y": 1.0,
            **columns,
        }
    )


def test_a_plane_in_order_has_no_violation():
    assert checks.violations(plane([5, 4, 3], [0.9, 0.8, 0.7]), CHAIN).empty


def test_a_layer_that_knows_more_than_the_one_before_is_named():
    found = checks.violations(plane([5, 6, 3], [0.9, 0.8, 0.7]), CHAIN)
    (row,) = found.itertuples()
    assert (row.seed, row.epoch, row.quantity) == (3, 7, "ixt")
    assert (row.layer, row.before, row.value, row.value_before) == ("alpha", "zeta", 6, 5)
    assert row.excess == 1
    # no standard error: 10 % of 5 and of 6, together
    assert row.tolerance == pytest.approx(np.hypot(0.5, 0.6))
    assert not row.proven


def test_the_first_layer_is_bounded_by_the_data():
    found = checks.violations(plane([13.0, 4, 3], [1.3, 0.8, 0.7], entropy_x=10.0), CHAIN)
    assert list(found.layer) == ["zeta", "zeta"]
    assert list(found.before) == ["H(X)", "H(Y)"]
    assert list(found.value_before) == [10, 1]


@pytest.mark.parametrize(("stderr", "n"), [(0.01, 1), (0.1, 0)])
def test_the_tolerance_is_that_of_the_estimators_own_error(stderr, n):
    # the difference of 0.2 has a standard error of √2 stderr, three of which are 0.04 or 0.42
    table = plane([5, 5.2], [0.9, 0.8], ixt_stderr=stderr)
    assert len(checks.violations(table, CHAIN)) == n


def test_bounds_that_exclude_each_other_prove_a_violation():
    bounds = {"ixt_interval_low": [4.9, 5.9], "ixt_interval_high": [5.5, 6.5]}
    (row,) = checks.violations(plane([5, 6], [0.9, 0.8], **bounds), CHAIN).itertuples()
    assert row.proven


@pytest.mark.parametrize(
    ("before", "value", "columns", "proven"),
    [
        (11.95, 11.99, {}, []),  # both at H(X) = 12
        (11.95, 12.02, {}, []),  # above it, by less than three standard errors
        (11.95, 12.04, {}, [False]),
        (11.5, 11.99, {}, [False]),  # the first is not there
        (7.95, 7.99, {"ixt_cap": 8.0}, []),
        # what intervals rule out stays a violation
        (11.95, 11.99, {"low": [11.94, 11.98], "high": [11.96, 12.0]}, [True]),
    ],
)
def test_values_at_the_ceiling_are_no_violation_unless_it_is_proven(
    before, value, columns, proven
):
    named = {f"ixt_interval_{k}" if k in ("low", "high") else k: v for k, v in columns.items()}
    table = plane([before, value], [0.9, 0.8], ixt_stderr=[0.0, 0.01], **named)
    found = checks.violations(table, CHAIN)
    assert list(found.proven) == proven


def test_seeds_epochs_and_missing_values_are_kept_apart():
    first = plane([5, 4, 3], [0.9, 0.8, 0.7])
    # lower values at another epoch and seed must not be taken for the layer before
    second = plane([2, 1, 0], [0.3, 0.2, 0.1]).assign(epoch=8)
    third = plane([np.nan, 9, 8], [np.nan, 0.8, 0.7]).assign(seed=4)
    shuffled = pd.concat([second, third, first])
    assert checks.violations(shuffled, CHAIN).empty


def test_violations_become_flags():
    table = plane([5, 6, 3], [0.9, 0.8, 0.7], ixt_interval_low=np.nan)
    table["flags"] = ["saturated", "saturated", ""]
    marked = checks.flagged(table, checks.violations(table, CHAIN))
    assert list(marked["flags"]) == ["saturated", "saturated|violates_dpi", ""]
    assert list(checks.flagged(table, checks.violations(table, CHAIN)[:0])["flags"]) == list(
        table["flags"]
    )


def test_a_layer_is_compared_along_its_edge_and_not_with_its_neighbour():
    residual = {"zeta": ["input"], "alpha": [], "output": ["zeta"]}
    found = checks.violations(plane([5, 6, 5.9], [0.5, 0.4, 0.9]), residual)
    named = list(zip(found.quantity, found.layer, found.before, strict=True))
    assert named == [("ixt", "output", "zeta"), ("ity", "output", "zeta")]


def test_a_layer_of_two_or_of_none_is_compared_with_its_own_epochs_entropies():
    joint = {"zeta": ["input"], "alpha": ["zeta", "input"], "output": ["unmeasured"]}
    table = plane([5, 6, 7], [0.5, 0.6, 0.7])
    late = table.assign(epoch=8, entropy_x=4.0)
    found = checks.violations(pd.concat([table, late]), joint)
    assert list(zip(found.epoch, found.layer, found.before, strict=True)) == [
        (8, layer, "H(X)") for layer in ("zeta", "alpha", "output")
    ]
    assert list(found.value_before) == [4, 4, 4]


def test_layers_without_an_edge_are_named():
    assert checks.without_edge(CHAIN) == ""
    said = checks.without_edge({**CHAIN, "alpha": ["zeta", "input"], "head": []})
    assert said.endswith("alpha (of zeta and input at once), head (no known edge)")


def test_violations_of_a_store_are_those_of_its_edges_unless_it_is_exempt():
    table, about = plane([5, 6, 3], [0.9, 0.8, 0.7], entropy_x=5.5), {"after": CHAIN}
    about |= LABELLED
    expected = checks.violations(table, CHAIN)
    assert len(expected) == 1
    pd.testing.assert_frame_equal(checks.violations_of(table, about, ""), expected)
    assert checks.violations_of(table, about, "another quantity").empty


def test_a_reconstruction_is_known_better_by_the_layers_nearer_to_it():
    rising, falling = plane([5, 4, 3], [1.0, 2.0, 3.0]), plane([5, 4, 3], [3.0, 1.0, 2.0])
    rising = rising.assign(entropy_y=np.nan)
    about = {"after": CHAIN, "measure": {"y": "reconstruction"}}
    assert checks.violations_of(rising, about, "").empty
    assert len(checks.violations_of(rising.assign(entropy_y=1.0), LABELLED | about, "")) == 1
    (row,) = checks.violations_of(falling.assign(entropy_y=np.nan), about, "").itertuples()
    assert (row.quantity, row.layer, row.before) == ("ity", "zeta", "alpha")
    assert (row.value, row.value_before) == (3.0, 1.0)
    # I(X;T) of three layers, I(T;X̂) of two with the next one: H(X̂) is not known
    assert checks.n_compared(rising, about) == 5
    assert checks.n_compared(rising, LABELLED) == 6


def test_only_layers_through_which_all_of_the_input_goes_are_compared_with_a_reconstruction():
    layers = ["a", "b", "c", "output"]
    skip = {"a": ["input"], "b": ["a"], "c": ["b"], "output": ["a", "c"]}
    assert checks.edges_to_output(layers, skip) == {}
    chain = {**skip, "output": ["c"], "c": ["a", "b"]}
    assert checks.edges_to_output(layers, chain) == {"c": "output"}
    assert checks.edges_to_output(layers[:-1], chain) == {}  # the output is not measured
