"""Small planes of one run under several settings, and what their settings are called."""

import numpy as np
import pandas as pd
import pytest

from infoplane.figures import FIGURES, clustering_curves, sensitivity, variants


@pytest.fixture
def swept(information):
    """Two variants of one estimator on one run."""
    parts = [
        information(estimator=f"binned-n_bins_{n}", shift=n / 100).assign(
            variant=f"n_bins = {n}"
        )
        for n in (10, 30)
    ]
    return pd.concat(parts, ignore_index=True)


def test_every_variant_has_a_plane_of_its_own_numbers(swept):
    numbers = FIGURES["sensitivity"].numbers(swept)
    assert list(dict.fromkeys(numbers.variant)) == ["n_bins = 10", "n_bins = 30"]
    means = swept.groupby(["variant", "epoch", "layer"]).ixt.mean()
    for row in numbers.itertuples():
        expected = means[row.variant, row.epoch, row.layer]
        assert row.ixt_mean == pytest.approx(expected)


def test_panels_share_axes_and_are_titled_by_their_setting(swept):
    figure = FIGURES["sensitivity"].draw(swept)
    first, second = figure.axes[:2]
    assert first.get_title() == "n_bins = 10" and second.get_title() == "n_bins = 30"
    assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()


def test_the_fall_is_that_of_the_last_hidden_layer(information):
    table = information(epochs=(0, 1, 10))
    for epoch, value in ((0, 1.0), (1, 8.0), (10, 4.0)):
        table.loc[(table.layer == "alpha") & (table.epoch == epoch), "ixt"] = value
    shown = FIGURES["sensitivity"].numbers(table.assign(variant="v"))
    assert sensitivity.fall(shown) == "alpha: 1 → 8 → 4 bits"


def test_the_caption_names_the_settings(swept):
    numbers = FIGURES["sensitivity"].numbers(swept)
    text = FIGURES["sensitivity"].caption(numbers, {"range": "layer"})
    assert "n_bins = 10; n_bins = 30" in text


def test_settings_are_told_apart_by_what_differs():
    settings = {
        "a": {"estimator": "binned", "n_bins": 10, "range": "layer"},
        "b": {"estimator": "binned", "n_bins": 30, "range": "layer"},
    }
    common, texts = variants.told_apart(settings)
    assert common == {"estimator": "binned", "range": "layer"}
    assert texts == {"a": "n_bins = 10", "b": "n_bins = 30"}
    assert variants.told_apart({"a": settings["a"]}) == (settings["a"], {"a": "a"})


@pytest.fixture
def clustered(information):
    table = information(seeds=3)
    rng = np.random.default_rng(0)
    for measure in clustering_curves.MEASURES:
        table[measure] = rng.uniform(0.1, 1, len(table))
    table["ixt"] = table["ity"] = np.nan
    return table


def test_clustering_is_averaged_over_seeds_and_drawn(clustered):
    numbers = FIGURES["clustering_curves"].numbers(clustered)
    row = numbers[(numbers.epoch == 10) & (numbers.layer == "alpha")].iloc[0]
    of = clustered[(clustered.epoch == 10) & (clustered.layer == "alpha")]
    for measure in clustering_curves.MEASURES:
        assert row[f"{measure}_mean"] == pytest.approx(of[measure].mean())
        assert row[f"{measure}_sd"] == pytest.approx(of[measure].std(ddof=1))
    figure = FIGURES["clustering_curves"].draw(clustered)
    lines = [line for axes in figure.axes for line in axes.lines if len(line.get_xdata()) > 1]
    assert len(lines) == len(clustering_curves.MEASURES) * 3
    assert "CDNV" in FIGURES["clustering_curves"].caption(numbers)
    assert FIGURES["clustering_curves"].alt(numbers)


def test_clustering_needs_its_measures(information):
    with pytest.raises(ValueError, match="lacks distance_within"):
        FIGURES["clustering_curves"].draw(information())


def test_one_class_has_no_logarithmic_axis(clustered):
    """Distances between classes are NaN then; saving is what looks for ticks."""
    nan = dict.fromkeys(("cdnv", "distance_between", "silhouette"), np.nan)
    FIGURES["clustering_curves"].draw(clustered.assign(**nan)).canvas.draw()
