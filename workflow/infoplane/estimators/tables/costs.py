"""The cost of an estimator for layers of n rows and d units, from measured layers.

costs.csv has the seconds and the working memory of single layers under default settings on one
thread, as `benchmark/costs.py` measured them; for estimators that train, those of all their
steps, though training may stop earlier. The cost of another size is that of the nearest
measured one, multiplied by its ratio of d and by a power of its ratio of n; for memory the
power is 1.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infoplane.costs import Cost

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

TABLE = Path(__file__).with_name("costs.csv")
FEATURES = 12
"""The layers were measured with inputs X of this many features."""
MEASURED_MEMORY_MB = 512
"""The estimators were measured with this working memory, their default."""
LEAST = {"mb": 10.0, "seconds": 0.002}
"""Smaller measurements are noise and are raised to these."""
STEPS_EXPECTED = 0.5
"""An estimator that trains is expected to stop after this share of its steps. Some layers take
a tenth of them, others all; a job asks for three times the expected time."""
COLUMNS = [("n", int), ("d", int), ("seconds", float), ("mb", float)]
UNKNOWN = np.array([(4096, 100, 60.0, 1000.0)], COLUMNS)
"""The cost of an estimator that is not in the table."""
LINEAR = {
    "max_steps", "width", "depth", "held_out_contrasts", "n_projections", "n_shifts", "k",
    "n_shuffles", "n_batches", "n_neighbours", "max_iterations", "silhouette_rows",
    "batch_size",
}  # fmt: skip
"""Settings to which the seconds are proportional above their defaults. Below its default a
setting does not lower the expected time: training may have stopped earlier anyway."""


@lru_cache(1000)  # thousands of runs have equal layers
def of_layer(estimator: Estimator, n: int, d: int, features: int) -> Cost:
    """Working memory for a layer of n rows and d units, and seconds on one thread. An estimator
    without measurements counts as slow and large (UNKNOWN).

    features : number of features of the inputs X
    """
    measured = rows().get(estimator.name, UNKNOWN)
    d += 0 if estimator.takes_layers else max(0, features - FEATURES)
    in_n, in_d = np.maximum(1, n / measured["n"]), np.maximum(1, d / measured["d"])
    settings = estimator.settings.model_dump()
    memory = settings.get("memory_mb", MEASURED_MEMORY_MB)
    mb = (measured["mb"] * in_n * in_d)[_not_passed_over(measured, n)].min()
    # Critics that train together fill a stack of this size.
    mb += memory if estimator.together else max(0, memory - MEASURED_MEMORY_MB)
    seconds = (measured["seconds"] * in_n ** _power(measured) * in_d).min()
    for key, field in type(estimator.settings).model_fields.items():
        if key in LINEAR and all(isinstance(v, int) for v in (settings[key], field.default)):
            seconds *= max(1, settings[key] / field.default)
    return Cost(float(mb), float(seconds * (STEPS_EXPECTED if estimator.trains else 1)))


def _not_passed_over(measured: np.ndarray, n: int) -> np.ndarray:
    """Which measurements apply to the memory at n rows: those of at least n rows, and for each
    d the one of most rows. Between two measurements memory may grow faster than n, up to its
    bound."""
    same = measured["d"] == measured["d"][:, None]
    most = np.where(same, measured["n"], 0).max(1)
    return (measured["n"] >= n) | (measured["n"] == most)


def _power(measured: np.ndarray) -> float:
    """The power of n in the seconds, between 1 and 2, from the two largest of the narrowest
    layers."""
    largest = measured[measured["d"] == measured["d"].min()][-2:]
    grown, more = (np.diff(np.log(largest[key])) for key in ("seconds", "n"))
    return min(2.0, max(1.0, *(grown / more))) if len(largest) > 1 else 2.0


@cache
def rows() -> dict[str, np.ndarray]:
    """COLUMNS of single layers by estimator; no cost is below that of a smaller layer."""
    table = np.genfromtxt(TABLE, delimiter=",", names=True, dtype=None, encoding="utf-8")
    of = {str(name): table[table["estimator"] == name] for name in table["estimator"]}
    for own in of.values():
        smaller = (own["n"] <= own["n"][:, None]) & (own["d"] <= own["d"][:, None])
        for key, least in LEAST.items():
            own[key] = np.where(smaller, np.maximum(own[key], least), 0).max(1)
    return of
