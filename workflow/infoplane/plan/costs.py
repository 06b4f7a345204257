"""What the jobs of an experiment need: the costs of what they do, put together."""

import contextlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from infoplane.config.models import Experiment
from infoplane.config.seeds import parse_block
from infoplane.costs import DRAWING_MB, IMPORT_SECONDS, PREPARING_MB, Cost
from infoplane.datasets.prepare import known_shape_of, shape_of
from infoplane.datasets.source import Shape
from infoplane.estimators import estimator_of
from infoplane.estimators.interface import Estimator
from infoplane.figures.subject import Subject
from infoplane.measurement.cost import Work, planned_reader
from infoplane.networks.mlp import Settings as MLPSettings
from infoplane.networks.network import Network
from infoplane.schedules.adaptive import Adaptive
from infoplane.stores.archive import SUFFIX, StoreError
from infoplane.stores.shapes import shape_of_store
from infoplane.stores.weights import measured_network
from infoplane.training import TRAINERS
from infoplane.training.trainer import NETWORK, Trainer

STAND_IN = MLPSettings(hidden=[256])
"""Costs of a network of which nothing is known yet are those of this one."""
ROW_BYTES, ROW_SECONDS = 1500, 2e-5
"""Of one estimate while tables are joined and drawn."""
FIGURE_SECONDS = 5


def of_drawing(n_rows: float, base_mb: float = DRAWING_MB, n_figures: int = 4) -> Cost:
    """Of figures, checks or a page made from n_rows estimates."""
    seconds = IMPORT_SECONDS + FIGURE_SECONDS * n_figures + ROW_SECONDS * n_rows
    return Cost(base_mb + ROW_BYTES * n_rows / 1e6, seconds)


class Costs:
    """Costs and GPUs of an experiment's jobs, by the names that stand in their files.

    home : the experiment's results. A data set, prepared there or not, is looked at once, and
    so are networks; thousands of jobs measure the same
    """

    def __init__(self, experiment: Experiment, home: str | Path):
        self.experiment, self.home = experiment, Path(home)
        self.shape, self.networks = cache(self.shape), cache(self.networks)
        self._estimator, self._prepared = cache(self._estimator), cache(self._prepared)
        self.n_measured, self._alike = cache(self.n_measured), cache(self._alike)
        self._networks: dict[tuple, Mapping[str, Network]] = {}
        self._works: dict[tuple, Work] = {}
        self._of_estimation = cache(self._of_estimation)

    def dataset(self, dataset: str) -> Cost:
        """Of its preparation; a download is not counted."""
        shape = self.shape(dataset)
        n_bytes = 4 * shape.n * shape.d
        return Cost(PREPARING_MB + 4.5 * n_bytes / 1e6, IMPORT_SECONDS + n_bytes / 5e6)

    def training(self, run: str, seeds: str) -> Cost:
        """Of a block of seeds."""
        chosen = self.experiment.runs[run]
        shape, network = self.shape(chosen.dataset), self.networks(run)[NETWORK]
        trainer = TRAINERS[chosen.training.trainer]
        return trainer.cost(chosen.training, network, shape, n_seeds_of(seeds), chosen.threads)

    def activations(self, run: str, seeds: str) -> Cost:
        """Of the activations of a block of seeds that estimators share."""
        return self.work(run, n_seeds_of(seeds)).activations()

    def estimation(
        self, run: str, estimator: str, seeds: str, n_epochs: int | None = None
    ) -> Cost:
        """Of a block of seeds; n_epochs : that the job measures, where not all of the run's."""
        return self._of_estimation(self.work(run, n_seeds_of(seeds), n_epochs), estimator)

    def n_epochs_of_part(self, run: str, n_parts: int) -> int | None:
        """Most epochs that one of so many parts measures; None: as many as the whole, where a
        schedule chooses them and all may lie in one part."""
        adapts = isinstance(self.experiment.runs[run].measure.epochs, Adaptive)
        return None if adapts else -(-self.n_measured(run) // n_parts)

    def pool(self, run: str, pool: str, estimator: str) -> Cost:
        """Of a pool of a run by one estimator."""
        chosen = self.experiment.runs[run]
        work, n_kept = self.work(run, len(chosen.seeds)), chosen.training.n_kept
        return work.pool(chosen.pools[pool], self._estimator(estimator), n_kept)

    def drawing(self, subjects: Iterable[Subject]) -> Cost:
        """Of figures of a run (and its lists of violations), or of several runs."""
        subjects = list(subjects)
        runs = {of for s in subjects for of in s.runs}
        n_rows = sum(
            self._n_estimates(of) + self._n_metrics(of) * len(self.network(of).layers)
            for of in runs
        )
        return of_drawing(n_rows, n_figures=len(subjects))

    def report(self) -> Cost:
        """Of the page with all estimates and the metrics of every epoch."""
        runs = self.experiment.runs
        return of_drawing(sum(self._n_estimates(run) + self._n_metrics(run) for run in runs))

    def gpus_to_train(self, run: str, **_) -> int:
        """GPUs of a training: 0 or 1."""
        return int(self.experiment.runs[run].training.device != "cpu")

    def gpus_for_activations(self, run: str, **_) -> int:
        """GPUs of a regeneration."""
        return int(self.experiment.runs[run].measure.device != "cpu")

    def gpus_to_estimate(self, run: str, estimator: str, **_) -> int:
        """GPUs of an estimate, and of a pool: under `auto` for those that train networks."""
        device = self.experiment.runs[run].measure.device
        trains = self._estimator(estimator).trains
        return int(device == "cuda" or (device == "auto" and trains))

    def work(self, run: str, n_seeds: int, n_epochs: int | None = None) -> Work:
        """What a job measures; the same object for jobs that measure alike."""
        chosen = self.experiment.runs[run]
        n_epochs = min(n_epochs or self.n_measured(run), self.n_measured(run))
        key = (*self._alike(run), n_seeds, n_epochs)
        if key not in self._works:
            measured = (self.network(run), chosen.measure, self.shape(chosen.dataset))
            bounds = (n_seeds, n_epochs, chosen.memory_mb, chosen.threads)
            self._works[key] = Work(*measured, *bounds)
        return self._works[key]

    def n_measured(self, run: str) -> int:
        """Most epochs that are measured; an adaptive schedule may ask for every kept one."""
        chosen = self.experiment.runs[run]
        return chosen.measure.epochs.most(chosen.training.n_kept)

    def shape(self, dataset: str) -> Shape:
        """Of a data set: as it was prepared, or as its settings say."""
        return self._prepared(dataset) or shape_of(self.experiment.datasets[dataset])

    def shape_is_known(self, dataset: str) -> bool:
        """Whether `shape` is what the data set has, and not assumed."""
        return bool(
            self._prepared(dataset) or known_shape_of(self.experiment.datasets[dataset])
        )

    def network(self, run: str) -> Network:
        """Which of the run's networks is measured."""
        found = self.networks(run)
        return found[measured_network(found, self.experiment.runs[run].measure.network)]

    def networks(self, run: str) -> Mapping[str, Network]:
        """The networks of a run's trainer, without any weights.

        Raises ValueError where a module of the user's own is wrong, or takes no such inputs.
        """
        chosen = self.experiment.runs[run]
        shape, trainer = self.shape(chosen.dataset), TRAINERS[chosen.training.trainer]
        shaping = chosen.training.model_dump_json(include={*chosen.training.shaping})
        key = (trainer, chosen.network.canonical(), shaping, chosen.dataset)
        if key not in self._networks:
            try:
                found = trainer.networks_of(chosen.training, chosen.network, shape)
            except ValueError as error:
                if self.shape_is_known(chosen.dataset):
                    raise ValueError(f"runs.{run}.{error}") from error
                # A module that does not take inputs of an assumed shape may take the real ones.
                (stand_in,) = Trainer.networks_of(None, STAND_IN, shape).values()
                found = dict.fromkeys((NETWORK, chosen.measure.network or NETWORK), stand_in)
            self._networks[key] = found
        return self._networks[key]

    def _alike(self, run: str) -> tuple:
        """What decides the costs of measuring one of a run's networks."""
        chosen = self.experiment.runs[run]
        bounds = (chosen.memory_mb, chosen.threads)
        return (self.network(run), chosen.dataset, chosen.measure.canonical(), *bounds)

    def _of_estimation(self, work: Work, estimator: str) -> Cost:
        return work.estimation(self._estimator(estimator))

    def _estimator(self, name: str) -> Estimator:
        return estimator_of(self.experiment.estimators[name])

    def _prepared(self, dataset: str) -> Shape | None:
        """The shape of a data set that was prepared."""
        # A damaged one is named by the job that reads it, which has to be planned for that.
        with contextlib.suppress(StoreError):
            return shape_of_store(self.home / "datasets" / f"{dataset}{SUFFIX}")
        return None

    def _n_estimates(self, run: str) -> int:
        chosen = self.experiment.runs[run]
        n_layers = len(planned_reader(self.network(run), chosen.measure).layers)
        return len(chosen.estimators) * len(chosen.seeds) * self.n_measured(run) * n_layers

    def _n_metrics(self, run: str) -> int:
        chosen = self.experiment.runs[run]
        return len(chosen.seeds) * len(chosen.training.numbers)


def n_seeds_of(seeds: str) -> int:
    """Seeds of a block, `seeds-0-9`."""
    first, last = parse_block(seeds)
    return last - first + 1
