"""Memory and time of data sets, figures and the calibration page."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from infoplane.costs.cost import DRAWING_MB, ESTIMATING_MB, IMPORT_SECONDS, PREPARING_MB, Cost
from infoplane.datasets.source import Shape
from infoplane.estimators import estimator_of
from infoplane.estimators.tables import costs as table

if TYPE_CHECKING:
    from infoplane.truth.page import Page

ROW_BYTES = 1500
"""Of one estimate while tables are joined and drawn."""
ROW_SECONDS = 2e-5
FIGURE_SECONDS = 5
MOST_TASKS = 64
"""Tasks of a family of problems whose settings do not say how many."""
MOST_DIMENSIONS = 100
"""Dimensions of a family of problems whose settings do not say how many."""


def of_dataset(data: Shape) -> Cost:
    """Peak memory and seconds of preparing a data set; a download is not counted."""
    n_bytes = 4 * data.n * data.d
    return Cost(PREPARING_MB + 4.5 * n_bytes / 1e6, IMPORT_SECONDS + n_bytes / 5e6)


def of_drawing(n_rows: float, base_mb: float = DRAWING_MB, n_figures: int = 4) -> Cost:
    """Peak memory and seconds of figures, checks or a page made from n_rows estimates."""
    seconds = FIGURE_SECONDS * n_figures + ROW_SECONDS * n_rows
    return Cost(base_mb + ROW_BYTES * n_rows / 1e6, IMPORT_SECONDS + seconds)


def of_problem(sizes: Sequence[int]) -> Cost:
    """Peak memory and seconds of preparing a family of problems: networks may be trained.

    sizes : numbers of samples
    """
    return Cost(PREPARING_MB + 500 + 4e-6 * 8 * 784 * max(sizes), IMPORT_SECONDS + 300)


def of_answers(page: "Page", estimator: str, problem: str) -> Cost:
    """Peak memory and seconds of an estimator's answers to a family of problems."""
    limits = page.limits_of(estimator)
    asked = estimator_of(page.estimators[estimator])
    n_tasks, d = _tasks_of(page.problems[problem])
    if limits.largest_d is not None:
        d = min(d, limits.largest_d)
    n_asked = n_tasks * (limits.seeds or page.seeds)
    mb, seconds = 0.0, 0.0
    for n in page.sizes_of(problem):
        if limits.largest_n is None or n <= limits.largest_n:
            cost = table.of_layer(asked, table.Layer(n, d, d))
            mb = max(mb, cost.mb)
            seconds += n_asked * cost.seconds
    return Cost(ESTIMATING_MB + 500 + mb, IMPORT_SECONDS + 60 + seconds)


def of_calibration(page: "Page") -> Cost:
    """Peak memory and seconds of drawing a calibration page."""
    n_asked = MOST_TASKS * sum(len(page.sizes_of(problem)) for problem in page.problems)
    return of_drawing(len(page.estimators) * page.seeds * n_asked, PREPARING_MB)


def _tasks_of(problem: Any) -> tuple[int, int]:
    """Number of tasks and most dimensions, from lists in the problem's settings."""
    lists = [v for v in problem.model_dump().values() if isinstance(v, list) and v]
    numbers = getattr(problem, "dimensions", None) or getattr(problem, "components", None)
    most = max(numbers) if numbers else MOST_DIMENSIONS
    return (math.prod(len(v) for v in lists) if lists else MOST_TASKS), most
