"""Seconds and working memory of every estimator, on layers of many sizes.

    python benchmark/costs.py                    all estimators; about an hour
    python benchmark/costs.py ksg edge           some estimators; the others' rows stay
    python benchmark/costs.py --limit 60         seconds after which a measurement is stopped

Jobs ask for memory and time by this table (infoplane/plan/costs.py). It is written to
workflow/infoplane/estimators/tables/costs.csv, one row for each measurement.

One measurement is one call of `estimate_batch` for one layer, with the default settings, on one
thread: I(X;T) and I(T;Y), with 12 features of X and 10 classes, in a process of its own, after
a first call on a small layer, which compiles. Seconds are CPU time, which other work on the
machine hardly changes. `mb` is the largest resident memory minus that before the call, so it
does not include imports and the layers themselves. Measurements that were stopped are left out,
and so are larger numbers of inputs with the same d. For estimators that train, the cost is that
of all their steps, because the step at which one stops depends on the layer: a tenth and two
tenths of the steps are measured, and the other steps cost as much.
"""

import argparse
import contextlib
import csv
import math
import os
import resource
import signal
import time
from pathlib import Path

import clock
import problems
import torch

from infoplane.estimators import ESTIMATORS
from infoplane.samples import Samples
from infoplane.threads import use_threads

SIZES = (512, 4096, 16_384)
UNITS = (4, 64, 784)
COLUMNS = ("estimator", "n", "d", "seconds", "mb")
LIMIT = 30.0
SHORTEST_OF, SHORT = 3, 0.3
"""The shortest of SHORTEST_OF calls counts; calls above SHORT seconds are not repeated."""
TABLE = Path(__file__).parents[1] / "workflow/infoplane/estimators/tables/costs.csv"


def layer(n: int, d: int, networks: int = 1) -> list[Samples]:
    """A noisy layer of several networks at one epoch each, with labels, inputs and the size of
    the noise for the estimators that need it."""
    one = problems.relu_layer(n, d)
    x = one.t[:, 0, :1] + torch.randn(n, 12, generator=torch.Generator().manual_seed(1))
    source, found = torch.Generator().manual_seed(2), []
    for epoch in range(networks):
        noise = 0.1 * torch.randn(one.t.shape, generator=source)
        found.append(
            Samples(one.t + noise, one.y, x, sigma=0.1, centres=one.t, layer="a", epoch=epoch)
        )
    return found


def resident() -> int:
    """Bytes of resident memory."""
    return 1024 * int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])


def measure(name: str, n: int, d: int, limit: float, networks: int) -> str:
    """Seconds and MB as text, or the estimator's message if it refuses.

    Once everything is compiled, SIGXCPU ends the process after `limit` seconds.
    """
    use_threads(1)
    method = ESTIMATORS[name]
    many = [method()]
    if method.trains:
        steps = many[0].settings.max_steps
        many = [method(max_steps=tenths * steps // 10, patience=steps) for tenths in (1, 2)]
    small, large = layer(200, d), layer(n, d, networks)
    with contextlib.suppress(ValueError):
        many[0].session()(small)
    ends = math.ceil(time.process_time() + limit)
    resource.setrlimit(resource.RLIMIT_CPU, (ends, ends + 10))
    Path("/proc/self/clear_refs").write_text("5")  # so that the peak is that of the call
    before, took = resident(), []
    try:
        for estimator in many:
            took.append(math.inf)
            for _ in range(SHORTEST_OF):
                start = time.process_time()
                estimator.session()(large)
                took[-1] = min(took[-1], time.process_time() - start)
                if took[-1] > SHORT:
                    break
    except ValueError as error:
        return f"refused: {error}".splitlines()[0]
    seconds = took[0] + 9 * (took[-1] - took[0])
    return f"{seconds} {max(0, clock.largest_resident() - before) / 1e6}"


def measured(
    name: str, n: int, d: int, limit: float, networks: int = 1
) -> tuple[float, float] | str:
    """Seconds and MB of a layer of this many networks at once, from a process of its own, or
    why there are none."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, measure(name, n, d, limit, networks).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return f"over {limit:.0f} s"
    if not said:
        raise SystemExit(f"{name} {n} × {d} ended without an answer")
    if said.startswith("refused"):
        return said
    seconds, mb = map(float, said.split())
    return seconds, mb


def rows_of(name: str, limit: float, sizes: list[int], units: list[int]):
    """The estimator's rows, each as soon as it is measured."""
    for d in units:
        for n in sizes:
            cost = measured(name, n, d, limit)
            text = cost if isinstance(cost, str) else "{:.3g} s {:.0f} MB".format(*cost)
            print(f"{name:<12} {n:>6} × {d:<5} {text}", flush=True)
            if isinstance(cost, str):
                break
            yield (name, n, d, f"{cost[0]:.3g}", f"{cost[1]:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("estimators", nargs="*", choices=[*ESTIMATORS, []])
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of one measurement")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of inputs")
    parser.add_argument("--units", type=int, nargs="+", default=UNITS, help="of the layers")
    parser.add_argument("--output", type=Path, default=TABLE)
    chosen = parser.parse_args()
    for name in ESTIMATORS:
        ESTIMATORS[name]  # imported once, before the forks
    names = chosen.estimators or [*ESTIMATORS]
    for name in names:
        fresh = [*rows_of(name, chosen.limit, chosen.sizes, chosen.units)]
        kept = []
        if chosen.output.exists():
            with chosen.output.open(newline="") as file:
                kept = [tuple(row.values()) for row in csv.DictReader(file)]
        order = {known: i for i, known in enumerate(ESTIMATORS)}
        rows = sorted(
            [*(row for row in kept if row[0] != name), *fresh], key=lambda row: order[row[0]]
        )
        with chosen.output.open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
