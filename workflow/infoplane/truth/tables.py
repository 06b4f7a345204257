"""Discrete variables with tables p(a, b), whose information is a sum.

A table is a mixture of a map of a to b and independence, and its cells are multiplied by random
factors. A is embedded as its number on a line, or as random points in several dimensions; B is
a label, or embedded too.
    I(A;B) = Σ p(a, b) log2 p(a, b) / (p(a) p(b))
"""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from infoplane.samples import Pair, Samples
from infoplane.settings import Settings
from infoplane.truth.points import Points
from infoplane.truth.task import Draw, Family, Prepared, Task, generator

Shape = Annotated[list[Annotated[int, Field(ge=2, le=64)]], Field(min_length=2, max_length=2)]


class TablesSettings(Settings):
    """Discrete tables."""

    family: Literal["tables"] = "tables"
    """This family has random tables p(a, b) of discrete variables."""
    shapes: list[Shape] = Field(default=[[2, 2], [4, 4], [8, 8], [16, 10]], min_length=1)
    """Each entry has the number of values of A and that of B."""
    strengths: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        default=[0.0, 0.3, 0.7, 0.95], min_length=1
    )
    """The map of a to b has these shares of a table; with 0, A and B are independent."""
    dimensions: list[Annotated[int, Field(ge=1)]] = Field(default=[1, 5], min_length=1)
    """The values of A are points in these numbers of dimensions."""
    seed: int = Field(default=0, ge=0)
    """The tables and the points are drawn with this seed."""


class Tables(Family):
    """Discrete tables."""

    Settings = TablesSettings
    settings: TablesSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """Two tasks for each table and dimension: B is a label, and B is a point like A."""
        tasks = []
        for n_a, n_b in self.settings.shapes:
            for strength in self.settings.strengths:
                rng = np.random.default_rng(
                    [self.settings.seed, n_a, n_b, round(1000 * strength)]
                )
                p = table(n_a, n_b, strength, rng)
                for d in self.settings.dimensions:
                    where = f"{n_a} × {n_b}, strength {strength:g}, {d}-d"
                    points = [embedding(m, d, rng) for m in (n_a, n_b)]
                    tasks += [
                        _task(kind, where, p, points) for kind in ("labels", "continuous")
                    ]
        return tasks


def table(n_a: int, n_b: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A table p(a, b), (n_a, n_b); with strength 0, A and B are independent."""
    p_a, p_b = rng.dirichlet(np.full(n_a, 5.0)), rng.dirichlet(np.full(n_b, 5.0))
    apart = np.outer(p_a, p_b)
    if strength == 0:
        return apart
    map_of_a = rng.permutation(max(n_a, n_b))[:n_a] % n_b
    together = np.zeros((n_a, n_b))
    together[np.arange(n_a), map_of_a] = p_a
    p = strength * together + (1 - strength) * apart
    p *= rng.uniform(0.8, 1.25, p.shape)
    return p / p.sum()


def information(p: np.ndarray) -> float:
    """I(A;B) in bits of a table p(a, b); exactly 0 if the sum is rounding error."""
    apart = np.outer(p.sum(axis=1), p.sum(axis=0))
    there = p > 0
    bits = float((p[there] * np.log2(p[there] / apart[there])).sum())
    return bits if abs(bits) > 1e-12 else 0.0


def embedding(n_values: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """A different point for each value, (n_values, d): its number in 1-d, else random."""
    if d == 1:
        return np.arange(n_values, dtype=np.float64)[:, None]
    return rng.standard_normal((n_values, d))


def _task(kind: str, where: str, p: np.ndarray, points: list[np.ndarray]) -> Task:
    name = f"{where}, {'label' if kind == 'labels' else 'two points'}"
    d = points[0].shape[1]

    def draw(n: int, seed: int) -> Draw:
        rng = generator(f"tables {name}", n, seed)
        a, b = np.divmod(rng.choice(p.size, n, p=p.ravel()), p.shape[1])
        if kind == "continuous":
            return Draw(Pair.of(points[0][a], points[1][b], name))
        return Draw(Pair.of(points[0][a], b, name), Samples.of(points[0][a], b, layer=name))

    # 2,000 bins on each unit's range: no two of at most 64 points share a row of bins
    bins = {"binned": {"n_bins": 2000, "range": "unit"}} if kind == "labels" else {}
    law = Points(points[0], np.arange(p.shape[0]), p)
    if kind == "continuous":
        law = replace(law, b=points[1], class_b=np.arange(p.shape[1]))
    d_b = 0 if kind == "labels" else d
    return Task(name, kind, d, d_b, information(p), draw, settings=bins, law=law)
