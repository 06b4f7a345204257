"""Data sets as people have them, from files to information, where the machine has them."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slow,
    pytest.mark.skipif(
        "INFOPLANE_DATA" not in os.environ,
        reason="INFOPLANE_DATA names no folder with MNIST, notMNIST and cifar10-jpg.tar.xz",
    ),
]

PICTURES = 12
"""Images of each class."""
CLASSES = 3


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder with the real data sets."""
    return Path(os.environ["INFOPLANE_DATA"]).absolute()


@pytest.fixture(scope="module")
def pictures(folder, tmp_path_factory) -> Path:
    """Some of CIFAR-10's images, in one folder per class."""
    root = tmp_path_factory.mktemp("pictures")
    archive = folder / "cifar10-jpg.tar.xz"
    if not archive.exists():
        pytest.skip(f"{archive} is not there")
    found: dict[str, int] = {}
    with tarfile.open(archive, "r|xz") as tar:  # read only as far as it is needed
        for member in tar:
            parts = Path(member.name).parts
            if not member.isfile() or found.get(parts[1], 0) == PICTURES:
                continue
            found[parts[1]] = found.get(parts[1], 0) + 1
            place = root / parts[1] / parts[2]
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(tar.extractfile(member).read())
            if [*found.values()] == [PICTURES] * CLASSES:
                return root
    raise ValueError(f"{archive} holds too few images")


@pytest.fixture(scope="module")
def measured(fresh, tiny, folder, pictures, arrays_of):
    """A function that gives the arrays of a run's data set and of its information."""
    datasets = {
        "mnist": {"source": "mnist", "size": 2000},
        "notmnist": {"source": "notmnist", "size": 1000},
        "pictures": {"source": "images", "path": str(pictures), "grayscale": True},
    }
    training = {"epochs": 2, "batch_size": 100, "device": "cpu"}
    changes = {
        "experiment": "real",
        "datasets": datasets,
        "defaults.network": {"hidden": [8, 4], "activation": "tanh"},
        "defaults.training": training,
        "defaults.measure": {"inputs": "test", "device": "cpu"},
        "defaults.seeds": 1,
        "runs": {name: {"dataset": name} for name in datasets},
        "figures": {},
    }
    project = fresh()
    project.configure(tiny, changes)
    stores = {
        name: f"real/runs/{name}/information/binned/seeds-0-0.zarr.zip" for name in datasets
    }
    targets = [f"results/{store}" for store in stores.values()]
    project.snakemake(*targets, "--configfile", "experiment.yaml", INFOPLANE_DATA=str(folder))
    return lambda name: (
        arrays_of(project.results(f"real/datasets/{name}.zarr.zip")),
        arrays_of(project.results(stores[name])),
    )


@pytest.mark.parametrize(
    ("name", "n_inputs", "n_features", "n_classes"),
    [
        ("mnist", 2000, 784, 10),
        ("notmnist", 1000, 784, 10),
        ("pictures", CLASSES * PICTURES, 1024, CLASSES),
    ],
)
def test_real_data_go_from_files_to_information(
    measured, name, n_inputs, n_features, n_classes
):
    data, information = measured(name)
    assert data["//x"].shape == (n_inputs, n_features)
    assert 0 <= data["//x"].min() < 0.1
    assert 0.9 < data["//x"].max() <= 1
    assert np.unique(data["//y"]).tolist() == list(range(n_classes))
    n_test = len(data["//test_indices"])
    assert 0 < n_test < n_inputs
    ixt, ity = information["//ixt"], information["//ity"]
    assert ixt.shape == (1, 3, 3)  # epochs 0, 1, 2 of two hidden layers and the output
    assert (ixt > 0.1).all()
    assert (ixt <= np.log2(n_test) + 1e-9).all()
    assert (ity <= np.minimum(ixt, np.log2(n_classes)) + 1e-9).all()
