"""What the rules of a calibration page take: its files, stages, inputs."""

from functools import cached_property

from infoplane.costs import small
from infoplane.plan.stage import Stage
from infoplane.truth import page
from infoplane.truth.page import Page


class TruthPlan:
    """The plan of the page of this name; it is read when a rule first asks for it."""

    def __init__(self, name: str):
        self.name, self.home = name, f"results/truth/{name}"
        self.problems = Stage(
            f"{self.home}/problems/{{problem}}.json",
            lambda problem: self.page.recipe_of_problem(problem),
            lambda problem: small.of_problem(self.page.sizes_of(problem)),
        )
        self.answers = Stage(
            f"{self.home}/estimates/{{answerer}}/{{problem}}.json",
            lambda answerer, problem: self.page.recipe_of_answers(answerer, problem),
            lambda answerer, problem: small.of_answers(self.page, answerer, problem),
        )
        self.calibration = Stage(
            f"{self.home}/calibration.json",
            lambda: self.page.recipe(),
            lambda: small.of_calibration(self.page),
        )

    @cached_property
    def page(self) -> Page:
        """The page. Raises ConfigError with every mistake of its file."""
        return page.load(self.name)

    @property
    def estimates(self) -> list[str]:
        """The answers of every estimator of the page to every problem that it is asked."""
        return [f"{self.home}/estimates/{by}/{p}.csv" for by, p in self.page.answers()]

    def of_problems(self, ending: str) -> list[str]:
        """A file of every problem."""
        return [f"{self.home}/problems/{name}.{ending}" for name in self.page.problems]
