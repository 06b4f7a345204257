"""I(X;T) against H(Bin(T)): correlations of known tables, layers without any."""

import numpy as np
import pytest

from infoplane.figures import FIGURES


@pytest.fixture
def compared(information):
    """alpha: binned entropy in step with I(X;T); output: against it; zeta: never varies."""
    table = information(seeds=3).copy()
    table["entropy_binned"] = 2 * table.ixt + 1
    table.loc[table.layer == "output", "entropy_binned"] = -(table.ixt**3)
    table.loc[table.layer == "zeta", "entropy_binned"] = 5.0
    # seeds that differ would make the mean of cubes another thing than the cube of the mean
    first = table[table.seed == 0].set_index(["epoch", "layer"])
    for column in ("ixt", "entropy_binned"):
        places = zip(table.epoch, table.layer, strict=True)
        table[column] = [first[column][place] for place in places]
    return table


def test_correlations_are_those_of_the_means(compared):
    shown = (
        FIGURES["binned_entropy"].numbers(compared).drop_duplicates("layer").set_index("layer")
    )
    assert shown.pearson["alpha"] == pytest.approx(1)
    assert shown.spearman["output"] == pytest.approx(-1)
    assert -1 < shown.pearson["output"] < 0
    assert np.isnan(shown.pearson["zeta"]) and np.isnan(shown.spearman["zeta"])


def test_more_than_the_entropy_is_said(compared):
    compared.loc[(compared.seed == 1) & (compared.epoch == 10), "flags"] = "above_entropy"
    shown = FIGURES["binned_entropy"].numbers(compared)
    assert "Of 45 values, 3 are above H(X) or H(Y)." in FIGURES["binned_entropy"].caption(shown)


def test_seeds_set_aside_and_missing_values_take_no_part(compared):
    wrong = compared.seed == 1
    compared.loc[wrong, ["ixt", "flags"]] = [99.0, "set_aside"]
    compared.loc[compared.seed == 2, "ixt"] = np.nan
    shown = FIGURES["binned_entropy"].numbers(compared)
    assert (shown.n_seeds == 1).all() and shown.ixt_mean.max() < 99
    assert shown.seeds_set_aside.iloc[0] == "1"


def test_each_panel_says_its_correlation(compared):
    figure = FIGURES["binned_entropy"].draw(compared)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "Pearson 1.00, Spearman 1.00" in said
    assert "no correlation: one of them hardly varies" in said
    caption = FIGURES["binned_entropy"].caption(FIGURES["binned_entropy"].numbers(compared))
    assert "alpha 1 and 1; output" in caption and "No correlation of zeta: one of" in caption


def test_nothing_in_common_is_said(compared):
    compared["entropy_binned"] = np.nan
    figure = FIGURES["binned_entropy"].draw(compared)
    assert "nothing to compare" in figure.texts[0].get_text()
