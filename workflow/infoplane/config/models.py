"""The parts of an experiment: settings of the library's parts under their names."""

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
from infoplane.claims.settings import AnyClaim
from infoplane.compare import settings as compare
from infoplane.compare.strata import DEFAULT, Stratum
from infoplane.datasets import SOURCES
from infoplane.estimators import ESTIMATORS
from infoplane.figures import FIGURES
from infoplane.invariance.settings import AuditSettings
from infoplane.measurement import pooling
from infoplane.networks import FAMILIES
from infoplane.probes import PROBES
from infoplane.probes import dataset as dataset_probe
from infoplane.schedules.adaptive import Adaptive
from infoplane.settings import Settings
from infoplane.table import nearest
from infoplane.training import TRAINERS

NAME = r"^[A-Za-z0-9_=,][A-Za-z0-9_=,.-]{0,99}$"
"""Names become file names and parts of commands."""
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
    """A network, trained on a data set from several seeds, and its measurement."""

    dataset: str
    """The run learns and measures this data set, one of the experiment's `datasets`."""
    network: Network
    """The network has a family, mlp if none is given, and the settings of this family."""
    training: Training
    """The training has a trainer, supervised if none is given, and the settings of this
    trainer."""
    seeds: Seeds = Field(default=10, validate_default=True)
    """A number n trains the seeds 0 to n − 1; a list names the seeds. Each seed is one trained
    network."""
    seeds_per_block: int | None = Field(default=None, ge=1)
    """One job trains this many seeds, as one batched network if that is faster; null means
    10, or 1 in self-play, whose seeds train one after the other."""
    measure: Measure = dataset_probe.Settings()
    """This section sets the inputs and the epochs at which information is measured; its probe
    is dataset if none is given."""
    estimators: Names = Field(min_length=1)
    """Names of the experiment's estimators that measure this run."""
    shards: int = Field(default=1, ge=1, le=1000)
    """This many jobs share each measurement of a block of seeds by one estimator: each job
    takes a part of the epochs, or of the gaps of delta_exact. One job measures critics that go
    on from the epoch before, and delta_approximate. The setting changes no result."""
    pools: dict[Name, pooling.Settings] = Field(default={})
    """Each pool takes the weights of many epochs or seeds as draws of one random network, which
    the run's estimators measure."""
    threads: int = Field(default=1, ge=1)
    """Each training and estimating job of the run uses this many CPU threads. The setting
    changes no result."""
    memory_mb: int = Field(default=1024, ge=1)
    """A job holds activations of at most this many MB at once. The setting changes no
    result."""
    checkpoint_seconds: float = Field(default=20, gt=0)
    """A training writes a checkpoint at intervals of this many seconds; a kill costs at most
    the work of one interval. The setting changes no result."""

    @property
    def n_measured(self) -> int:
        """The largest number of measured epochs; an adaptive schedule may measure every kept
        one."""
        return self.measure.epochs.most(self.training.n_kept)

    def n_measured_by_each_of(self, n_parts: int) -> int:
        """The largest number of epochs that one of n_parts parts measures. If a schedule
        chooses them, all may be in one part."""
        adapts = isinstance(self.measure.epochs, Adaptive)
        return self.n_measured if adapts else -(-self.n_measured // n_parts)


class WrittenRun(Run):
    """A run as in the file: a sweep makes it several runs, and an empty section counts as left
    out."""

    measure: Measure | None = None
    """This section sets the inputs and the epochs at which information is measured; its probe
    is dataset if none is given."""
    estimators: Names | None = Field(default=None, min_length=1)
    """These of the experiment's estimators measure the run; null means all of them."""
    sweep: dict[str, list] | None = None
    """A sweep turns the run into several, by lists of values under dotted keys:
    `training.batch_size: [128, 512]`. Each combination is a run <run>-<key>_<value>, with the
    keys in alphabetical order."""


class Factor(Settings):
    """One thing that differs while all else is the same: a row of planes, one per level."""

    runs: Names | None = Field(default=None, min_length=1)
    """These runs are the levels of the factor and differ in nothing else; a run with a sweep
    stands for all its variants. Levels that are numbers are put in order."""
    besides: Names = Field(default=[])
    """The runs may also differ in these dotted keys, such as `training.epochs`; any other
    difference is an error."""
    run: str | None = None
    """The `estimators` measure this run, if the factor is the estimator or its settings."""
    estimators: Names | None = Field(default=None, min_length=1)
    """Each of these estimators of `run` is a level; an estimator with a sweep stands for all
    its variants."""
    labels: list[str] | None = None
    """Figures call the levels by these names, in the order of the list; with null, by their
    values, and data sets and estimators by their names."""

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
    """The figures of an experiment."""

    per_run: bool = True
    """`true` draws figures of every run. false, for very many runs, draws comparisons and
    pooled planes alone; the target run_<run> or figure_<figure> draws a run's figures on
    demand."""
    comparisons: dict[Name, Names] | None = None
    """Each comparison lists the runs that are drawn side by side; a run with a sweep stands for
    all its variants. null makes one comparison, all, of 2 to 12 runs."""
    factors: dict[Name, Factor] | None = None
    """Each factor is a row of small planes in one figure, with the statistics of the phases of
    every plane next to it; each estimator that measures all the runs has its own figure. null
    draws none."""

    own: dict[Name, OwnFigure] = Field(default={})
    """Each entry is a kind of figure of your own: its name names the files and the target
    figure_<name>, its value is the import path of the class, "module:Class"."""

    @field_validator("own")
    @classmethod
    def _names_are_free(cls, own: dict[str, str]) -> dict[str, str]:
        taken = [name for name in own if name in FIGURES.paths]
        if taken:
            raise ValueError(f"'{taken[0]}' is a figure of infoplane; choose another name")
        return own


class Compare(compare.Settings):
    """Networks of a grid, compared pair by pair: does a signal of training tell which of two
    networks generalises better? Each is a run, <family>-<axis>_<point>-…, with its seeds."""

    families: dict[Name, dict[str, Any] | None] = Field(min_length=1)
    """Each family is a partial run, such as a data set and an architecture, and all its
    networks are compared. Its `axes` add to the common ones, replace one, or with null leave
    one out."""
    axes: dict[str, list | dict[Name, dict[str, Any] | None] | None] | None = None
    """Axes say how the networks of a family differ, apart from the seed: a dotted key with a
    list of its values, `training.batch_size: [32, 128]`, or a name with points that each set
    some keys, `regulariser: {none: {}, l2: {training.l2: 1.0e-3}}`. Every combination is a
    run."""
    signals: dict[Name, compare.Signal] | None = Field(default=None, min_length=1)
    """Each entry is a signal with its settings; `estimator` of a signal names one of the
    experiment's estimators. null takes every signal that needs no settings, and I(X;T) and
    I(T;Y) by each of the experiment's estimators as ixt_<name> and ity_<name>."""
    strata: dict[Name, Stratum] = Field(default=DEFAULT, min_length=1)
    """Strata name the epochs at which networks are compared: each network at the end of its
    training, all at one epoch, or each at the same training loss."""
    minutes_per_job: float = Field(default=10, gt=0)
    """One job trains networks of a family one after the other until they are expected to take
    this many minutes, because a job costs seconds before it trains. The setting changes no
    result."""
    networks_per_job: int = Field(default=64, ge=1)
    """One job measures the signals of this many networks of a family. The setting changes no
    result."""


class Member(Settings):
    """A run of a family: its point on each axis, by the axes' names."""

    run: str
    point: dict[str, str]


class Compared(compare.Settings):
    """The comparison, with the families' runs."""

    families: dict[str, list[Member]]
    """Runs of every family, and the place of each."""
    signals: dict[str, compare.Signal]
    minutes_per_job: float
    networks_per_job: int

    @property
    def runs(self) -> set[str]:
        """Names of all runs that belong to a family."""
        return {member.run for members in self.families.values() for member in members}


class File(Settings):
    """An experiment of infoplane: data sets, estimators, and runs that bring them together."""

    experiment: Name
    """The results of the experiment are in results/<experiment>."""
    datasets: dict[Name, Dataset] = Field(min_length=1)
    """Each entry is a data set: its name and the settings of its source."""
    estimators: dict[Name, Estimator] = Field(min_length=1)
    """Each entry is an estimator with its settings; several entries may be one method. An entry
    with `sweep: {n_bins: [10, 30]}` is several estimators, <name>-<key>_<value>, which are
    drawn together."""
    defaults: dict[str, Any] | None = None
    """These keys apply to every run that does not give them itself."""
    runs: dict[Name, dict[str, Any] | None] | None = Field(default=None, min_length=1)
    """Each entry is a run; an experiment with `compare` may have none."""
    compare: Compare | None = None
    """This section compares the networks of a grid pair by pair; null compares none."""
    claims: dict[Name, AnyClaim] | None = Field(default=None, min_length=1)
    """Each entry is a claim, which the report tests over estimators, settings, seeds and data
    sets; null claims nothing."""
    figures: Figures | None = None
    """This section adds to the usual figures."""
    audit: AuditSettings | None = None
    """The invariance audit that the report shows: layers are measured in other coordinates too;
    null shows none, and `snakemake audit` then makes one by the default settings."""
    truth: Name = "quick"
    """The target `estimator_truth` makes the calibration page of this file in config/truth."""


class Level(Settings):
    """One level of a factor, which is one plane."""

    label: str
    run: str
    estimator: str | None = None
    """The estimator that measures the level; None: the figure's."""


class Experiment(Settings):
    """A valid experiment file, with defaults merged and sweeps carried out."""

    name: Name
    datasets: dict[Name, Dataset]
    estimators: dict[Name, Estimator]
    runs: dict[str, Run]
    comparisons: dict[str, list[str]]
    factors: dict[str, list[Level]] = Field(default_factory=dict)
    """The levels of each factor, at least two."""
    figures_per_run: bool = True
    """Whether every run gets figures of its own."""
    own_figures: dict[str, str] = Field(default_factory=dict)
    """The user's kinds of figures: name and import path."""
    sweeps: dict[str, list[str]] = Field(default_factory=dict)
    """Estimators of one entry of the file, each with another setting, by the entry's name."""
    compare: Compared | None = None
    """The comparison pair by pair, if there is one."""
    claims: dict[str, AnyClaim] = Field(default_factory=dict)
    audit: AuditSettings | None = None
    """The report's audit, with names of runs and estimators in place of sweeps."""
    """The claims by name, with runs and estimators in place of sweeps."""
    truth: Name = "quick"

    @cached_property
    def alone(self) -> dict[str, Run]:
        """Runs that are measured, drawn and reported one by one, because they belong to no
        family."""
        in_families = self.compare.runs if self.compare else set()
        return {name: run for name, run in self.runs.items() if name not in in_families}

    def run(self, name: str) -> Run:
        """The settings of a run. Raises ValueError if there is none of this name."""
        if name not in self.runs:
            raise ValueError(f"there is no run '{name}'.{nearest(name, self.runs)}")
        return self.runs[name]
