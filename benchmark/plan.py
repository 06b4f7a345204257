"""What it costs to plan a large experiment: a dry run on paper, nothing is trained.

    python benchmark/plan.py 1000 4000 10000            # numbers of runs, by 12 estimators
    python benchmark/plan.py 1000 --estimators 4 --per-run --target run_net-…

Writes an experiment of so many runs (one sweep) in a scratch folder, times `load` and the
Snakefile alone, then `snakemake -n` as a process of its own, and prints a row of a table for
each: jobs, files, seconds of CPU and wall, peak memory. --minimal adds Snakemake's own share:
a Snakefile of three plain rules with as many jobs.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
VARIANCES = [10.0**-i for i in range(1, 100)]

MINIMAL = """
RUNS, BY = {runs}, {estimators}
rule all:
    input: [f"i/{{r}}/{{e}}" for r in range(RUNS) for e in range(BY)]
rule train:
    input: "dataset"
    output: "w/{{r}}"
    shell: "touch {{output}}"
rule measure:
    input: "w/{{r}}"
    output: "i/{{r}}/{{e}}"
    shell: "touch {{output}}"
"""


def experiment(n_runs: int, n_estimators: int, per_run: bool) -> dict:
    """An experiment of this many runs, each measured by this many estimators."""
    n_bins = n_estimators // 2
    estimators = {
        "bins": {"estimator": "binned", "sweep": {"n_bins": list(range(10, 10 + n_bins))}},
        "kernels": {
            "estimator": "kde",
            "sweep": {"noise_variance": VARIANCES[: n_estimators - n_bins]},
        },
    }
    sizes = min(n_runs, 100)
    if n_runs % sizes:
        raise SystemExit(f"numbers of runs above 100 are multiples of 100, not {n_runs}")
    sweep = {
        "training.batch_size": list(range(1, sizes + 1)),
        "training.optimizer.learning_rate": [(i + 1) / 1e5 for i in range(n_runs // sizes)],
    }
    return {
        "experiment": "plan",
        "datasets": {"szt": {"source": "szt", "training_fraction": 0.8}},
        "estimators": estimators,
        "defaults": {
            "dataset": "szt",
            "network": {"hidden": [10, 7, 5, 4, 3]},
            "training": {"optimizer": {"method": "adam"}, "epochs": 3000},
            "seeds": 10,
        },
        "runs": {"net": {"sweep": sweep}},
        "figures": {"comparisons": {}, "per_run": per_run},
    }


def measured(command: list[str], folder: Path) -> tuple[str, float, float, float]:
    """What a command says, its seconds of CPU and of wall, and its peak resident GB."""
    said = folder / "said.txt"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with said.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        # of this process alone: RUSAGE_CHILDREN has the largest of all so far
        _, status, used = __import__("os").wait4(process.pid, 0)
    wall = time.perf_counter() - started
    del before
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{said.read_text()[-3000:]}")
    return said.read_text(), used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 2**20
