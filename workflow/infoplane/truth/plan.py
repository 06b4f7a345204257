"""What the rules of a calibration page need: its files, stages and inputs."""

import math
from functools import cached_property

from infoplane.costs import IMPORT_SECONDS, TORCH_MB, Cost
from infoplane.estimators import ESTIMATORS
from infoplane.plan.costs import of_drawing
from infoplane.plan.stage import Stage
from infoplane.truth import page
from infoplane.truth.page import Page

TASKS, DIMENSIONS = 64, 100
"""Assumed for a family of problems whose settings do not give the number."""


class TruthPlan:
    """The plan of the page of this name; the page is read when a rule first needs it."""

    def __init__(self, name: str):
        self.name, self.home = name, f"results/truth/{name}"
        self.problems = Stage(
            f"{self.home}/problems/{{problem}}.json",
            lambda problem: self.page.recipe_of_problem(problem),
            self._cost_of_problem,
        )
        self.answers = Stage(
            f"{self.home}/estimates/{{answerer}}/{{problem}}.json",
            lambda answerer, problem: self.page.recipe_of_answers(answerer, problem),
            self._cost_of_answers,
        )
        self.calibration = Stage(
            f"{self.home}/calibration.json",
            lambda: self.page.recipe(),
            self._cost_of_page,
        )

    @cached_property
    def page(self) -> Page:
        """The page. Raises ConfigError with every mistake in its file."""
        return page.load(self.name)

    @property
    def estimates(self) -> list[str]:
        """The files of answers, for every estimator and every problem that it is asked."""
        return [f"{self.home}/estimates/{by}/{p}.csv" for by, p in self.page.answers()]

    def of_problems(self, ending: str) -> list[str]:
        """One file for every problem."""
        return [f"{self.home}/problems/{name}.{ending}" for name in self.page.problems]

    def _cost_of_problem(self, problem: str) -> Cost:
        """The cost of preparing a family of problems, which may train networks."""
        n_bytes = 32 * 784 * max(self.page.sizes_of(problem))
        return Cost(TORCH_MB + 500 + n_bytes / 1e6, IMPORT_SECONDS + 300)

    def _cost_of_answers(self, answerer: str, problem: str) -> Cost:
        """The cost of an estimator's answers to a family of problems."""
        limits = self.page.limits_of(answerer)
        asked = self.page.estimators[answerer]
        estimator = ESTIMATORS[asked.estimator](asked)
        settings = self.page.problems[problem].model_dump()
        lists = [value for value in settings.values() if isinstance(value, list) and value]
        n_tasks = math.prod(map(len, lists)) if lists else TASKS
        d = max(settings.get("dimensions") or settings.get("components") or [DIMENSIONS])
        d = min(d, limits.largest_d or d)
        sizes = [n for n in self.page.sizes_of(problem) if n <= (limits.largest_n or n)]
        costs = [estimator.cost(n, d, d) for n in sizes] or [Cost(0, 0)]
        n_asked = n_tasks * (limits.seeds or self.page.seeds)
        seconds = IMPORT_SECONDS + 60 + n_asked * sum(cost.seconds for cost in costs)
        return Cost(TORCH_MB + 500 + max(cost.mb for cost in costs), seconds)

    def _cost_of_page(self) -> Cost:
        """The cost of drawing the page."""
        sizes = sum(len(self.page.sizes_of(problem)) for problem in self.page.problems)
        n_rows = len(self.page.estimators) * self.page.seeds * TASKS * sizes
        return of_drawing(n_rows, TORCH_MB)
