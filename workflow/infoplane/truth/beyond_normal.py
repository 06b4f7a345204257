"""The 40 tasks of the Beyond Normal benchmark: normals, their transforms, and Student.

Source: Czyż, Grabowski, Vogt, Beerenwinkel, Marx 2023, "Beyond Normal: On the Evaluation of
Mutual Information Estimators" (NeurIPS). Every task is one of a few base distributions under
one-to-one maps of A and of B (transforms.py), which do not change I(A;B). In nats:
    normal of covariance Σ           I = ½ ln(det Σ_A det Σ_B / det Σ)
    Student, identity dispersion,    I = f(ν) + f(ν + m + n) − f(ν + m) − f(ν + n),
    m and n dimensions, ν            f(t) = ln Γ(t/2) − (t/2) ψ(t/2)
        (Arellano-Valle et al. 2013; not 0, because the radius is shared)
    A uniform on [0, 1], B = A + a   I = ε − ln 2ε for ε ≤ ½, 1/(4ε) above
        uniform error within ±ε
"""

import math
from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator
from scipy.special import gammaln, psi

from infoplane.samples import BIT, Pair
from infoplane.settings import Settings
from infoplane.table import nearest
from infoplane.truth import transforms
from infoplane.truth.laws import Law, Normal, of_normals
from infoplane.truth.task import Draw, Family, Prepared, Task, generator
from infoplane.truth.transforms import Map, identity

Base = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""n draws of A (n, d_a) and of B (n, d_b)."""

CORRELATION = 0.75
"""ρ of the one-dimensional tasks."""
DENSE = 0.5
"""Correlation of every two coordinates of A and B."""
PAIRED = 0.8
"""Correlation of A_1 with B_1 and of A_2 with B_2, if no others are correlated."""


def _known(names: list[str]) -> list[str]:
    for name in names:
        if name not in NAMES:
            hint = nearest(name, NAMES)
            raise ValueError(f"there is no task '{name}'.{hint} Known: {'; '.join(NAMES)}")
    return names


class BeyondNormalSettings(Settings):
    """The Beyond Normal benchmark."""

    family: Literal["beyond_normal"] = "beyond_normal"
    """This family has the 40 tasks of Czyż et al. 2023."""
    tasks: Annotated[list[str], AfterValidator(_known)] | None = None
    """Only the tasks of these names are used; null takes all 40."""


class BeyondNormal(Family):
    """The Beyond Normal benchmark."""

    Settings = BeyondNormalSettings
    settings: BeyondNormalSettings

    def tasks(self, prepared: Prepared) -> list[Task]:
        """The chosen tasks, in the benchmark's order."""
        every = _every_task()
        return [
            task
            for task in every
            if self.settings.tasks is None or task.name in self.settings.tasks
        ]


def normal_information(covariance: np.ndarray, d_a: int) -> float:
    """I(A;B) in nats of a normal; the first d_a coordinates are A, the others B."""
    return of_normals(covariance, d_a) / BIT


def student_information(d_a: int, d_b: int, nu: float) -> float:
    """I(A;B) in nats of a Student distribution with identity dispersion."""

    def f(t: float) -> float:
        return float(gammaln(t / 2) - t / 2 * psi(t / 2))

    return f(nu) + f(nu + d_a + d_b) - f(nu + d_a) - f(nu + d_b)


def additive_information(epsilon: float) -> float:
    """I(A;B) in nats for B = A + uniform noise within ±ε, A uniform on [0, 1]."""
    return 0.25 / epsilon if epsilon > 0.5 else epsilon - math.log(2 * epsilon)


def dense_covariance(d: int) -> np.ndarray:
    """Covariance with one correlation for every two of the 2d coordinates."""
    return np.full((2 * d, 2 * d), DENSE) + (1 - DENSE) * np.eye(2 * d)


def paired_covariance(d: int) -> np.ndarray:
    """Covariance with two coordinates of A correlated with two of B, all others independent."""
    covariance = np.eye(2 * d)
    for i in range(2):
        covariance[i, d + i] = covariance[d + i, i] = PAIRED
    return covariance


def _normal(covariance: np.ndarray) -> Base:
    root = np.linalg.cholesky(covariance)
    d = len(covariance) // 2

    def base(n: int, rng: np.random.Generator):
        both = rng.standard_normal((n, 2 * d)) @ root.T
        return both[:, :d], both[:, d:]

    return base


def _student(d: int, nu: float) -> Base:
    def base(n: int, rng: np.random.Generator):
        both = rng.standard_normal((n, 2 * d)) / np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
        return both[:, :d], both[:, d:]

    return base


def _additive(epsilon: float) -> Base:
    def base(n: int, rng: np.random.Generator):
        a = rng.random((n, 1))
        return a, a + rng.uniform(-epsilon, epsilon, (n, 1))

    return base


def _task(
    name: str,
    d: int,
    nats: float,
    base: Base,
    of_a: Map = identity,
    of_b: Map = identity,
    d_a: int | None = None,
    law: Law | None = None,
) -> Task:
    """d : dimensions of B, and of A unless d_a is given."""

    def draw(n: int, seed: int) -> Draw:
        a, b = base(n, generator(f"beyond_normal {name}", n, seed))
        return Draw(Pair.of(of_a(a), of_b(b), name))

    return Task(name, "continuous", d_a or d, d, BIT * nats, draw, law=law)


def _every_task() -> list[Task]:
    return [*_one_dimensional(), *_normals(), *_students(), *_transformed()]


def _one_dimensional() -> list[Task]:
    covariance = np.array([[1, CORRELATION], [CORRELATION, 1]])
    nats, base = normal_information(covariance, 1), _normal(covariance)
    cdf = transforms.normal_cdf
    two_modes = [transforms.bimodal(0.3, 0, 5), transforms.bimodal(0.5, -1, 3)]
    student, nats_of_student = _student(1, 1), student_information(1, 1, 1)
    return [
        _task("Normal 1 × 1", 1, nats, base, law=Normal(covariance, 1)),
        _task("Normal CDF 1 × 1", 1, nats, base, cdf, cdf),
        _task("Additive noise 0.1", 1, additive_information(0.1), _additive(0.1)),
        _task("Additive noise 0.75", 1, additive_information(0.75), _additive(0.75)),
        _task("Bimodal 1 × 1", 1, nats, base, *(_after(cdf, mode) for mode in two_modes)),
        _task("Wiggly 1 × 1", 1, nats, base, transforms.wiggly_a, transforms.wiggly_b),
        _task("Half-cube 1 × 1", 1, nats, base, transforms.half_cube, transforms.half_cube),
        _task("Student 1 × 1 (ν = 1)", 1, nats_of_student, student),
        _task(
            "Asinh of Student 1 × 1 (ν = 1)",
            1,
            nats_of_student,
            student,
            transforms.asinh,
            transforms.asinh,
        ),
        _task("Swiss roll 2 × 1", 1, nats, base, _after(cdf, transforms.swiss_roll), cdf, 2),
    ]


def _normals() -> list[Task]:
    tasks = []
    for label, covariance_of, dimensions in (
        ("dense", dense_covariance, (2, 3, 5, 25, 50)),
        ("2-pair", paired_covariance, (2, 3, 5, 25)),
    ):
        for d in dimensions:
            covariance = covariance_of(d)
            nats = normal_information(covariance, d)
            law = Normal(covariance, d)
            name = f"Normal {d} × {d} ({label})"
            tasks.append(_task(name, d, nats, _normal(covariance), law=law))
    return tasks


def _students() -> list[Task]:
    return [
        _task(
            f"Student {d} × {d} (ν = {nu})", d, student_information(d, d, nu), _student(d, nu)
        )
        for d, nu in ((2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3))
    ]


def _transformed() -> list[Task]:
    tasks = []
    cdf, half_cube = transforms.normal_cdf, transforms.half_cube
    for d in (3, 5, 25):
        covariance = paired_covariance(d)
        nats, base = normal_information(covariance, d), _normal(covariance)
        # A is rotated in its paired coordinates, B in a paired one and one that is noise.
        spirals = [transforms.spiral(0, 1, 1 / d), transforms.spiral(1, 2, 1 / d)]
        for name, of_a, of_b in (
            ("Normal CDF", cdf, cdf),
            ("Half-cube", half_cube, half_cube),
            ("Spiral", *spirals),
            ("Spiral of normal CDF", *(_after(cdf, spiral) for spiral in spirals)),
        ):
            tasks.append(_task(f"{name} {d} × {d} (2-pair)", d, nats, base, of_a, of_b))
    for d, nu in ((2, 1), (3, 2), (5, 2)):
        nats, base = student_information(d, d, nu), _student(d, nu)
        name = f"Asinh of Student {d} × {d} (ν = {nu})"
        tasks.append(_task(name, d, nats, base, transforms.asinh, transforms.asinh))
    return tasks


def _after(first: Map, second: Map) -> Map:
    return lambda x: second(first(x))


NAMES = tuple(task.name for task in _every_task())
