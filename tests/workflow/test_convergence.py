"""Critics of maps through a training, carried over and fresh: curves in stores and figures."""

import csv

import pytest

from infoplane.stores.information import read_curves, read_information

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

CRITIC = {
    "estimator": "mine",
    "curves": True,
    "channels": [3],
    "width": 8,
    "max_steps": 40,
    "evaluate_every": 10,
}
EXPERIMENT = {
    "experiment": "shared",
    "datasets": {"digits": {"source": "digits", "flatten": False, "size": 200}},
    "estimators": {"carried": {**CRITIC, "warm_start": True}, "fresh": CRITIC},
    "runs": {
        "cnn": {
            "dataset": "digits",
            "network": {
                "family": "cnn",
                "stages": [
                    {"stage": "conv", "channels": 2, "kernel": 3},
                    {"stage": "flatten"},
                ],
            },
            "training": {"batch_size": 64, "epochs": 2, "device": "cpu"},
            "measure": {
                "reading": "whole",
                "epochs": {"schedule": "every", "n": 1},
                "device": "cpu",
            },
            "seeds": 1,
            "shards": 2,
        }
    },
    "figures": {},
}
STORE = "runs/cnn/information/{by}/seeds-0-0.zarr.zip"


@pytest.fixture(scope="module")
def project(fresh):
    """In two shards, and in none: of those that go on from epoch to epoch there are none."""
    project = fresh()
    project.configure(EXPERIMENT)
    targets = ("figure_convergence_curves", "figure_convergence_steps")
    said = project.snakemake(*targets, "--configfile", "experiment.yaml")
    assert said.count("estimate part ") == 2
    config = project.configure(
        EXPERIMENT, {"experiment": "whole", "runs.cnn.shards": 1}, "whole.yaml"
    )
    target = f"results/whole/{STORE.format(by='fresh')}"
    project.snakemake(target, "--configfile", config)
    return project


def test_shards_change_no_bit_of_a_curve(project, assert_same_bits):
    stores = [project.results(name, STORE.format(by="fresh")) for name in ("shared", "whole")]
    assert_same_bits(*stores)
    curves = read_curves(stores[0])
    assert set(curves.layer) == {"conv1", "output"} and set(curves.quantity) == {"ixt", "ity"}
    assert sorted(set(curves.step)) == [0, 10, 20, 30, 40] and set(curves.epoch) == {0, 1, 2}


def test_carried_critics_begin_where_those_of_the_epoch_before_were_best(project):
    store = project.results("shared", STORE.format(by="carried"))
    curves, (table, about) = read_curves(store), read_information(store)
    assert about["read"].startswith("maps whole")
    assert table.ixt_carried.tolist() == table.ity_carried.tolist() == [0, 0, 1, 1, 1, 1]
    fresh = read_curves(project.results("shared", STORE.format(by="fresh")))
    where = ["seed", "epoch", "layer", "quantity"]
    first = curves[curves.step == 0].set_index(where).bound
    of_fresh = fresh[fresh.step == 0].set_index(where).bound
    # Both are fresh at the first epoch; then those carried over know more than new ones.
    assert (first.xs(0, level="epoch") == of_fresh.xs(0, level="epoch")).all()
    later = first.index.get_level_values("epoch") > 0
    assert (first[later] > of_fresh[later]).all()


def test_figures_stand_with_their_numbers(project):
    home = project.results("shared/runs/cnn/figures")
    for kind in ("convergence_curves", "convergence_steps"):
        assert (home / f"{kind}-carried-fresh.png").exists()
    with (home / "convergence_steps-carried-fresh.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["measure"] for row in rows} == {"steps", "steps_to_level", "value"}
    assert {int(row["n_pairs"]) for row in rows if row["layer"] == "output"} == {2}
