"""What a configuration requests, in the units that a status counts."""

from pathlib import Path

from infoplane.config import load, read_file
from infoplane.config.pools import estimators_of
from infoplane.plan.blocks import Blocks
from infoplane.plan.files import Files
from infoplane.plan.recipes import Recipes
from infoplane.status.experiment import Wanted


def wanted_by(file: Path, results: Path) -> tuple[str, dict[str, Wanted]]:
    """The name of a configuration's experiment, and what it requests of each run.

    Raises ConfigError with all mistakes of the file, and OSError or ValueError if files of its
    data sets are unusable.
    """
    experiment = load(read_file(file), file=str(file))
    files = Files(results / experiment.name)
    blocks = Blocks(experiment, files)
    recipes = Recipes(experiment, blocks, files)
    wanted = {}
    for name, run in experiment.runs.items():
        pooled = [f"{pool}/{by}" for pool in run.pools for by in estimators_of(run, pool)]
        own = run.estimators if name in experiment.alone else []
        estimators, place = [*own, *pooled], blocks.trained_as(name)
        made = {Path(store): recipe for store, recipe in recipes.of_run(name).items()}
        wanted[name] = Wanted(
            run.training.numbers[-1], blocks.of(name), estimators, place, made
        )
    return experiment.name, wanted
