"""What a configuration asks for, as a status counts it. Imports torch, with the settings."""

from pathlib import Path

import yaml

from infoplane.config import Experiment, block_name, load, parse_block, seed_blocks
from infoplane.config.pools import estimators_of
from infoplane.status.experiment import Wanted


def wanted_by(file: Path, results: Path) -> tuple[str, dict[str, Wanted]]:
    """Name of a configuration's experiment, and what it asks for by run.

    Raises ConfigError with all mistakes of the file.
    """
    experiment = load(yaml.safe_load(file.read_text()), file=str(file))
    home = results / experiment.name / "runs"
    wanted = {}
    for equal in _equal_runs(experiment):
        # as workflow/rules/common_weights.smk has it: equal runs share weights and blocks
        place = next((name for name in equal if _blocks_on_disk(home / name)), equal[0])
        blocks = _blocks_on_disk(home / place)
        for name in equal:
            run = experiment.runs[name]
            own = seed_blocks(run.seeds, blocks, run.seeds_per_block)
            blocks += [block for block in own if block not in blocks]
            pooled = [f"{pool}/{by}" for pool in run.pools for by in estimators_of(run, pool)]
            names = [block_name(block) for block in own]
            estimators = [*run.estimators, *pooled]
            wanted[name] = Wanted(run.training.epochs, names, estimators, trained_as=place)
    return experiment.name, {name: wanted[name] for name in experiment.runs}


def _equal_runs(experiment: Experiment) -> list[list[str]]:
    """Runs of one data set, network and training together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, run in experiment.runs.items():
        data = experiment.datasets[run.dataset].canonical()
        key = data, run.network.canonical(), run.training.canonical()
        found.setdefault(key, []).append(name)
    return [*found.values()]


def _blocks_on_disk(run: Path) -> list[tuple[int, int]]:
    return sorted(parse_block(store.stem) for store in (run / "weights").glob("seeds-*.zarr"))
