"""Errors of estimators on nine laws of the Beyond Normal benchmark, with their CPU time.

    python benchmark/laws.py bmm ksg 'mine:{"margins": "standardised"}'

prints one row of a table for each estimator: the mean error in bits over two draws of 2,000
samples, and the CPU seconds of one estimate on one thread. Settings follow the name.
"""

import argparse
import json
import time

import numpy as np

from infoplane.estimators import ESTIMATORS
from infoplane.threads import use_threads
from infoplane.truth.beyond_normal import BeyondNormal

LAWS = {
    "Normal 5 × 5 (2-pair)": "sparse normal",
    "Normal CDF 5 × 5 (2-pair)": "its cdf",
    "Half-cube 5 × 5 (2-pair)": "half-cube",
    "Normal 5 × 5 (dense)": "dense normal",
    "Student 5 × 5 (ν = 2)": "Student",
    "Spiral 5 × 5 (2-pair)": "spiral",
    "Swiss roll 2 × 1": "Swiss roll",
    "Bimodal 1 × 1": "bimodal",
    "Additive noise 0.1": "uniform noise",
}
"""Tasks, with their names in the table."""
N, DRAWS = 2000, (100, 101)


def errors(name: str, settings: dict) -> tuple[list[float], float]:
    """The error for each law in bits, and the seconds of an estimate."""
    tasks = {task.name: task for task in BeyondNormal().tasks({})}
    asked = [tasks[law] for law in LAWS for _ in DRAWS]
    pairs = [tasks[law].draw(N, draw).pair for law in LAWS for draw in DRAWS]
    estimator = ESTIMATORS[name](estimator=name, **settings)
    start = time.process_time()
    records = estimator.session().between(pairs)
    seconds = (time.process_time() - start) / len(pairs)
    off = [record.value - task.truth for record, task in zip(records, asked, strict=True)]
    return np.reshape(off, (len(LAWS), len(DRAWS))).mean(axis=1).tolist(), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("estimators", nargs="+", help='names, or "name:{settings as JSON}"')
    use_threads(1)
    print("| estimator |", " | ".join(LAWS.values()), "| CPU |")
    print("|---" * (len(LAWS) + 2) + "|")
    for written in parser.parse_args().estimators:
        name, _, settings = written.partition(":")
        settings = json.loads(settings or "{}")
        off, seconds = errors(name, settings)
        of = "".join(f", {key}: {value}" for key, value in settings.items())
        cells = " | ".join(f"{error:.2f}".replace("-", "−") for error in off)
        print(f"| `{name}`{of} | {cells} | {seconds:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
