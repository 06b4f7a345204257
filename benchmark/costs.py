"""Seconds and peak memory of every estimator, on layers of many sizes.

    python benchmark/costs.py                    all of it; a quarter of an hour or so
    python benchmark/costs.py ksg edge           some estimators
    python benchmark/costs.py --limit 60         seconds after which a measurement is given up

One measurement is one call of `infoplane.estimate` on one layer: I(X;T) and I(T;Y), with X of
12 features and 10 classes, in a process of its own, whose peak of resident memory is the
second figure (torch, numba and their code alone take some 0.4 GB). It is measured after a
first call on a small layer, which compiles. Written to benchmarks/estimators.csv.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

SIZES = (4096, 10_000)
UNITS = (10, 100, 1000)
COLUMNS = ("estimator", "n", "d", "seconds", "peak_gb", "remark")
LIMIT = 300.0

PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
import problems, run
from infoplane.estimators import ESTIMATORS, interface
from infoplane.machine import use_threads
from infoplane.samples import Samples
import torch
name, n, d, threads = sys.argv[2], *map(int, sys.argv[3:])
use_threads(threads)
module = ESTIMATORS[name]
settings = module.Settings()

def layer(n, d):
    one = problems.relu_layer(n, d)
    x = one.t[:, 0, :1] + torch.randn(n, 12, generator=torch.Generator().manual_seed(1))
    noise = 0.1 * torch.randn(one.t.shape, generator=torch.Generator().manual_seed(2))
    return Samples(one.t + noise, one.y, x, sigma=0.1, centres=one.t)

small, large = layer(200, min(d, 10)), layer(n, d)
interface.estimate_batch(module, [small], settings)
start = time.perf_counter()
try:
    interface.estimate_batch(module, [large], settings)
except ValueError as error:
    print(f"refused: {error}".splitlines()[0])
else:
    print(time.perf_counter() - start, run.largest_resident() / 1e9)
"""


def measured(name: str, n: int, d: int, threads: int, limit: float) -> dict:
    """One row of the table."""
    here = str(Path(__file__).resolve().parent)
    command = [sys.executable, "-c", PROGRAM, here, name, str(n), str(d), str(threads)]
    row = {"estimator": name, "n": n, "d": d, "seconds": "", "peak_gb": "", "remark": ""}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {**row, "remark": f"over {limit:.0f} s"}
    if done.returncode:
        raise SystemExit(f"{name} {n} × {d}:\n{done.stderr}")
    said = done.stdout.strip().splitlines()[-1]
    if said.startswith("refused"):
        return {**row, "remark": said}
    seconds, peak = map(float, said.split())
    return {**row, "seconds": f"{seconds:.3g}", "peak_gb": f"{peak:.2f}"}


def main() -> None:
    import torch

    from infoplane.estimators import ESTIMATORS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("estimators", nargs="*", choices=[*ESTIMATORS, []])
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of one measurement")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--output", type=Path, default=Path("benchmarks/estimators.csv"))
    chosen = parser.parse_args()
    chosen.output.parent.mkdir(exist_ok=True)
    print(f"{chosen.threads} threads; seconds and peak GB of one layer, {chosen.output}")
    with chosen.output.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for name in chosen.estimators or ESTIMATORS:
            for n in SIZES:
                for d in UNITS:
                    row = measured(name, n, d, chosen.threads, chosen.limit)
                    table.writerow(row)
                    file.flush()
                    values = row["remark"] or f"{row['seconds']:>8} s {row['peak_gb']:>6} GB"
                    print(f"{name:<12} {n:>6} × {d:<5} {values}", flush=True)


if __name__ == "__main__":
    main()
