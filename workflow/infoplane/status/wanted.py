"""What a configuration asks for, as a status counts it."""

from pathlib import Path

from infoplane.config import load, read_file
from infoplane.config.blocks import Blocks
from infoplane.config.pools import estimators_of
from infoplane.status.experiment import Wanted


def wanted_by(file: Path, results: Path) -> tuple[str, dict[str, Wanted]]:
    """Name of a configuration's experiment, and what it asks for by run.

    Raises ConfigError with all mistakes of the file.
    """
    experiment = load(read_file(file), file=str(file))
    blocks = Blocks(experiment, results / experiment.name)
    wanted = {}
    for name, run in experiment.runs.items():
        pooled = [f"{pool}/{by}" for pool in run.pools for by in estimators_of(run, pool)]
        estimators, place = [*run.estimators, *pooled], blocks.trained_as(name)
        wanted[name] = Wanted(run.training.epochs, blocks.of(name), estimators, place)
    return experiment.name, wanted
