"""What an experiment is made of: the settings of the library's parts under their names."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from infoplane.choice import IMPORTED, Choice
from infoplane.compare import settings as compare
from infoplane.compare.strata import DEFAULT, Stratum
from infoplane.datasets import SOURCES
from infoplane.estimators import ESTIMATORS
from infoplane.figures import FIGURES
from infoplane.measurement import pooling
from infoplane.networks import FAMILIES
from infoplane.probes import PROBES
from infoplane.probes import dataset as dataset_probe
from infoplane.schedules.adaptive import Adaptive
from infoplane.settings import Settings
from infoplane.table import nearest
from infoplane.training import TRAINERS

NAME = r"^[A-Za-z0-9_=,][A-Za-z0-9_=,.-]{0,99}$"
"""Names become names of files and parts of commands."""
LAST_SEED = 2**32 - 1
MOST_SEEDS = 10_000


def _counted(value: Any) -> Any:
    """A number of seeds as the list of them."""
    count = isinstance(value, int) and not isinstance(value, bool)
    return list(range(value)) if count and 1 <= value <= MOST_SEEDS else value


def _sorted(seeds: list[int]) -> list[int]:
    return sorted(_each_once(seeds))


def _each_once(values: list) -> list:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} is listed twice")
    return values


Name = Annotated[str, StringConstraints(pattern=NAME)]
Names = Annotated[
    list[str], AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True})
]
Seeds = Annotated[
    Annotated[list[Annotated[int, Field(ge=0, le=LAST_SEED)]], Field(min_length=1)],
    BeforeValidator(_counted),
    AfterValidator(_sorted),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS},
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0, "maximum": LAST_SEED},
                    "minItems": 1,
                    "uniqueItems": True,
                },
            ]
        }
    ),
]
Dataset = Annotated[Any, Choice(SOURCES, "source")]
Estimator = Annotated[Any, Choice(ESTIMATORS, "estimator")]
Network = Annotated[Any, Choice(FAMILIES, "family", "mlp")]
Measure = Annotated[Any, Choice(PROBES, "probe", "dataset")]
Training = Annotated[Any, Choice(TRAINERS, "trainer", "supervised")]


class Run(Settings):
    """A network trained on a data set from several seeds, and what is measured of it."""

    dataset: str
    """Name of one of the experiment's data sets."""
    network: Network
    """The network: its family (mlp where it is left out) and its settings."""
    training: Training
    """The training: its trainer (supervised where it is left out) and its settings."""
    seeds: Seeds = Field(default=10, validate_default=True)
    """How many seeds (10: the seeds 0 … 9), or a list of seeds. Each is one trained network."""
    seeds_per_block: int | None = Field(default=None, ge=1)
    """Seeds that train together in one job, as one batched network where that is faster; null:
    10, or 1 of self-play, whose seeds train one after the other."""
    measure: Measure = dataset_probe.Settings()
    """The inputs and the epochs on which information is measured, by a probe (dataset where it
    is left out)."""
    estimators: Names = Field(min_length=1)
    """Names of the experiment's estimators that measure this run."""
    shards: int = Field(default=1, ge=1, le=1000)
    """Jobs that share each measurement of a block of seeds by one estimator: each takes a part
    of the epochs, or of the gaps of delta_exact. Critics that go on from the epoch before, and
    delta_approximate, are measured by one job all the same. Changes no result."""
    pools: dict[Name, pooling.Settings] = Field(default={})
    """Pools by name: weights of many epochs or seeds that are taken for draws of one random
    network, each measured by the run's estimators."""
    threads: int = Field(default=1, ge=1)
    """CPU threads of each of the run's training and estimating jobs. Changes no result."""
    memory_mb: int = Field(default=1024, ge=1)
    """Bound in MB for the activations that are held at once. Changes no result."""
    checkpoint_seconds: float = Field(default=20, gt=0)
    """Time between two checkpoints of a training: what a kill can cost. Changes no result."""

    @property
    def n_measured(self) -> int:
        """Most epochs that are measured; an adaptive schedule may ask for every kept one."""
        return self.measure.epochs.most(self.training.n_kept)

    def n_measured_by_each_of(self, n_parts: int) -> int:
        """Most epochs that one of so many parts measures. Where a schedule chooses them, all
        may lie in one part."""
        adapts = isinstance(self.measure.epochs, Adaptive)
        return self.n_measured if adapts else -(-self.n_measured // n_parts)


class WrittenRun(Run):
    """A run as a file has it: a sweep makes it many, and an empty section is one left out."""

    measure: Measure | None = None
    """The inputs and the epochs on which information is measured, by a probe (dataset where it
    is left out)."""
    estimators: Names | None = Field(default=None, min_length=1)
    """Names of the experiment's estimators that measure this run; null: all of them."""
    sweep: dict[str, list] | None = None
    """Multiplies the run: lists of values by dotted key, `training.batch_size: [128, 512]`.
    Each combination is a run, <run>-<key>_<value> with the keys in alphabetical order."""


class Factor(Settings):
    """One thing that differs while all else is the same: a row of planes, one a level."""

    runs: Names | None = Field(default=None, min_length=1)
    """Runs that differ in this factor alone, a level each; a run with a sweep stands for all
    its variants. Levels that are numbers are put in order."""
    besides: Names = Field(default=[])
    """Dotted keys in which the runs differ beside the factor, `training.epochs`; any other
    difference is a mistake."""
    run: str | None = None
    """The run that `estimators` measure, where the factor is how it is measured."""
    estimators: Names | None = Field(default=None, min_length=1)
    """Estimators of `run`, a level each; one with a sweep stands for all its variants."""
    labels: list[str] | None = None
    """What the levels are called, in the order in which they are listed; null: by their value,
    data sets and estimators by their names."""

    @model_validator(mode="after")
    def _of_runs_or_of_estimators(self):
        given = [self.runs is not None, self.run is not None, self.estimators is not None]
        if given not in ([True, False, False], [False, True, True]):
            raise ValueError("give runs, or run and estimators")
        return self


def _is_a_figure(path: str) -> str:
    if ":" not in path:
        raise ValueError(f"must be an import path, module:Class, not '{path}'")
    try:
        FIGURES[path]
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    return path


OwnFigure = Annotated[str, AfterValidator(_is_a_figure), Field(pattern=IMPORTED)]


class Figures(Settings):
    """What is drawn."""

    per_run: bool = True
    """Whether every run gets figures of its own. false, for experiments of very many runs:
    only comparisons and pooled planes are drawn, and a run's own figures on demand, by the
    target run_<run> or figure_<figure>."""
    comparisons: dict[Name, Names] | None = None
    """Names of runs that are drawn side by side, by the comparison's name; a run with a sweep
    stands for all its variants. null: one comparison, all, of 2 to 12 runs."""
    factors: dict[Name, Factor] | None = None
    """Factors by name. Each is a row of small planes in one figure, with the statistics of
    phases of every plane beside it; one figure for each estimator that measures all the runs.
    null: none."""

    own: dict[Name, OwnFigure] = Field(default={})
    """Kinds of figures of the user's own by the name that their files and their target
    figure_<name> have: the import path of each one's class, "module:Class"."""

    @field_validator("own")
    @classmethod
    def _names_are_free(cls, own: dict[str, str]) -> dict[str, str]:
        taken = [name for name in own if name in FIGURES.paths]
        if taken:
            raise ValueError(f"'{taken[0]}' is a figure of infoplane's; choose another name")
        return own


class Compare(compare.Settings):
    """Networks of a grid that are compared pair by pair: which signal of training tells which
    of two generalises better. Each is a run, <family>-<axis>_<point>-…, with its seeds."""

    families: dict[Name, dict[str, Any] | None] = Field(min_length=1)
    """Families by name, in each of which all networks are compared: a partial run, as a data
    set and an architecture. Its `axes` add to the common ones, or replace them (null: leave
    one out)."""
    axes: dict[str, list | dict[Name, dict[str, Any] | None] | None] | None = None
    """What networks of a family differ in, besides the seed. By dotted key, a list of its
    values: `training.batch_size: [32, 128]`; or by a name, points that each set some keys:
    `regulariser: {none: {}, l2: {training.l2: 1.0e-3}}`. Every combination is a run."""
    signals: dict[Name, compare.Signal] | None = Field(default=None, min_length=1)
    """Signals by name; several may be one with other settings. `estimator` of a signal is the
    name of one of the experiment's estimators. null: every signal that needs no settings, and
    I(X;T) and I(T;Y) by each of the experiment's estimators, ixt_<name> and ity_<name>."""
    strata: dict[Name, Stratum] = Field(default=DEFAULT, min_length=1)
    """Where networks are compared, by name: each at the end of its training, all at one epoch,
    or each at the same training loss."""
    minutes_per_job: float = Field(default=10, gt=0)
    """Trainings of a family go into one job, one after the other, until they are expected to
    take so many minutes: a job costs seconds before it trains. Changes no result."""
    networks_per_job: int = Field(default=64, ge=1)
    """Networks of a family whose signals one job measures. Changes no result."""


class Member(Settings):
    """A run of a family: where it stands on each axis, by the axes' names."""

    run: str
    point: dict[str, str]


class Compared(compare.Settings):
    """What is compared, with the families' runs made."""

    families: dict[str, list[Member]]
    """Runs of every family, and where each stands."""
    signals: dict[str, compare.Signal]
    minutes_per_job: float
    networks_per_job: int

    @property
    def runs(self) -> set[str]:
        """Names of all runs that stand in a family."""
        return {member.run for members in self.families.values() for member in members}


class File(Settings):
    """An experiment of infoplane: data sets, estimators, and runs that bring them together."""

    experiment: Name
    """Name of the experiment; its results are in results/<experiment>."""
    datasets: dict[Name, Dataset] = Field(min_length=1)
    """Data sets by name."""
    estimators: dict[Name, Estimator] = Field(min_length=1)
    """Estimators by name; several may be one method with other settings. With
    `sweep: {n_bins: [10, 30]}` an entry is several, <name>-<key>_<value>, drawn together."""
    defaults: dict[str, Any] | None = None
    """Keys of a run that hold for every run which does not give them itself."""
    runs: dict[Name, dict[str, Any] | None] | None = Field(default=None, min_length=1)
    """Runs by name; they may be left out beside `compare`."""
    compare: Compare | None = None
    """Networks of a grid that are compared pair by pair; null: none are."""
    figures: Figures | None = None
    """What is drawn."""
    truth: Name = "quick"
    """The calibration page that `estimator_truth` makes: a file of config/truth."""


class Level(Settings):
    """One level of a factor, which is one plane."""

    label: str
    run: str
    estimator: str | None = None
    """By which it is measured; None: by that of the figure."""


class Experiment(Settings):
    """An experiment file that was found right, with defaults merged and sweeps carried out."""

    name: Name
    datasets: dict[Name, Dataset]
    estimators: dict[Name, Estimator]
    runs: dict[str, Run]
    comparisons: dict[str, list[str]]
    factors: dict[str, list[Level]] = Field(default_factory=dict)
    """Of each factor the levels, at least two."""
    figures_per_run: bool = True
    """Whether every run gets figures of its own."""
    own_figures: dict[str, str] = Field(default_factory=dict)
    """Kinds of figures of the user's own: name and import path."""
    sweeps: dict[str, list[str]] = Field(default_factory=dict)
    """Estimators that are one entry of the file with another setting each, by its name."""
    compare: Compared | None = None
    """What is compared pair by pair, if anything is."""
    truth: Name = "quick"

    @cached_property
    def alone(self) -> dict[str, Run]:
        """Runs that are measured, drawn and reported one by one: those of no family."""
        in_families = self.compare.runs if self.compare else set()
        return {name: run for name, run in self.runs.items() if name not in in_families}

    def run(self, name: str) -> Run:
        """The settings of a run. Raises ValueError where there is none of this name."""
        if name not in self.runs:
            raise ValueError(f"there is no run '{name}'.{nearest(name, self.runs)}")
        return self.runs[name]
