"""Phases of every layer of a table of information."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infoplane.phases.curves import phases_of
from infoplane.phases.layers import of_layers

LIBRARY = Path(__file__).parents[2] / "workflow"
EPOCHS = (0, 1, 10, 100)
CURVES = {"zeta": (5.0, 7, 6, 4), "alpha": (1.0, 2, 3, 4), "output": (np.nan,) * 4}


def table(n=5, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        {
            "seed": s,
            "epoch": epoch,
            "layer": layer,
            "ixt": curve[i] + rng.normal(0, 0.1),
            "ity": 0.1 * i + rng.normal(0, 0.01),
            "gradient_snr": np.nan if epoch == 0 else 10.0 / epoch,
        }
        for s in range(n)
        for i, epoch in enumerate(EPOCHS)
        for layer, curve in CURVES.items()
    ]
    return pd.DataFrame(rows)


def test_a_row_has_what_the_curves_have():
    given = table()
    found = of_layers(given).set_index("layer")
    assert list(found.index) == ["zeta", "alpha"]  # as they appear; not measured: left out
    part = given[given.layer == "zeta"]
    curves = {
        name: part.pivot(index="seed", columns="epoch", values=name).to_numpy()
        for name in ("ixt", "ity", "gradient_snr")
    }
    expected = phases_of(np.array(EPOCHS), **curves)
    row = found.loc["zeta"]
    assert (row.turn, row.turn_first, row.turn_last) == expected.turn == (1, 1, 1)
    for name in ("compression", "rise", "fitting", "ity_end", "gradient_snr"):
        mine = row[name], row[f"{name}_lower"], row[f"{name}_upper"]
        assert mine == pytest.approx(getattr(expected, name)[:3])
    assert row.compresses and row.rises and row.fits
    assert not found.loc["alpha"].compresses and found.loc["alpha"].turn == 100
    assert row.ixt_start == pytest.approx(part[part.epoch == 0].ixt.mean())


def test_networks_count_in_the_order_of_their_seeds():
    given = table()
    pd.testing.assert_frame_equal(
        of_layers(given), of_layers(given.sort_values("seed", ascending=False, kind="stable"))
    )


def test_epochs_that_some_seed_lacks_are_left_out():
    given = table()
    given.loc[(given.seed == 2) & (given.epoch == 100), "ixt"] = np.nan
    found = of_layers(given)
    assert found.set_index("layer").loc["zeta", "n_epochs"] == 3


def test_a_seed_that_was_not_measured_is_left_out():
    given = table()
    given.loc[given.seed == 2, ["ixt", "ity"]] = np.nan
    pd.testing.assert_frame_equal(of_layers(given), of_layers(given[given.seed != 2]))


def test_few_seeds_leave_phases_open():
    assert of_layers(table(n=2)).compresses.isna().all()
    assert of_layers(table(n=1)).compresses.isna().all()


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="lacks ity"):
        of_layers(table().drop(columns="ity"))


def test_phases_need_no_torch():
    code = "import sys, infoplane.phases.layers; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
