"""What an estimator needs for layers of n rows and d units, from measured ones.

costs.csv has seconds and working memory of single layers under default settings on one thread,
as `benchmark/costs.py` measured them; of estimators that train, of all their steps, before
which they may stop. Other sizes are taken to cost what the nearest measured ones do, grown by
a power of n, which for memory is 1, and by d.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from infoplane.costs import Cost

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

TABLE = Path(__file__).with_name("costs.csv")
FEATURES = 12
"""Features of the inputs X beside the layers measured."""
MEASURED_MEMORY_MB = 512
"""The estimators' own default for working memory, under which they were measured."""
LEAST = Cost(10.0, 0.002)
"""Smaller measurements say nothing."""
STEPS_EXPECTED = 0.5
"""Share of its steps after which an estimator that trains is expected to have stopped. Some
layers take a tenth of them, others all; a job asks for three times the expected."""
UNKNOWN = {(4096, 100): Cost(1000.0, 60.0)}
"""An estimator that is not in the table."""
LINEAR = {
    "max_steps", "width", "depth", "held_out_contrasts", "n_projections", "n_shifts", "k",
    "n_shuffles", "n_batches", "n_neighbours", "max_iterations", "silhouette_rows",
    "batch_size",
}  # fmt: skip
"""Settings by which seconds grow. One that would make an estimator faster than by default is
not counted on: it may have stopped before."""


def of_layer(estimator: Estimator, n: int, d: int, features: int) -> Cost:
    """Working memory for a layer of n rows and d units, and seconds on one thread; of an
    estimator without measurements, slow and large (UNKNOWN).

    features : of the inputs X
    """
    measured = rows().get(estimator.name, UNKNOWN)
    d += 0 if estimator.takes_layers else max(0, features - FEATURES)
    grown = [(_more(n, n0), _more(d, d0), cost) for (n0, d0), cost in measured.items()]
    settings = estimator.settings.model_dump()
    memory = settings.get("memory_mb", MEASURED_MEMORY_MB)
    mb = min(cost.mb * in_n * in_d for in_n, in_d, cost in grown)
    # Those that train together fill a stack of as much.
    mb += memory if estimator.together else max(0, memory - MEASURED_MEMORY_MB)
    power = _power(measured)
    seconds = min(cost.seconds * in_n**power * in_d for in_n, in_d, cost in grown)
    for key, field in type(estimator.settings).model_fields.items():
        if key in LINEAR and all(isinstance(v, int) for v in (settings[key], field.default)):
            seconds *= _more(settings[key], field.default)
    return Cost(mb, seconds * (STEPS_EXPECTED if estimator.trains else 1))


def _more(size: float, measured: float) -> float:
    return max(1.0, size / measured)


def _power(measured: Mapping[tuple[int, int], Cost]) -> float:
    """Of n, by which seconds grow, between 1 and 2: of the two largest of the narrowest."""
    narrow = min(d for _, d in measured)
    ends = sorted((n, cost.seconds) for (n, d), cost in measured.items() if d == narrow)
    if len(ends) < 2:
        return 2.0
    (n0, less), (n1, more) = ends[-2:]
    return min(2.0, max(1.0, math.log(more / less) / math.log(n1 / n0)))


@cache
def rows() -> Mapping[str, dict[tuple[int, int], Cost]]:
    """Costs of single layers by estimator, and n and d: not below those of smaller ones."""
    table: dict[str, dict[tuple[int, int], Cost]] = {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cost = Cost(*map(max, LEAST, (float(row["mb"]), float(row["seconds"]))))
            table.setdefault(row["estimator"], {})[int(row["n"]), int(row["d"])] = cost
    return {name: {at: _up_to(at, column) for at in column} for name, column in table.items()}


def _up_to(at: tuple[int, int], column: Mapping[tuple[int, int], Cost]) -> Cost:
    smaller = [cost for (n, d), cost in column.items() if n <= at[0] and d <= at[1]]
    return Cost(*map(max, zip(*smaller, strict=True)))
