"""What the jobs of an experiment need."""

import contextlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from infoplane.config.models import Experiment
from infoplane.config.seeds import parse_block
from infoplane.costs import measuring, small, training
from infoplane.costs.cost import Cost
from infoplane.datasets.prepare import labels_of, shape_of
from infoplane.datasets.source import Shape
from infoplane.estimators import ESTIMATORS, estimator_of
from infoplane.figures.subject import Subject
from infoplane.networks.description import build
from infoplane.networks.mlp import Settings as MLPSettings
from infoplane.networks.network import Network
from infoplane.schedules.adaptive import Adaptive
from infoplane.stores.archive import SUFFIX, StoreError
from infoplane.stores.shapes import shape_of_store
from infoplane.training import TRAINERS

STAND_IN = MLPSettings(hidden=[256])
"""Costs of a network of which nothing is known yet are those of this one."""


class Plan:
    """Costs and GPUs of an experiment's jobs, by the names that stand in their files.

    home : the experiment's results. A data set, prepared there or not, is looked at once
    """

    def __init__(self, experiment: Experiment, home: str | Path):
        self.experiment, self.home = experiment, Path(home)
        self._shapes: dict[str, Shape] = {}
        self._networks: dict[str, Network] = {}

    def dataset(self, dataset: str) -> Cost:
        """Of its preparation."""
        return small.of_dataset(self.shape(dataset))

    def training(self, run: str, seeds: str) -> Cost:
        """Of a block of seeds."""
        chosen = self.experiment.runs[run]
        return training.of_training(
            self.network(run),
            chosen.training,
            self.shape(chosen.dataset),
            n_seeds_of(seeds),
            chosen.threads,
        )

    def activations(self, run: str, seeds: str) -> Cost:
        """Of the activations of a block of seeds that estimators share."""
        return measuring.of_activations(self.work(run, n_seeds_of(seeds)))

    def estimation(
        self, run: str, estimator: str, seeds: str, n_epochs: int | None = None
    ) -> Cost:
        """Of a block of seeds; n_epochs : that the job measures, where not all of the run's."""
        chosen = self.experiment.estimators[estimator]
        work = self.work(run, n_seeds_of(seeds), n_epochs)
        return measuring.of_estimation(work, estimator_of(chosen))

    def n_epochs_of_part(self, run: str, n_parts: int) -> int | None:
        """Most epochs that one of so many parts measures; None: as many as the whole, where a
        schedule chooses them and all may lie in one part."""
        chosen = self.experiment.runs[run]
        if isinstance(chosen.measure.epochs, Adaptive):
            return None
        return -(-measuring.n_measured(chosen.measure, chosen.training) // n_parts)

    def pool(self, run: str, pool: str, estimator: str) -> Cost:
        """Of a pool of a run by one estimator."""
        chosen, by = self.experiment.runs[run], self.experiment.estimators[estimator]
        return measuring.of_pool(
            self.work(run, len(chosen.seeds)),
            chosen.pools[pool],
            estimator_of(by),
            chosen.training.keep.most(len(chosen.training.numbers)),
        )

    def drawing(self, subjects: Iterable[Subject]) -> Cost:
        """Of figures of a run (and its lists of violations), or of several runs."""
        subjects = list(subjects)
        runs = {of for s in subjects for of in s.runs}
        n_rows = sum(
            len(self.experiment.runs[of].estimators) * self._n_estimates(of)
            + self._n_metrics(of) * len(self.network(of).layers)
            for of in runs
        )
        return small.of_drawing(n_rows, n_figures=len(subjects))

    @cached_property
    def report(self) -> Cost:
        """Of the page with all estimates and the metrics of every epoch."""
        runs = self.experiment.runs.items()
        n_rows = sum(
            len(chosen.estimators) * self._n_estimates(run) + self._n_metrics(run)
            for run, chosen in runs
        )
        return small.of_drawing(n_rows)

    def gpus_to_train(self, run: str, **_) -> int:
        """GPUs of a training."""
        return gpus(self.experiment.runs[run].training.device)

    def gpus_for_activations(self, run: str, **_) -> int:
        """GPUs of a regeneration."""
        return gpus(self.experiment.runs[run].measure.device)

    def gpus_to_estimate(self, run: str, estimator: str, **_) -> int:
        """GPUs of an estimate, and of a pool: under `auto` for those that train networks."""
        method = ESTIMATORS[self.experiment.estimators[estimator].estimator]
        return gpus(self.experiment.runs[run].measure.device, method.trains)

    def work(self, run: str, n_seeds: int, n_epochs: int | None = None) -> measuring.Work:
        """What a job measures."""
        chosen = self.experiment.runs[run]
        return measuring.Work(
            self.network(run),
            chosen.measure,
            self.shape(chosen.dataset),
            n_seeds,
            measuring.n_measured(chosen.measure, chosen.training, n_epochs),
            chosen.memory_mb,
            chosen.threads,
        )

    def shape(self, dataset: str) -> Shape:
        """Of a data set: as it was prepared, or as its settings say."""
        if dataset not in self._shapes:
            self._shapes[dataset] = self._shape(dataset)
        return self._shapes[dataset]

    def network(self, run: str) -> Network:
        """The run's network, without any weights.

        Raises ValueError where a module of the user's own is wrong, or takes no such inputs.
        """
        if run not in self._networks:
            chosen = self.experiment.runs[run]
            shape, settings = self.shape(chosen.dataset), chosen.network
            trainer = TRAINERS[chosen.training.trainer]
            size = trainer.output_size(chosen.training, shape)
            try:
                found = build(settings, shape.of_input, size)
            except ValueError as error:
                if self.shape_is_known(chosen.dataset):
                    raise ValueError(f"runs.{run}.{error}") from error
                # A module that does not take inputs of an assumed shape may take the real ones.
                found = build(STAND_IN, shape.of_input, size)
            self._networks[run] = found
        return self._networks[run]

    def shape_is_known(self, dataset: str) -> bool:
        """Whether `shape` is what the data set has, and not assumed."""
        if self._prepared(dataset) is not None:
            return True
        return labels_of(self.experiment.datasets[dataset]) is not None

    def _shape(self, dataset: str) -> Shape:
        return self._prepared(dataset) or shape_of(self.experiment.datasets[dataset])

    def _prepared(self, dataset: str) -> Shape | None:
        """The shape of a data set that was prepared."""
        # A damaged one is named by the job that reads it, which has to be planned for that.
        with contextlib.suppress(StoreError):
            return shape_of_store(self.home / "datasets" / f"{dataset}{SUFFIX}")
        return None

    def _n_estimates(self, run: str) -> int:
        chosen = self.experiment.runs[run]
        n_epochs = measuring.n_measured(chosen.measure, chosen.training)
        n_layers = len(measuring.planned_reader(self.network(run), chosen.measure).layers)
        return len(chosen.seeds) * n_epochs * n_layers

    def _n_metrics(self, run: str) -> int:
        chosen = self.experiment.runs[run]
        return len(chosen.seeds) * len(chosen.training.numbers)


def gpus(device: str, gains: bool = True) -> int:
    """GPUs that a job on this device asks for: 0 or 1; gains : enough to wait for one, under
    `auto`."""
    return int(device == "cuda" or (device == "auto" and gains))


def n_seeds_of(seeds: str) -> int:
    """Seeds of a block, `seeds-0-9`."""
    first, last = parse_block(seeds)
    return last - first + 1
