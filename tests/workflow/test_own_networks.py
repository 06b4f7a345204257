"""Networks and checkpoints of the user's own, from files to checks."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import infoplane
from infoplane import Recorder

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

NETS = """
from torch import nn


class Net(nn.Module):
    def __init__(self, width=5):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, width), nn.BatchNorm1d(width), nn.Tanh())
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.body(x))
"""
NETWORK = {"family": "module", "path": "mynets:Net", "arguments": {"width": 4}}
FILES = "pt/{seed}-{epoch}.pt"
BLOCKS = ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0"]


def own(tiny):
    """One loop's checkpoints, adopted from files and from recordings, and a run that trains."""
    measured = {"epochs": {"schedule": "all"}, "device": "cpu"}
    return {
        "experiment": "own",
        "datasets": tiny["datasets"],
        "estimators": {"binned": {"estimator": "binned", "n_bins": 30}},
        "defaults": {"dataset": "szt", "network": NETWORK, "measure": measured},
        "runs": {
            "files": {
                "training": {
                    "trainer": "adopt",
                    "files": "pt/{seed}-{epoch}.pt",
                    "key": "model",
                }
            },
            "recorded": {
                "training": {"trainer": "adopt", "files": "recordings/{seed}.zarr.zip"}
            },
            "trained": {"training": {"epochs": 2, "device": "cpu"}, "seeds": 2},
        },
    }


@pytest.fixture(scope="module")
def adopted(fresh, tiny):
    """A project in which all that was measured."""
    project = fresh()
    (project.root / "mynets.py").write_text(NETS)
    scope: dict = {}
    exec(NETS, scope)
    (project.root / "pt").mkdir()
    for seed in (2, 3):
        torch.manual_seed(seed)
        model = scope["Net"](width=4)
        recorder = Recorder(project.root / "recordings" / str(seed), model, seed=seed)
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        x, y = torch.randn(64, 12), torch.randint(2, (64,))
        for epoch in range(4):
            loss = torch.nn.functional.cross_entropy(model(x), y)
            torch.save(
                {"model": model.state_dict()}, project.root / f"pt/{seed}-{epoch:02d}.pt"
            )
            recorder.save(epoch, loss=loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        recorder.finish()
    project.snakemake("--configfile", project.configure(own(tiny)))
    return project


def test_files_and_recordings_of_one_loop_are_measured_alike(adopted, arrays_of):
    for store in ("information/binned", "weights"):
        found = [
            arrays_of(adopted.results("own", "runs", run, store, "seeds-2-3.zarr.zip"))
            for run in ("files", "recorded")
        ]
        same = {name for name in found[0] if not name.startswith("/metrics")}
        assert len(same) > 3
        for name in same:
            np.testing.assert_array_equal(found[0][name], found[1][name])
    assert found[0]["/network/epoch"].tolist() == [0, 1, 2, 3]
    assert "/metrics/loss" in found[1]


def test_an_edited_module_trains_anew(adopted, tmp_path):
    project = adopted.copy(tmp_path / "copy")
    assert project.plan("--configfile", "experiment.yaml") == set()
    project.edit("mynets.py")
    anew = project.plan("--configfile", "experiment.yaml")
    assert "own/runs/trained/weights/seeds-0-1.zarr.zip" in anew


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network.layers": ["bdy"]}, "'bdy' matches no layer. Nearest: body"),
        ({"network.path": "mynet:Net"}, "'mynet' of 'mynet:Net' cannot be imported"),
        ({"network.arguments": {"wide": 4}}, "Net(width=4, wide=4) fails: TypeError"),
        ({"network.arguments": {"width": 3}}, "pt/2-00.pt: body.0.weight is of shape (4, 12)"),
        ({"training.key": "weights"}, "pt/2-00.pt has no key 'weights'; its keys are model"),
        ({"training.files": "pt/{epoch}.pt"}, "'2-00', not a number"),
        ({"seeds": [2, 4]}, "must be seeds of training.files, not [4]; these are [2, 3]"),
    ],
)
def test_what_is_wrong_is_said_before_any_job(adopted, tiny, changes, said):
    config = own(tiny)
    run = {"network": {**NETWORK}, **config["runs"]["files"]}
    for key, value in changes.items():
        *above, last = key.split(".")
        (run[above[0]] if above else run)[last] = value
    config["runs"] = {"files": run}
    name = adopted.configure(config, name=f"{abs(hash(said))}.yaml")
    assert said in " ".join(adopted.snakemake("-n", "--configfile", name, fails=True).split())


@pytest.mark.skipif("INFOPLANE_DATA" not in os.environ, reason="INFOPLANE_DATA names no folder")
def test_a_residual_network_is_checked_along_its_blocks(fresh, tiny):
    project = fresh()
    photos(project.root / "photos")
    config = {
        "experiment": "resnet",
        "datasets": {"photos": {"source": "images", "path": "photos", "flatten": False}},
        "estimators": {"binned": {"estimator": "binned", "n_bins": 30}},
        "runs": {
            "resnet18": {
                "dataset": "photos",
                "network": {
                    "family": "module",
                    "path": "torchvision.models:resnet18",
                    "arguments": {"num_classes": 3},
                    "layers": [*BLOCKS, "layer4.1.relu", "output"],
                },
                "training": {"epochs": 1, "batch_size": 20, "device": "cpu"},
                "measure": {"device": "cpu"},
                "seeds": 1,
            }
        },
    }
    project.snakemake("--configfile", project.configure(config))
    run = project.results("resnet", "runs", "resnet18")
    store = infoplane.open(run / "information" / "binned" / "seeds-0-0.zarr.zip")
    after = store.attrs["after"]
    assert [after[block] for block in BLOCKS] == [
        ["input"],
        *([block] for block in BLOCKS[:-1]),
    ]
    violations = pd.read_csv(run / "checks" / "binned.csv")
    for row in violations.itertuples():
        assert row.before in (*after[row.layer], "H(X)", "H(Y)")
    drawn = pd.read_csv(run / "figures" / "information_plane-binned.csv")
    assert set(drawn["layer"]) >= set(BLOCKS)


def photos(root: Path, n: int = 20, n_classes: int = 3) -> None:
    """Some of CIFAR-10's images, in one folder per class."""
    found: dict[str, int] = {}
    archive = Path(os.environ["INFOPLANE_DATA"], "cifar10-jpg.tar.xz")
    with tarfile.open(archive, "r|xz") as tar:  # read only as far as it is needed
        for member in tar:
            parts = Path(member.name).parts
            if not member.isfile() or found.get(parts[1], 0) == n:
                continue
            found[parts[1]] = found.get(parts[1], 0) + 1
            place = root / parts[1] / parts[2]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(tar.extractfile(member).read())
            if [*found.values()] == [n] * n_classes:
                return
