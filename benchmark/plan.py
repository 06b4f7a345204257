"""The cost of planning a large experiment: dry runs, nothing is trained.

    python benchmark/plan.py 1000 4000 10000 --minimal     # numbers of runs, 12 estimators each
    python benchmark/plan.py 1000 --estimators 4 --per-run  # every run with its own figures
    python benchmark/plan.py 1000 10000 --compare          # networks of a grid, pair by pair

Each row of the table is an experiment with this many runs (one sweep), in a scratch folder and
in processes of its own: `load` alone, the Snakefile alone (`snakemake --list-rules`, which each
job on a cluster pays before its own work), and the whole plan (`snakemake -n`). --minimal adds
Snakemake's own share: three plain rules with as many jobs.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
DROPPED = [0.0, 0.1, 0.2, 0.3, 0.4]
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
    input: "w/{{r}}", "dataset"
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


def grid(n_networks: int) -> dict:
    """An experiment that compares this many networks: four families on axes, two seeds each."""
    of_family, rest = divmod(n_networks, 4 * 2 * 5 * 5)
    if rest:
        raise SystemExit(f"numbers of networks are multiples of 200, not {n_networks}")
    rates = [(i + 1) / 1e4 for i in range(of_family)]
    axes = {"training.batch_size": [16, 32, 64, 128, 256], "network.dropout": DROPPED}
    if of_family > 1:
        axes["training.optimizer.learning_rate"] = rates
    chosen = experiment(1, 2, per_run=False)
    del chosen["runs"], chosen["figures"]
    chosen["defaults"]["seeds"] = 2
    families = {f"wide{i}": {"network": {"hidden": [16 * i, 8]}} for i in range(1, 5)}
    return chosen | {"compare": {"families": families, "axes": axes}}


class Used(NamedTuple):
    """What a process used: its output, seconds of CPU and of wall, peak resident GB."""

    said: str
    cpu: float
    wall: float
    gb: float


def measured(folder: Path, *command: str) -> Used:
    """Run a Python command; raises SystemExit with the end of its output if it fails."""
    path, started = folder / "said.txt", time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    with path.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)  # this process with its own children
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{path.read_text()[-3000:]}")
    wall = time.perf_counter() - started
    return Used(path.read_text(), used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 2**20)


LOAD = """
import sys, time, yaml
from infoplane.config import load
config = yaml.safe_load(open(sys.argv[1]))
start = time.process_time()
load(config, sys.argv[1])
print(time.process_time() - start)
"""


def jobs_of(said: str) -> dict[str, int]:
    """Numbers of jobs by rule, from the first table of a dry run."""
    table = said.split("Job stats:")[1].split("\n\n")[0]
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def row(n_runs: int, config: dict, n_estimators: int, minimal: bool) -> dict[str, object]:
    """The row of one experiment."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "plan.yaml").write_text(yaml.safe_dump(config))
        snakemake = ("-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile"))
        chosen = ("--configfile", "plan.yaml")
        load = measured(folder, "-c", LOAD, "plan.yaml")
        parse = measured(folder, *snakemake, "--list-rules", *chosen)
        plan = measured(folder, *snakemake, "-n", "--quiet", "rules", *chosen)
        jobs = jobs_of(plan.said)
        print("   ", ", ".join(f"{rule} {n:,}" for rule, n in jobs.items()), file=sys.stderr)
        found = {
            "networks" if "compare" in config else "runs": f"{n_runs:,}",
            "jobs": f"{jobs['total']:,}",
            "load": f"{float(load.said):.1f} s",
            "Snakefile": f"{parse.cpu:.1f} s, {parse.gb:.2f} GB",
            "plan": f"{plan.cpu:.0f} s, {plan.gb:.2f} GB",
            "plan, wall": f"{plan.wall:.0f} s",
        }
        if minimal:
            per_run_jobs = n_estimators
            text = MINIMAL.format(runs=n_runs, estimators=per_run_jobs)
            (folder / "Snakefile").write_text(text)
            (folder / "dataset").touch()
            alone = measured(folder, "-m", "snakemake", "-n", "--quiet", "rules")
            n = jobs_of(alone.said)["total"]
            found["Snakemake alone"] = f"{n:,} jobs: {alone.cpu:.0f} s, {alone.gb:.2f} GB"
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=int, nargs="+", help="numbers of runs")
    parser.add_argument("--estimators", type=int, default=12, help="of each run")
    parser.add_argument("--per-run", action="store_true", help="figures.per_run: true")
    parser.add_argument("--minimal", action="store_true", help="Snakemake's own share too")
    parser.add_argument("--compare", action="store_true", help="networks of a grid")
    given = parser.parse_args()
    for i, n_runs in enumerate(given.runs):
        one = experiment(n_runs, given.estimators, given.per_run)
        config = grid(n_runs) if given.compare else one
        found = row(n_runs, config, given.estimators, given.minimal)
        if i == 0:
            print("|", " | ".join(found), "|\n|", " | ".join("---" for _ in found), "|")
        print("|", " | ".join(map(str, found.values())), "|", flush=True)


if __name__ == "__main__":
    main()
