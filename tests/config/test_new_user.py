"""Mistakes of a new user: each is named before any job, with its key, the value and what is
allowed, in one line that needs no knowledge of the code."""

from pathlib import Path

import pytest

from infoplane.config import ConfigError, read_file
from infoplane.plan.opening import opened

EXPERIMENT = """\
experiment: mine
datasets:
  szt: {source: szt}
estimators:
  binned: {estimator: binned, n_bins: 30}
  kde: {estimator: kde, noise_variance: 0.1}
runs:
  tanh:
    dataset: szt
    network: {hidden: [10, 7, 5]}
    training: {epochs: 100, batch_size: 256, optimizer: {method: adam, learning_rate: 4.0e-4}}
    seeds: 3
"""
MISTAKES = {
    "a section": ("estimators:", "estimaters:", "Did you mean 'estimators'?"),
    "a key": ("batch_size", "batchsize", "Did you mean 'batch_size'?"),
    "a method": ("estimator: binned", "estimator: bined", "Did you mean 'binned'?"),
    "a source": ("source: szt", "source: sztt", "Did you mean 'szt'?"),
    "a data set": ("dataset: szt", "dataset: stz", "there is no data set 'stz'"),
    "a level": ("    seeds: 3", "    learning_rate: 0.1", "'training.optimizer.learning_rate'"),
    "a list for a number": ("epochs: 100", "epochs: [100]", "an integer ≥ 1, not [100]"),
    "a number for a list": ("[10, 7, 5]", "10", "a list of at least one, each an integer ≥ 1"),
    "a unit": ("variance: 0.1", "variance: 0.1 bits", "a number > 0 or a mapping"),
    "a decimal comma": ("variance: 0.1", 'variance: "0,1"', "not '0,1'"),
    "per cent": ("source: szt", "source: szt, training_fraction: 80", "> 0 and ≤ 1 or null"),
    "yes": ("seeds: 3", "seeds: yes", "an integer ≥ 1 and ≤ 10000 or a list"),
    "a tab": ("    dataset: szt", "\tdataset: szt", "indent with spaces, not with tabs"),
    "an indentation": (
        "    seeds: 3",
        "   seeds: 3",
        "line 12: not YAML: while parsing",
    ),
    "a column": ("    seeds: 3", "   seeds: 3", "keys of one mapping begin in the same column"),
    "no colon": ("seeds: 3", "seeds 3", "a key is followed by a colon and a space"),
    "no bracket": ("[10, 7, 5]", "[10, 7, 5", "a bracket or a comma is missing"),
    "a colon in a text": ("hidden: [10, 7, 5]", "path: a: b", "line 10: not YAML"),
    "twice": ("    seeds: 3", "    seeds: 3\n    seeds: 4", "occurs on lines 12 and 13"),
    "no such file": (
        "source: szt",
        "source: arrays, path: no.npz",
        "not found: no.npz",
    ),
    "no such folder": (
        "source: szt",
        "source: images, path: none_here",
        "not found: none_here",
    ),
    "no such module": (
        "hidden: [10, 7, 5]",
        'family: module, path: "no:Net"',
        "cannot be imp",
    ),
    "too many inputs": ("source: szt", "source: szt, size: 5000", "size: must be ≤ 4096"),
    "no runs": (
        EXPERIMENT[EXPERIMENT.index("  tanh:") :],
        "",
        "runs: is empty; give",
    ),
    "no noise": ("binned, n_bins: 30", "sp", "cannot have 'binned' where there is no"),
}


def written(path: Path, right: str, wrong: str) -> Path:
    assert right in EXPERIMENT
    path.write_text(EXPERIMENT.replace(right, wrong, 1), encoding="utf-8")
    return path


def test_the_experiment_without_a_mistake_is_taken(tmp_path):
    file = written(tmp_path / "mine.yaml", "seeds: 3", "seeds: 4")
    assert list(opened(read_file(file), [file], thoroughly=True).experiment.runs) == ["tanh"]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_before_any_job(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    right, wrong, said = MISTAKES[name]
    file = written(Path("mine.yaml"), right, wrong)
    with pytest.raises(ConfigError) as caught:
        opened(read_file(file), [file], thoroughly=True)
    lines = str(caught.value).splitlines()
    assert all(line.startswith("mine.yaml: ") for line in lines)
    assert any(said in line for line in lines), lines
