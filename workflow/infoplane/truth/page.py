"""The settings of a calibration page: which estimators answer which problems, at what sizes."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from infoplane.choice import Choice
from infoplane.config.files import read_file
from infoplane.config.models import Estimator, Name
from infoplane.config.problems import ConfigError, dotted, not_defined, validated
from infoplane.estimators import ESTIMATORS
from infoplane.plan.recipes import recipe
from infoplane.provenance import LIBRARY, source_digest
from infoplane.settings import Settings
from infoplane.truth import PROBLEMS
from infoplane.truth.coverage import COVERAGE
from infoplane.truth.measured import MEASURED
from infoplane.truth.run import Limits
from infoplane.truth.task import KINDS

FOLDER = Path("config/truth")
"""Where pages lie that are called by name."""

FIGURES = (*(f"calibration-{kind}" for kind in KINDS), "distances", "errors", "published")
"""The figures of a page, in its order: names of files."""

Problem = Annotated[Any, Choice(PROBLEMS, "family")]


class Page(Settings):
    """A calibration page: estimators beside the truth."""

    title: str
    """What stands over the page."""
    n: list[Annotated[int, Field(ge=10)]] = Field(min_length=1)
    """Numbers of samples."""
    n_of: dict[Name, list[Annotated[int, Field(ge=10)]]] = Field(default={})
    """Other numbers of samples for some of the problems, by their names."""
    seeds: int = Field(default=3, ge=1)
    """Draws of each task and number of samples: seeds 0 … seeds − 1."""
    problems: dict[Name, Problem] = Field(min_length=1)
    """Families of problems by name, each with its settings."""
    estimators: dict[Name, Estimator] = Field(min_length=1)
    """Estimators by name, each with its settings."""
    limits: dict[Name, Limits] = Field(default={})
    """Where an estimator is not asked, by its name."""

    @model_validator(mode="after")
    def _names_are_of_something(self):
        for problem in self.n_of:
            if problem not in self.problems:
                text = not_defined(problem, "problem", self.problems)
                raise ValueError(f"n_of.{problem}: {text}")
        for name, limits in self.limits.items():
            if name not in self.estimators:
                raise ValueError(
                    f"limits.{name}: {not_defined(name, 'estimator', self.estimators)}"
                )
            for problem in limits.without:
                if problem not in self.problems:
                    text = not_defined(problem, "problem", self.problems)
                    raise ValueError(f"limits.{name}.without: {text}")
            numbers = [limits.largest_n, limits.largest_d, limits.seeds]
            if any(number is not None for number in numbers) and not limits.reason:
                raise ValueError(
                    f"limits.{name}: a largest n or d, or fewer seeds, need a reason"
                )
        return self

    def sizes_of(self, problem: str) -> list[int]:
        """Numbers of samples of this problem."""
        return self.n_of.get(problem, self.n)

    def limits_of(self, estimator: str) -> Limits:
        """Where this estimator is not asked."""
        return self.limits.get(estimator, Limits())

    def answers(self) -> list[tuple[str, str]]:
        """Every estimator with every problem that it is asked."""
        return [
            (estimator, problem)
            for estimator in self.estimators
            for problem in self.problems
            if problem not in self.limits_of(estimator).without
        ]

    def recipe_of_problem(self, problem: str) -> str:
        """Digest of all that a problem's tasks are made from."""
        settings = self.problems[problem]
        source = source_digest(PROBLEMS.path(settings.family), script="prepare_truth.py")
        return recipe(settings.canonical(), source)

    def recipe_of_answers(self, estimator: str, problem: str) -> str:
        """Digest of all that an estimator's answers to a problem are made from."""
        settings = self.estimators[estimator]
        source = source_digest(
            "infoplane.truth.run",
            ESTIMATORS.path(settings.estimator),
            PROBLEMS.path(self.problems[problem].family),
            script="estimate_truth.py",
        )
        return recipe(
            self.recipe_of_problem(problem),
            settings.canonical(),
            self.limits_of(estimator).canonical(),
            self.sizes_of(problem),
            self.seeds,
            source,
        )

    def recipe(self) -> str:
        """Digest of all that the page is made from."""
        source = source_digest(
            "infoplane.figures.calibration",
            "infoplane.figures.calibration_distances",
            "infoplane.figures.calibration_errors",
            "infoplane.figures.calibration_page",
            "infoplane.truth.errors",
            "infoplane.truth.measured",
            script="plot_truth.py",
        )
        template = (LIBRARY / "figures" / "calibration.html.j2").read_text(encoding="utf-8")
        answers = [self.recipe_of_answers(*pair) for pair in self.answers()]
        shipped = [file.read_text(encoding="utf-8") for file in (COVERAGE, MEASURED)]
        return recipe(self.canonical(), answers, source, template, shipped)


def file_of(name: str) -> Path:
    """The file of a page: `quick` is config/truth/quick.yaml; a path is itself."""
    return Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"


def load(name: str) -> Page:
    """The page of this name, or in this file.

    Raises ConfigError with every mistake of the file, one a line, and where there is no such
    file with the names that there are.
    """
    path = file_of(name)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml"))) or "none"
        raise ConfigError(
            f"truth: there is no page '{name}' ({path}). Known: {known}; another file in "
            f"{FOLDER} is another page"
        )
    page, problems = validated(Page, read_file(path))
    if problems:
        texts = [f"{dotted(p.path)}: {p.text}" if p.path else p.text for p in problems]
        raise ConfigError("\n".join(f"{path}: {text}" for text in texts))
    return page
