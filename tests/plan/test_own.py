"""Modules and checkpoints of the user's own: what decides results, what is said before jobs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.networks.nets import Net

from infoplane.config import ConfigError, load
from infoplane.plan import own
from infoplane.plan.plan import Plan

NETWORK = {"family": "module", "path": "tests.networks.nets:Net"}


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """The user's own: eight features in two classes, and two epochs of two seeds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INFOPLANE_CACHE", "off")
    np.savez("mine.npz", x=np.random.default_rng(0).normal(size=(20, 8)), y=[0, 1] * 10)
    for seed in (2, 3):
        for epoch in (0, 1):
            torch.manual_seed(10 * seed + epoch)
            torch.save(Net().state_dict(), f"{seed}-{epoch}.pt")


def plan_of(network=None, supervised=False, **training):
    chosen = {"trainer": "adopt", "files": "{seed}-{epoch}.pt"} | training
    if supervised:
        chosen = {"epochs": 1}
    config = {
        "experiment": "own",
        "datasets": {"mine": {"source": "arrays", "path": "mine.npz"}},
        "estimators": {"binned": {"estimator": "binned"}},
        "runs": {"own": {"dataset": "mine", "network": network or NETWORK, "training": chosen}},
    }
    return Plan(load(config, file="own.yaml"), "results/own")


def recipe(**training):
    return plan_of(**training).recipes.weights("own", "seeds-2-3")


def test_seeds_and_epochs_are_those_of_the_files():
    run = plan_of().experiment.runs["own"]
    assert run.seeds == [2, 3]
    assert list(run.training.numbers) == [0, 1]


def test_the_bytes_of_checkpoints_count_and_not_their_names():
    before = recipe()
    for file in Path().glob("*.pt"):
        file.rename(f"net-{file.name}")
    assert recipe(files="net-{seed}-{epoch}.pt") == before
    torch.save(Net().state_dict(), "net-2-1.pt")
    assert recipe(files="net-{seed}-{epoch}.pt") != before


def test_what_fits_is_planned_without_a_word():
    plan = plan_of()
    assert own.problems(plan.experiment, plan.known) == []


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"arguments": {"width": 3}}, "2-0.pt: first.weight is of shape (6, 8)"),
        ({"path": "tests.networks.nets:TwoHeads"}, "2-0.pt: lacks trunk.0.weight"),
    ],
)
def test_checkpoints_that_do_not_fit_the_module_are_named(network, said):
    plan = plan_of(NETWORK | network)
    (line,) = own.problems(plan.experiment, plan.known)
    assert line.startswith("runs.own.training.files: ") and said in line


def test_a_module_that_gives_no_scores_cannot_be_trained():
    plan = plan_of(NETWORK | {"path": "tests.networks.nets:One"}, supervised=True)
    (line,) = own.problems(plan.experiment, plan.known)
    assert "runs.own.network.path: tests.networks.nets:One returns shape (1,)" in line


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"layers": ["frist"]}, "runs.own.network.layers: 'frist' matches no layer"),
        ({"path": "nowhere:Net"}, "runs.own.network.path: 'nowhere' of 'nowhere:Net'"),
        (
            {"arguments": {"wide": 3}},
            "runs.own.network.arguments: tests.networks.nets:Net(wide",
        ),
    ],
)
def test_a_wrong_module_is_a_mistake_of_the_file(network, said):
    with pytest.raises(ConfigError) as error:
        plan_of(NETWORK | network)
    assert said in str(error.value)
