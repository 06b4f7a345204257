"""What an estimator needs for layers of n rows and d units, from measured ones.

costs.csv has seconds and working memory of single layers under default settings on one thread,
as `benchmark/costs.py` measured them; of estimators that train, of all their steps, before
which they may stop. Between the sizes measured, and beyond, logarithms go on linearly in those
of n and d; beyond, within limits: estimators work in blocks, so that of their memory only
copies of the samples grow.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from infoplane.costs import Cost
from infoplane.settings import Settings

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

TABLE = Path(__file__).with_name("costs.csv")
FEATURES = 12
"""Features of the inputs X beside the layers measured."""
MEASURED_MEMORY_MB = 512
"""The estimators' own default for working memory, under which they were measured."""
LEAST = Cost(1.0, 1e-4)
"""Smaller measurements say nothing."""
SLOPES = {"mb": ((0.0, 1.0), (0.0, 1.0)), "seconds": ((1.0, 2.0), (0.0, 1.0))}
"""Least and largest exponents of n and of d beyond the sizes measured."""
SLOPES_OF_TRAINING = {**SLOPES, "seconds": ((0.7, 1.0), (0.0, 1.0))}
"""Of a number of steps, with evaluations that grow."""
STEPS_EXPECTED = 0.5
"""Share of its steps after which an estimator that trains is expected to have stopped. Some
layers take a tenth of them, others all; a job asks for three times the expected."""
UNKNOWN = Cost(mb=1000.0, seconds=60.0)
"""An estimator that is not in the table, for 4,096 rows of up to 100 units; seconds grow with
n² and d, memory by `UNKNOWN_BYTES` for each value of the layer and its inputs."""
UNKNOWN_BYTES = 160

LINEAR = (
    "max_steps width depth held_out_contrasts n_projections n_shifts n_shuffles n_batches "
    "n_neighbours max_iterations k"
)
POWERS = {**dict.fromkeys(LINEAR.split(), 1), "silhouette_rows": 2, "target": -2}
POWERS_OF = {"renyi": {"batch_size": 3}}
"""Powers of a setting, over its default, by which seconds grow. Settings that would make an
estimator faster than by default are not counted on: it may have stopped before."""


def of_layer(estimator: Estimator, n: int, d: int, features: int, batch: int = 1) -> Cost:
    """Working memory for `batch` layers of n rows and d units at once, and seconds for one of
    them, on one thread; of an estimator without measurements, slow and large (UNKNOWN).

    features : of the inputs X
    """
    name, trains = estimator.name, estimator.trains
    if name not in rows():
        seconds = UNKNOWN.seconds * max(0.2, (n / 4096) ** 2 * max(1.0, d / 100))
        return Cost(UNKNOWN.mb + UNKNOWN_BYTES * n * (d + features) / 1e6, seconds)
    beside = 0 if estimator.takes_layers else max(0, features - FEATURES)
    seconds = _at(name, "seconds", trains, n, d + beside) * slower_by(estimator.settings)
    memory = estimator.settings.model_dump().get("memory_mb", MEASURED_MEMORY_MB)
    mb = _at(name, "mb", trains, n, d + beside) + max(0, memory - MEASURED_MEMORY_MB)
    if estimator.together:
        mb += memory  # what stacks of many fill
    mb = max(mb, batch * n * d * mb_of_many(name))
    return Cost(mb, seconds * (STEPS_EXPECTED if trains else 1))


def slower_by(settings: Settings) -> float:
    """How many times the measured seconds these settings cost; at least 1."""
    factor, chosen = 1.0, settings.model_dump()
    powers = POWERS | POWERS_OF.get(settings.estimator, {})
    for key, field in type(settings).model_fields.items():
        pair = (chosen[key], field.default)
        if key in powers and all(isinstance(v, int | float) and v > 0 for v in pair):
            factor *= max(1.0, (pair[0] / pair[1]) ** powers[key])
    return factor


@cache
def rows() -> Mapping[str, dict[int, dict[int, Cost]]]:
    """Costs of single layers by estimator, d and n."""
    found: dict[str, dict[int, dict[int, Cost]]] = {}
    for row in read():
        if row["batch"] == 1:
            cost = Cost(*map(max, LEAST, (row["mb"], row["seconds"])))
            found.setdefault(row["estimator"], {}).setdefault(row["d"], {})[row["n"]] = cost
    return found


@cache
def mb_of_many(name: str) -> float:
    """MB a number of many layers that are counted in one go; 0 of one after another."""
    many = [row for row in read() if row["estimator"] == name and row["batch"] > 1]
    return max((r["mb"] / (r["batch"] * r["n"] * r["d"]) for r in many), default=0.0)


def read() -> list[dict]:
    """The rows of the table, as numbers."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [
            {k: v if k == "estimator" else float(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


@cache
def _at(name: str, what: str, trains: bool, n: int, d: int) -> float:
    of_n, of_d = (SLOPES_OF_TRAINING if trains else SLOPES)[what]
    i = Cost._fields.index(what)
    by_d = {
        each: _line({k: cost[i] for k, cost in column.items()}, n, of_n)
        for each, column in rows()[name].items()
    }
    return _line(by_d, d, of_d)


def _line(known: Mapping[float, float], at: float, slopes: tuple[float, float]) -> float:
    """The value at a place, by logarithms; not below what was measured at smaller places."""
    places = sorted(known)
    values = [*accumulate((known[place] for place in places), max)]
    right = bisect_left(places, at)
    if right == 0:
        return values[0]
    left, slope = right - 1, slopes[1]
    if len(places) > 1:
        i = min(right, len(places) - 1)
        slope = math.log(values[i] / values[i - 1]) / math.log(places[i] / places[i - 1])
    if right == len(places):
        slope = min(max(slope, slopes[0]), slopes[1])
    return values[left] * (at / places[left]) ** slope
