"""`python -m infoplane.status`: which experiments, which configuration."""

import subprocess
import sys

import pytest
import yaml

CONFIG = {
    "experiment": "mine",
    "datasets": {"szt": {"source": "szt"}},
    "estimators": {"binned": {"estimator": "binned", "n_bins": 30}},
    "runs": {
        "tanh": {
            "dataset": "szt",
            "network": {"hidden": [3], "activation": "tanh"},
            "training": {"epochs": 7},
            "seeds": 5,
            "seeds_per_block": 2,
            "pools": {"late": {"lengths": [1, 2]}},
        }
    },
}


def status(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "infoplane.status", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_configuration_asks_for_blocks_estimators_and_pools(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
    # a block that is there stays as it is, whatever the configuration would make of its seeds
    (tmp_path / "results/mine/runs/tanh/weights/seeds-0-0.zarr.zip.partial").mkdir(parents=True)
    done = status(tmp_path, "--configfile", "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert "0 of 3 blocks" in done.stdout
    assert "binned 0 of 3, late/binned 0 of 1" in done.stdout


def test_runs_that_are_one_training_share_what_stands(tmp_path):
    runs = {"tanh": CONFIG["runs"]["tanh"], "again": {**CONFIG["runs"]["tanh"], "seeds": 3}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**CONFIG, "runs": runs}))
    home = tmp_path / "results/mine/runs/tanh"
    for store in ("weights/seeds-0-1", "information/binned/seeds-0-1.part-1-of-2"):
        (home / store).parent.mkdir(parents=True)
        (home / f"{store}.zarr.zip").touch()  # empty: damaged
    done = status(tmp_path, "--configfile", "mine.yaml")
    again = next(line for line in done.stdout.splitlines() if line.startswith("again"))
    assert "0 of 2 blocks" in again and "seeds-0-1 DAMAGED" in again
    assert done.stdout.count("is damaged") == 1  # said once; and a part is no store yet


def test_a_wrong_configuration_is_a_sentence(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**CONFIG, "estimators": {}}))
    done = status(tmp_path, "--configfile", "mine.yaml")
    assert done.returncode == 1
    assert "mine.yaml: estimators" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"), [([], 0, "no experiment"), (["a"], 1, "")]
)
def test_without_results(tmp_path, arguments, code, said):
    done = status(tmp_path, *arguments)
    assert done.returncode == code
    assert said in done.stdout
    assert code == 0 or "results/a does not exist" in done.stderr
