"""What an estimator needs for layers of n rows and d units, from measured ones.

costs.csv has seconds and working memory of single layers under default settings on
one thread, as `benchmark/costs.py` measured them; of estimators that train, of all their steps,
before which they may stop. Between the sizes measured, logarithms are interpolated linearly in
those of n and d; beyond, the last slope goes on, within limits: the estimators' memory is
blocked, so that what grows is copies of the samples.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infoplane.costs.cost import Cost
from infoplane.settings import Settings

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

TABLE = Path(__file__).with_name("costs.csv")
FEATURES = 12
"""Features of the inputs X beside the layers measured."""
MEASURED_MEMORY_MB = 512
"""The estimators' own default for working memory, under which they were measured."""
LEAST_MB, LEAST_SECONDS = 1.0, 1e-4
"""Smaller measurements say nothing."""

SLOPES = {"mb": ((0.0, 1.0), (0.0, 1.0)), "seconds": ((1.0, 2.0), (0.0, 1.0))}
"""Least and largest exponents of n and of d beyond the sizes measured."""
SLOPES_OF_TRAINING = {**SLOPES, "seconds": ((0.0, 1.0), (0.0, 1.0))}
"""Of estimators that train networks, for a number of steps."""

STEPS_EXPECTED = 0.5
"""Share of its steps after which an estimator that trains is expected to have stopped. Some
layers take a tenth of them, others all; a job asks for three times the expected, which is more.
"""

UNKNOWN = Cost(mb=1000.0, seconds=60.0)
"""An estimator that is not in the table, for 4,096 rows of up to 100 units; seconds grow with
n² and d, memory by `UNKNOWN_BYTES` for each value of the layer and its inputs."""
UNKNOWN_BYTES = 160

POWERS = {
    "max_steps": 1,
    "width": 1,
    "depth": 1,
    "held_out_contrasts": 1,
    "n_projections": 1,
    "n_shifts": 1,
    "n_shuffles": 1,
    "n_batches": 1,
    "n_neighbours": 1,
    "max_iterations": 1,
    "silhouette_rows": 2,
    "target": -2,
    "k": 1,
    ("renyi", "batch_size"): 3,
}
"""Powers of a setting, over its default, by which seconds grow. Settings that would make an
estimator faster than by default are not counted on: it may have stopped before."""


class Layer(NamedTuple):
    """A layer to measure: n rows (inputs times draws), d units, and features of the inputs."""

    n: int
    d: int
    features: int


def of_layer(estimator: Estimator, layer: Layer, batch: int = 1) -> Cost:
    """Working memory for `batch` such layers at once, and seconds for one of them, on one
    thread: of_layer(estimator_of(settings), Layer(n=4096, d=10, features=12)).

    estimator : one without rows in the table is taken to be slow and large (UNKNOWN). A
        function here and not a method, because results depend on the source of an estimator's
        classes, and not on what it was thought to cost.
    """
    name = estimator.name
    beside = 0 if estimator.takes_layers else max(0, layer.features - FEATURES)
    d = layer.d + beside
    if name not in rows():
        return _unknown(layer)
    trains = estimator.trains
    seconds = _at(name, "seconds", trains, layer.n, d) * slower_by(estimator.settings)
    if trains:
        seconds *= STEPS_EXPECTED
    mb = _at(name, "mb", trains, layer.n, d)
    memory = estimator.settings.model_dump().get("memory_mb", MEASURED_MEMORY_MB)
    mb += max(0, memory - MEASURED_MEMORY_MB)
    if estimator.together:
        mb += memory  # what stacks of many fill
    mb_each = of_many(name, layer.n * layer.d)
    return Cost(max(mb, batch * mb_each), seconds)


def slower_by(settings: Settings) -> float:
    """How many times the measured seconds these settings cost; at least 1."""
    factor, chosen = 1.0, settings.model_dump()
    for key, field in type(settings).model_fields.items():
        power = POWERS.get((settings.estimator, key), POWERS.get(key))
        value, usual = chosen[key], field.default
        numbers = [isinstance(v, int | float) and v > 0 for v in (value, usual)]
        if power and all(numbers):
            factor *= max(1.0, (value / usual) ** power)
    return factor


def of_many(name: str, n_values: float) -> float:
    """MB for each of many layers of n_values numbers that are counted in one go; 0 where the
    estimator takes them one after another."""
    found = [r["mb"] / r["batch"] / (r["n"] * r["d"]) for r in batches().get(name, ())]
    return max(found, default=0.0) * n_values


Rows = Mapping[str, dict[int, dict[int, Cost]]]


@cache
def rows() -> Rows:
    """Costs of single layers by estimator, d and n."""
    found: dict[str, dict[int, dict[int, Cost]]] = {}
    for row in read():
        if row["batch"] == 1:
            cost = Cost(max(row["mb"], LEAST_MB), max(row["seconds"], LEAST_SECONDS))
            found.setdefault(row["estimator"], {}).setdefault(row["d"], {})[row["n"]] = cost
    return found


@cache
def batches() -> Mapping[str, list[dict]]:
    """Rows of many layers at once, by estimator."""
    found: dict[str, list[dict]] = {}
    for row in read():
        if row["batch"] > 1:
            found.setdefault(row["estimator"], []).append(row)
    return found


def read(path: Path = TABLE) -> list[dict]:
    """The rows of the table, as numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {
                "estimator": row["estimator"],
                **{key: int(row[key]) for key in ("n", "d", "batch")},
                **{key: float(row[key]) for key in ("seconds", "mb")},
            }
            for row in csv.DictReader(file)
        ]


@cache
def _at(name: str, what: str, trains: bool, n: int, d: int) -> float:
    of_n, of_d = (SLOPES_OF_TRAINING if trains else SLOPES)[what]
    steps = trains and what == "seconds"  # so many of all costs, and evaluations that grow
    by_d = {
        each: _line({k: getattr(cost, what) for k, cost in column.items()}, n, of_n, steps)
        for each, column in rows()[name].items()
    }
    return _line(by_d, d, of_d)


def _line(
    known: Mapping[int, float], at: float, slopes: tuple[float, float], straight: bool = False
) -> float:
    """The value at a place, by logarithms; not below what was measured at smaller places.

    straight : beyond the last place, go on by as much for every unit, not for every factor
    """
    places = sorted(known)
    highest, values = 0.0, []
    for place in places:
        highest = max(highest, known[place])
        values.append(highest)
    if at <= places[0]:
        return values[0]
    right = bisect_left(places, at)
    if right < len(places):
        left = right - 1
        share = math.log(at / places[left]) / math.log(places[right] / places[left])
        return values[left] ** (1 - share) * values[right] ** share
    slope = slopes[1]
    if straight and len(places) > 1:
        each = (values[-1] - values[-2]) / (places[-1] - places[-2])
        return values[-1] + each * (at - places[-1])
    if len(places) > 1:
        slope = math.log(values[-1] / values[-2]) / math.log(places[-1] / places[-2])
    return values[-1] * (at / places[-1]) ** min(max(slope, slopes[0]), slopes[1])


def _unknown(layer: Layer) -> Cost:
    grown = (layer.n / 4096) ** 2 * max(1.0, layer.d / 100)
    values = layer.n * (layer.d + layer.features)
    return Cost(UNKNOWN.mb + UNKNOWN_BYTES * values / 1e6, UNKNOWN.seconds * max(grown, 0.2))
