"""An autoencoder from its file to its planes, with the label and with its reconstruction."""

import json

import numpy as np
import pytest

from infoplane.stores.information import read_information
from infoplane.stores.weights import WeightsStore

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

EXPERIMENT = {
    "experiment": "folded",
    "datasets": {
        "rows": {"source": "digits", "size": 300},
        "maps": {"source": "digits", "size": 200, "flatten": False},
    },
    "estimators": {"renyi": {"estimator": "renyi"}, "binned": {"estimator": "binned"}},
    "defaults": {
        "dataset": "rows",
        "network": {"family": "autoencoder", "encoder": [16], "bottleneck": 2},
        "training": {"target": "input", "epochs": 4, "batch_size": 50, "device": "cpu"},
        "measure": {"y": "reconstruction", "epochs": {"schedule": "all"}, "device": "cpu"},
        "seeds": 2,
    },
    "runs": {
        "rows": {"training": {"denoise": {"masked": 0.2}}},
        "rows-label": {"training": {"denoise": {"masked": 0.2}}, "measure": {"y": "label"}},
        "maps": {
            "dataset": "maps",
            "network": {
                "encoder": [{"stage": "conv", "channels": 2, "kernel": 3}, {"stage": "pool"}],
                "output": "sigmoid",
                "tied": True,
            },
            "training": {"loss": "cross_entropy"},
        },
    },
}


@pytest.fixture(scope="module")
def folded(fresh):
    project = fresh()
    project.snakemake("--configfile", project.configure(EXPERIMENT))
    return project


def test_runs_that_differ_in_y_alone_share_their_weights(folded):
    runs = folded.results("folded", "runs")
    assert [path.parent.parent.name for path in sorted(runs.glob("*/weights/*"))] == [
        "maps",
        "rows",
    ]
    store = WeightsStore(next(runs.glob("rows/weights/*")))
    loss = store.metrics()["loss_test"].values
    assert [m.name for m in store.declared if not m.by_layer] == ["loss_train", "loss_test"]
    assert np.all(loss[:, -1] < loss[:, 0])


@pytest.mark.parametrize("run", ["rows", "maps"])
def test_planes_are_of_the_reconstruction(folded, run):
    place = folded.results("folded", "runs", run)
    table, about = read_information(next(place.glob("information/renyi/*")))
    assert about["measure"]["y"] == "reconstruction"
    assert table[["entropy_y", "information_xy"]].isna().all(axis=None)
    assert table.ity.notna().all()
    assert list(dict.fromkeys(table.layer))[-1] == "output"
    said = json.loads((place / "figures" / "information_plane-renyi.json").read_text())
    assert "I(T;X̂) against I(X;T)" in said["caption"]


def test_the_label_is_the_other_axis(folded):
    place = folded.results("folded", "runs")
    ours = [
        read_information(next((place / run).glob("information/binned/*")))[0]
        for run in ("rows", "rows-label")
    ]
    np.testing.assert_allclose(ours[0].ixt, ours[1].ixt)
    assert np.allclose(ours[1].entropy_y, ours[1].entropy_y.iloc[0])
    assert not np.allclose(ours[0].ity, ours[1].ity)
    report = folded.results("folded", "report.html").read_text()
    assert "I(T;X̂)" in report and "I(T;Y)" in report
