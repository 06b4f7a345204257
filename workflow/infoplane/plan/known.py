"""The data sets and networks of an experiment, as far as they are known before any job."""

import contextlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from infoplane.config.models import Experiment
from infoplane.datasets.prepare import known_shape_of, shape_of
from infoplane.datasets.source import Shape
from infoplane.networks.mlp import Settings as MLPSettings
from infoplane.networks.network import Network
from infoplane.stores.archive import SUFFIX, StoreError
from infoplane.stores.shapes import shape_of_store
from infoplane.stores.weights import measured_network
from infoplane.training import TRAINERS
from infoplane.training.trainer import NETWORK, Trainer

STAND_IN = MLPSettings(hidden=[256])
"""It replaces a network that is still unknown."""


class Known:
    """Shapes of data sets, and networks without weights, each made once.

    home : the experiment's results
    """

    def __init__(self, experiment: Experiment, home: str | Path):
        self.experiment, self.home = experiment, Path(home)
        self.shape, self.networks = cache(self.shape), cache(self.networks)
        self.told = cache(self.told)
        self._prepared = cache(self._prepared)
        self._networks: dict[tuple, Mapping[str, Network]] = {}

    def shape(self, dataset: str) -> Shape:
        """The shape of a data set: as prepared, or as its settings imply."""
        return self._prepared(dataset) or shape_of(self.experiment.datasets[dataset])

    def told(self, dataset: str) -> Shape | None:
        """Its shape as settings and files imply, whether or not it was prepared; None if they
        do not."""
        return known_shape_of(self.experiment.datasets[dataset])

    def is_prepared(self, dataset: str) -> bool:
        """Whether the data set has been prepared before."""
        return self._prepared(dataset) is not None

    def has_shape(self, dataset: str) -> bool:
        """Whether `shape` is the data set's true shape, and not assumed."""
        return bool(self._prepared(dataset) or self.told(dataset))

    def network(self, run: str) -> Network:
        """The measured one of the run's networks."""
        networks = self.networks(run)
        return networks[measured_network(networks, self.experiment.runs[run].measure.network)]

    def networks(self, run: str) -> Mapping[str, Network]:
        """The networks of a run's trainer.

        Raises ValueError if a user's module is invalid or does not accept such inputs.
        """
        settings = self.experiment.runs[run]
        shape, trainer = self.shape(settings.dataset), TRAINERS[settings.training.trainer]
        shaping = settings.training.model_dump_json(include={*settings.training.shaping})
        key = (trainer, settings.network.canonical(), shaping, settings.dataset)
        if key not in self._networks:
            try:
                made = trainer.networks_of(settings.training, settings.network, shape)
            except ValueError as error:
                if self.has_shape(settings.dataset):
                    raise ValueError(f"runs.{run}.{error}") from error
                # A module that rejects inputs of an assumed shape may accept the real ones.
                (stand_in,) = Trainer.networks_of(None, STAND_IN, shape).values()
                made = dict.fromkeys((NETWORK, settings.measure.network or NETWORK), stand_in)
            self._networks[key] = made
        return self._networks[key]

    def _prepared(self, dataset: str) -> Shape | None:
        """The shape of a prepared data set."""
        # The job that reads a damaged store names it, so the plan must contain that job.
        with contextlib.suppress(StoreError):
            return shape_of_store(self.home / "datasets" / f"{dataset}{SUFFIX}")
        return None
