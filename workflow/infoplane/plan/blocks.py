"""The stores that hold the weights of an experiment's runs: blocks of seeds, and runs that
share one training under several names."""

from functools import cached_property

from infoplane.config.models import Experiment
from infoplane.plan.files import Files
from infoplane.seeds import Block, block_name, parse_block, seed_blocks


class Blocks:
    """The blocks of seeds of every run, from the files on disk at the first call.

    Blocks that have weights already stay as they are.
    """

    def __init__(self, experiment: Experiment, files: Files):
        self.experiment, self.files = experiment, files
        self._on_disk: dict[str, list[Block]] = {}
        self._of: dict[str, tuple[str, ...]] = {}

    @cached_property
    def what_is_trained(self) -> dict[str, tuple[str, ...]]:
        """All that decides a run's weights, apart from seeds and sources, by run."""
        return {
            name: (
                self.experiment.datasets[run.dataset].canonical(),
                run.network.canonical(),
                run.training.canonical(),
            )
            for name, run in self.experiment.runs.items()
        }

    def trained_as(self, run: str) -> str:
        """The run whose name the weights have: the first of equal runs that has any."""
        equal = self._equal(run)
        return next((name for name in equal if self._blocks_on_disk(name)), equal[0])

    def of(self, run: str) -> tuple[str, ...]:
        """Names of a run's blocks, 'seeds-0-9'.

        Equal runs share blocks: a run with more seeds adds the missing ones.
        """
        if run not in self._of:
            blocks = list(self._blocks_on_disk(self.trained_as(run)))
            for name in self._equal(run):
                settings = self.experiment.runs[name]
                size = settings.seeds_per_block or settings.training.together
                own = seed_blocks(settings.seeds, blocks, size)
                self._of[name] = tuple(map(block_name, own))
                blocks += [block for block in own if block not in blocks]
        return self._of[run]

    def weights_of(self, run: str) -> list[str]:
        """The stores of a run's weights, whether or not they exist."""
        trained_as = self.trained_as(run)
        return [self.files.weights(trained_as, block) for block in self.of(run)]

    @cached_property
    def _runs_by_training(self) -> dict[tuple[str, ...], list[str]]:
        names: dict[tuple[str, ...], list[str]] = {}
        for name, trained in self.what_is_trained.items():
            names.setdefault(trained, []).append(name)
        return names

    def _equal(self, run: str) -> list[str]:
        return self._runs_by_training[self.what_is_trained[run]]

    def _blocks_on_disk(self, run: str) -> list[Block]:
        if run not in self._on_disk:
            self._on_disk[run] = sorted(map(parse_block, self.files.blocks_of_weights(run)))
        return self._on_disk[run]
