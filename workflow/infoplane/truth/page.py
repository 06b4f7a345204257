"""The settings of a calibration page: which estimators answer which problems, and the sizes."""

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
"""The folder of the pages that are called by name."""

FIGURES = (*(f"calibration-{kind}" for kind in KINDS), "distances", "errors", "published")
"""The names of a page's figures, in their order on the page."""

Problem = Annotated[Any, Choice(PROBLEMS, "family")]


class Page(Settings):
    """A calibration page: estimators compared with the truth."""

    title: str
    """The page has this title."""
    n: list[Annotated[int, Field(ge=10)]] = Field(min_length=1)
    """Every task is asked with these numbers of samples."""
    n_of: dict[Name, list[Annotated[int, Field(ge=10)]]] = Field(default={})
    """Each entry gives a problem, by its name, other numbers of samples."""
    seeds: int = Field(default=3, ge=1)
    """Each task is drawn this many times at each number of samples, with seeds 0, 1, …"""
    problems: dict[Name, Problem] = Field(min_length=1)
    """Each entry is a family of problems with its settings; the key is its name on the page."""
    estimators: dict[Name, Estimator] = Field(min_length=1)
    """Each entry is an estimator with its settings; the key is its name on the page."""
    limits: dict[Name, Limits] = Field(default={})
    """Each entry says which questions an estimator, by its name, is not asked."""

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
                raise ValueError(f"limits.{name}: largest_n, largest_d and seeds need a reason")
        return self

    def sizes_of(self, problem: str) -> list[int]:
        """The numbers of samples for this problem."""
        return self.n_of.get(problem, self.n)

    def limits_of(self, estimator: str) -> Limits:
        """The questions that this estimator is not asked."""
        return self.limits.get(estimator, Limits())

    def answers(self) -> list[tuple[str, str]]:
        """Every pair of an estimator and a problem that it is asked."""
        return [
            (estimator, problem)
            for estimator in self.estimators
            for problem in self.problems
            if problem not in self.limits_of(estimator).without
        ]

    def recipe_of_problem(self, problem: str) -> str:
        """Digest of everything that a problem's tasks depend on."""
        settings = self.problems[problem]
        source = source_digest(PROBLEMS.path(settings.family), script="prepare_truth.py")
        return recipe(settings.canonical(), source)

    def recipe_of_answers(self, estimator: str, problem: str) -> str:
        """Digest of everything that an estimator's answers to a problem depend on."""
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
        """Digest of everything that the page depends on."""
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

    Raises ConfigError with every mistake in the file, one on each line, or with the names of
    all pages if there is no such file.
    """
    path = file_of(name)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml"))) or "none"
        raise ConfigError(
            f"truth: there is no page '{name}' ({path}). Known: {known}; each file in "
            f"{FOLDER} is a page"
        )
    page, problems = validated(Page, read_file(path))
    if problems:
        texts = [f"{dotted(p.path)}: {p.text}" if p.path else p.text for p in problems]
        raise ConfigError("\n".join(f"{path}: {text}" for text in texts))
    return page
