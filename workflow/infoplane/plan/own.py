"""Mistakes in a user's data, modules and checkpoints, found before any job."""

import zipfile

from infoplane.config.models import Experiment
from infoplane.datasets.places import MissingData, default_places
from infoplane.datasets.prepare import source_of
from infoplane.datasets.source import ASSUMED
from infoplane.networks.module import Settings as ModuleSettings
from infoplane.plan.known import Known
from infoplane.training.adopt import Settings as AdoptSettings
from infoplane.training.adopt import unfit


def problems(experiment: Experiment, known: Known) -> list[str]:
    """One line for each mistake. The jobs check what depends on a data set that is still
    unknown. The check makes the modules and reads the headers of checkpoints."""
    texts = {name: _wrong_data(name, experiment, known) for name in experiment.datasets}
    for name, run in experiment.runs.items():
        adopts = isinstance(run.training, AdoptSettings)
        if not adopts and not isinstance(run.network, ModuleSettings):
            continue
        parts = (run.dataset, run.network.canonical(), run.training.canonical(), str(run.seeds))
        what = "\0".join(parts)
        if what in texts or not known.has_shape(run.dataset):
            continue
        try:
            network = known.network(name)
        except ValueError as error:
            texts[what] = str(error)
            continue
        wrong = unfit(run.training, network, run.seeds) if adopts else network.untrainable
        key = "training.files" if adopts else "network.path"
        texts[what] = f"runs.{name}.{key}: {wrong}" if wrong else ""
    return [line for line in dict.fromkeys(texts.values()) if line]


def _wrong_data(name: str, experiment: Experiment, known: Known) -> str:
    """Mistakes in the path or the size of a data set that is not prepared yet."""
    settings = experiment.datasets[name]
    if known.is_prepared(name):
        return ""
    source = source_of(settings)
    try:
        shape = source.shape(default_places())
    except MissingData as error:  # a job looks for files that it may download
        return f"datasets.{name}.{source.where[0]}: {error}" if source.where else ""
    except (OSError, LookupError, ValueError, zipfile.BadZipFile):
        return ""  # the preparation reports mistakes inside a file
    if shape is ASSUMED or settings.size is None or settings.size <= shape.n:
        return ""
    return f"datasets.{name}.size: must be ≤ {shape.n}, its inputs, not {settings.size}"
