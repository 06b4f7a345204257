import numpy as np
import pandas as pd
import pytest

from infoplane.figures import bins


@pytest.mark.parametrize("first, last", [(0, 3000), (1, 3000), (1, 100_000), (500, 8000)])
def test_bins_hold_every_epoch_once_and_are_even_on_the_axis(first, last):
    epochs = np.arange(first, last + 1)
    found = bins.of_epochs(epochs)
    assert found.index.tolist() == epochs.tolist()
    rows = found.drop_duplicates()
    assert 50 <= len(rows) <= bins.BINS
    assert rows.n_epochs.sum() == len(epochs)
    assert rows.first_epoch.tolist() == [first, *(rows.last_epoch[:-1] + 1)]
    assert (rows.last_epoch - rows.first_epoch + 1 == rows.n_epochs).all()
    assert rows.epoch.between(rows.first_epoch, rows.last_epoch).all()
    widths = np.diff(np.log1p(rows.first_epoch))
    many = rows.n_epochs.to_numpy()[:-1] > 30
    np.testing.assert_allclose(widths[many], widths[many].mean(), rtol=0.1)


def test_early_epochs_stay_single_and_where_they_are():
    rows = bins.of_epochs(range(3001)).drop_duplicates()
    assert rows.epoch.tolist()[:8] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert bins.single_until(rows) == 8
    assert bins.ends(rows) == (0, 3000)
    assert bins.text(rows) == f"epochs averaged in {len(rows)} bins"


def test_few_epochs_are_left_alone():
    epochs = [0, *range(3000, 3000 + bins.BINS - 1)]  # all but one would share a bin
    rows = bins.of_epochs([*epochs, *epochs])
    assert rows.epoch.tolist() == epochs and set(rows.n_epochs) == {1}
    assert bins.single_until(rows) is None and bins.text(rows) == ""
    assert bins.of_epochs([]).empty


def test_means_are_of_seeds_first_and_leave_out_what_is_not_finite():
    epochs = range(bins.BINS + 920)
    table = pd.DataFrame([(s, e) for s in (0, 1) for e in epochs], columns=["seed", "epoch"])
    table["value"] = table.epoch + 100.0 * table.seed
    table.loc[(table.seed == 1) & (table.epoch == epochs[-1]), "value"] = -np.inf
    last = bins.over_seeds(table, [], ["value"]).iloc[-1]
    inside = np.arange(last.first_epoch, last.last_epoch + 1)
    assert last.last_epoch == epochs[-1] and last.n_epochs == len(inside) > 10
    seeds = [inside.mean(), inside[:-1].mean() + 100]
    assert last.value_mean == pytest.approx(np.mean(seeds))
    assert last.value_sd == pytest.approx(np.std(seeds, ddof=1))


def test_a_seed_that_appears_twice_is_an_error(metrics):
    with pytest.raises(ValueError, match="appear twice"):
        bins.over_seeds(pd.concat([metrics(), metrics()]), [], ["loss_train"])
