"""Audits: what must move and what must not, and what is said of it."""

import numpy as np
import pytest

import infoplane
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.binned import Binned
from infoplane.estimators.mine import MINE
from infoplane.invariance.audit import COLUMNS, values_of
from infoplane.invariance.moves import moves_of
from infoplane.invariance.settings import MapSettings
from infoplane.samples import Samples

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(600, 3)).astype(np.float32)
T = np.tanh(X @ RANDOM.normal(size=(3, 2))).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def audit(estimator, **settings):
    return infoplane.audit(T, Y, x=X, estimator=estimator, **settings)


def largest(found, quantity="ixt"):
    moves = found.moves
    return moves[moves.quantity == quantity].set_index("map").largest


def test_binning_fails():
    """A range of the layer, 30 bins: a unit scaled down falls into few of them."""
    found = audit("binned", factor=100.0)
    moves = largest(found)
    assert moves["rescale"] > 0.5
    assert moves["monotone"] > 0.1
    assert moves["permute"] == 0
    assert "binned: I(X;T) moves" in str(found)
    assert "under unit rescalings" in str(found)


def test_what_counts_values_stays():
    found = infoplane.audit(np.round(3 * T), Y, estimator="exact")
    assert found.table.ixt.nunique() == 1
    assert largest(found).max() == largest(found, "ity").max() == 0
    said = "exact: no value moves by more than 0.1 bit under unit rescalings, rotations, mono"
    assert said in str(found)
    assert "the largest that they can be" not in str(found)


def test_neighbours_move_less_than_kernels_of_one_width():
    ksg, kde = (largest(audit(name, repeats=2, maps=["rescale"])) for name in ("ksg", "kde"))
    assert ksg["rescale"] < 0.1 < 1 < kde["rescale"]  # ksg gives every unit the same scale


def test_sliced_is_exempt_and_says_so():
    found = audit("sliced", maps=["permute"], repeats=1)
    assert "sliced is exempt: it is the mean information of projections" in str(found)
    assert np.isfinite(found.table.ixt).all()
    exempt = {name for name in ESTIMATORS if ESTIMATORS[name].not_invariant}
    assert exempt == {"sliced"}


def test_values_at_their_limit_are_told():
    found = infoplane.audit(T * 1e4, Y, estimator="binned", width=0.5, repeats=1)
    assert largest(found).max() < 0.1
    assert "100% of the values are the largest that they can be" in str(found)


def test_estimators_of_noisy_layers_get_the_noise_in_the_new_coordinates():
    noisy = T + 0.1 * RANDOM.normal(size=T.shape).astype(np.float32)
    found = infoplane.audit(noisy, Y, centres=T, sigma=0.1, estimator="sp", repeats=1)
    moves = largest(found)
    assert moves[["rescale", "rotate", "permute"]].max() < 0.1
    assert np.isnan(moves["monotone"])
    assert "not asked under monotone functions of units: needs the size" in str(found)
    without = infoplane.audit(noisy, Y, estimator="sp", repeats=1, maps=["permute"])
    assert "the layer has no noise of its own" in str(without)


def test_ranges_over_training_and_memory_are_those_of_the_call():
    layers = [Samples.of(T, Y, X, layer="a", seed=0, epoch=e) for e in (1, 2)]
    settings = MapSettings(maps=["permute"], repeats=1)
    table = values_of(Binned(range="layer_over_training"), layers, settings)
    alone = values_of(Binned(), layers, settings)
    assert list(table.columns) == list(COLUMNS)
    assert table.ixt.tolist() == alone.ixt.tolist()
    few = [Samples.of(one.t[:80, 0], one.y[:80], one.x[:80], epoch=one.epoch) for one in layers]
    own = MINE(warm_start=True, max_steps=50)
    first = values_of(own, few, settings)
    assert first.ixt[:2].tolist() == first.ixt[2:].tolist()  # nothing goes on from epoch 1


def test_moves_are_distances_from_the_layer_as_it_is():
    settings = MapSettings(maps=["rescale", "permute"], repeats=2, factor=50)
    layers = [Samples.of(T, Y, layer=name, seed=0, epoch=3) for name in "ab"]
    table = values_of(Binned(), layers, settings)
    moves = moves_of(table.assign(run="r", estimator="b"))
    row = moves[(moves["map"] == "rescale") & (moves.quantity == "ixt")].iloc[0]
    before = table[table["map"] == "none"].set_index("layer").ixt
    after = table[table["map"] == "rescale"]
    far = (after.ixt - after.layer.map(before)).abs()
    assert (row["values"], row.largest) == (4, far.max())
    assert row["median"] == far.median()
    assert row.beyond == (far > 0.1).mean()
    assert (row.run, row.layer) == ("r", after.loc[far.idxmax(), "layer"])
    assert abs(row.after - row.before) == row.largest


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="audit: maps must be 'rescale', 'rotate'"):
        audit("kde", maps=["turn"])
    with pytest.raises(ValueError, match="audit: factor must be greater than 1"):
        audit("kde", factor=1.0)
    with pytest.raises(ValueError, match="estimator kde: noise_varianc"):
        audit("kde", noise_varianc=1.0)
    with pytest.raises(ValueError, match="clustering gives no information"):
        audit("clustering")
    with pytest.raises(ValueError, match="'permute' is listed twice"):
        audit("kde", maps=["permute", "permute"])
