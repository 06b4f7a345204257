import numpy as np
import pandas as pd
import pytest

from infoplane.figures import sentences, tables


def test_numbers_equal_aggregates_by_hand(information):
    table = information(failed=(2,), saturated=("alpha",), lower=0.5)
    shown = tables.by_epoch_and_layer(table)
    assert len(shown) == 5 * 3
    for row in shown.itertuples():
        at = (table.epoch == row.epoch) & (table.layer == row.layer) & (table.seed != 2)
        ixt, ity = table.ixt[at].to_numpy(), table.ity[at].to_numpy()
        assert row.n_seeds == len(ixt) == 3
        assert row.ixt_mean == pytest.approx(ixt.sum() / 3)
        assert row.ity_mean == pytest.approx(ity.sum() / 3)
        assert row.ixt_sd == pytest.approx(np.sqrt(((ixt - ixt.mean()) ** 2).sum() / 2))
        assert row.ixt_interval_low_mean == pytest.approx(ixt.mean() - 0.5)
        assert np.isnan(row.ity_interval_low_mean)
        assert row.n_saturated == row.n_hollow == (3 if row.layer == "alpha" else 0)
        assert row.n_not_a_bound == 3 and row.ixt_cap == 12
    assert set(shown.seeds_left_out) == {"2"}


def test_layers_keep_their_order_of_appearance(information):
    shown = tables.by_epoch_and_layer(information())
    assert tables.layers_of(shown) == ["zeta", "alpha", "output"]
    assert shown.epoch.is_monotonic_increasing


def test_a_seed_that_fails_midway_is_left_out_whole(information):
    table = information()
    late = (table.seed == 1) & (table.epoch > 10)
    table.loc[late, "flags"] = "training_failed"
    table.loc[late, ["ixt", "ity"]] = np.nan
    shown = tables.by_epoch_and_layer(table)
    assert set(shown.n_seeds) == {3}
    assert tables.left_out(shown) == "seed 1 failed, left out"


def test_seeds_set_aside_are_left_out_and_told_apart_from_those_that_failed(information):
    table = information(failed=(2,))
    aside = table.seed.isin([0, 3])
    table.loc[aside, ["ixt", "ity"]] = np.nan
    table.loc[aside, "flags"] = "set_aside"
    shown = tables.by_epoch_and_layer(table)
    assert set(shown.n_seeds) == {1}
    assert set(shown.seeds_left_out) == {"0|2|3"} and set(shown.seeds_set_aside) == {"0|3"}
    assert tables.left_out(shown) == "seed 2 failed, seeds 0, 3 set aside, left out"


def test_flags_survive_an_empty_csv_cell_and_match_whole_names():
    flags = pd.Series(["saturated|not_a_bound", None, "saturated", "unsaturated"])
    assert tables.has_flag(flags, "saturated").tolist() == [True, False, True, False]


def test_wrong_tables_are_named(information):
    table = information()
    with pytest.raises(ValueError, match="lacks ixt_cap"):
        tables.by_epoch_and_layer(table.drop(columns="ixt_cap"))
    with pytest.raises(ValueError, match="no rows"):
        tables.by_epoch_and_layer(table[:0])
    with pytest.raises(ValueError, match=r"draws one run.*tanh, relu"):
        tables.by_epoch_and_layer(pd.concat([table, information(run="relu")]))
    with pytest.raises(ValueError, match="appear twice"):
        tables.by_epoch_and_layer(pd.concat([table, table]))


def some_epochs(table, kept):
    """The rows of every seed at its own epochs, {seed: epochs}."""
    own = [(table.seed == seed) & table.epoch.isin(epochs) for seed, epochs in kept.items()]
    return table[np.any(own, axis=0)]


def test_seeds_with_epochs_of_their_own_are_joined_linearly(information):
    table = information(seeds=3, saturated=("alpha",))
    for column in ("ixt", "ity"):  # straight lines, so that joining them is exact
        table[column] = table.seed + table.layer.str.len() + 0.001 * table.epoch
    whole = tables.by_epoch_and_layer(table)
    # adaptive schedules: seeds 0 and 1 are a block, seed 2 is another
    shared = [0, 1, 100, 3000]
    some = some_epochs(table, {0: shared, 1: shared, 2: [0, 10, 3000]})
    shown = tables.by_epoch_and_layer(some)
    assert list(shown.epoch) == list(whole.epoch) and list(shown.layer) == list(whole.layer)
    for column in ("ixt_mean", "ixt_sd", "ity_mean", "ity_sd", "n_seeds"):
        assert shown[column].tolist() == pytest.approx(whole[column].tolist())
    by_epoch = shown[shown.layer == "alpha"].set_index("epoch")
    assert by_epoch.n_interpolated.tolist() == [0, 1, 2, 1, 0]
    assert by_epoch.n_saturated.tolist() == [3, 2, 1, 2, 3]  # only what was measured
    assert set(whole.n_interpolated) == {0}


def test_nothing_is_joined_beyond_a_seeds_own_epochs_or_over_nan(information):
    table = information(seeds=2)
    some = some_epochs(table, {0: [0, 1, 10, 100, 3000], 1: [1, 100]})
    shown = tables.by_epoch_and_layer(some)
    assert shown[shown.layer == "zeta"].n_seeds.tolist() == [1, 2, 2, 2, 1]
    some = some_epochs(table, {0: [0, 1, 10, 100, 3000], 1: [0, 1, 100, 3000]}).copy()
    some.loc[(some.seed == 1) & (some.epoch == 100), "ixt"] = np.nan
    shown = tables.by_epoch_and_layer(some)
    assert shown[shown.layer == "zeta"].n_seeds.tolist() == [2, 2, 1, 1, 2]


def test_seeds_of_equal_epochs_are_left_as_they_are(information):
    table = information(failed=(1,))
    joined = tables.on_common_epochs(table, ["ixt", "ity"])
    assert not joined.interpolated.any()
    pd.testing.assert_frame_equal(joined.drop(columns="interpolated"), table)


def test_entropies_that_change_are_drawn_as_their_mean_and_the_caption_says_so(information):
    table = information(seeds=2, epochs=(0, 10))
    constant = tables.by_epoch_and_layer(table)
    assert tables.level(constant, "entropy_y") == 0.999 and not constant.entropies_differ.any()
    assert "means over" not in sentences.levels(constant)
    by_seed = table.assign(entropy_x=10.0 + table.seed + (table.epoch == 10))
    shown = tables.by_epoch_and_layer(by_seed)
    assert shown.groupby("epoch").entropy_x.unique().map(list).tolist() == [[10.5], [11.5]]
    assert tables.line(shown, "entropy_x") == {"mean H(X)": 11}
    assert tables.line(constant, "entropy_x") == {"H(X)": 12}
    said = sentences.levels(shown)
    assert (
        said.startswith("H(X) = 11 bits, H(Y) = 0.999")
        and "means over seeds and epochs" in said
    )
