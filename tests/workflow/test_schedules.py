"""An adaptive schedule from the file of an experiment to its report."""

import csv
from itertools import pairwise

import numpy as np
import pytest

from infoplane.stores.archive import attributes

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

ENTROPY = {"ixt": "entropy_x", "ity": "entropy_y"}
DELTA = {"schedule": "delta_exact", "delta": 0.05}
LAST = 60
CHANGES = {
    "defaults.measure.epochs": DELTA,
    "defaults.training.epochs": LAST,
    "defaults.training.optimizer": {"method": "adam", "learning_rate": 0.02},
    "runs": {"tanh": {"network": {"activation": "tanh"}}},
    "figures": None,
}
BLOCKS = ("seeds-0-1", "seeds-2-2")
MEASURED = {
    f"tiny/runs/tanh/{made}"
    for by in ("binned", "kde")
    for made in (f"information/{by}/{block}.zarr.zip" for block in BLOCKS)
} | {"tiny/runs/tanh/figures", "tiny/report.html"}


@pytest.fixture(scope="module")
def project(fresh, tiny):
    project = fresh()
    project.snakemake("--configfile", project.configure(tiny, CHANGES))
    return project


@pytest.mark.parametrize("estimator", ["binned", "kde"])
def test_neighbours_in_the_store_are_within_delta_or_adjacent(project, arrays_of, estimator):
    epochs_of = {}
    for block in BLOCKS:
        store = project.results(f"tiny/runs/tanh/information/{estimator}/{block}.zarr.zip")
        arrays, about = arrays_of(store), attributes(store)
        entropies = {name: arrays[f"//{of}"].flat[0] for name, of in ENTROPY.items()}
        epochs = epochs_of[block] = arrays["//epoch"].tolist()
        assert epochs[0] == 0 and epochs[-1] == LAST and len(epochs) <= LAST
        assert about["n_kept"] == LAST + 1
        shifts = {
            name: np.abs(np.diff(arrays[f"//{name}"], axis=1)).max(axis=(0, 2)) / entropy
            for name, entropy in entropies.items()
        }
        for i, (one, other) in enumerate(pairwise(epochs)):
            assert other == one + 1 or max(shift[i] for shift in shifts.values()) <= 0.05
    assert epochs_of[BLOCKS[0]] != epochs_of[BLOCKS[1]]


def test_the_report_and_its_figures_say_what_was_measured(project):
    report = project.results("tiny/report.html").read_text()
    assert f"of {LAST + 1} kept epochs, δ = 0.05 of H(X) and H(Y)" in report
    assert "joined linearly for the mean" in report
    with project.results("tiny/runs/tanh/figures/information_plane-kde.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["n_seeds"] for row in rows} == {"3"}
    assert {"0", "1"} <= {row["n_interpolated"] for row in rows} <= {"0", "1", "2"}


def test_another_delta_measures_again_and_trains_nothing(project, tiny):
    project.configure(tiny, {**CHANGES, "defaults.measure.epochs": {**DELTA, "delta": 0.1}})
    assert project.plan("--configfile", "experiment.yaml") == MEASURED
