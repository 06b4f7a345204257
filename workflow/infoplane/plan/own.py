"""What is wrong with modules and checkpoints of the user's own, said before any job."""

from infoplane.config.models import Experiment
from infoplane.networks.module import Settings as ModuleSettings
from infoplane.plan.known import Known
from infoplane.training.adopt import Settings as AdoptSettings
from infoplane.training.adopt import unfit


def problems(experiment: Experiment, known: Known) -> list[str]:
    """A line for each mistake. What depends on a data set of which nothing is known yet is left
    to the jobs. Modules are made, and headers of checkpoints read, for this."""
    texts: dict[str, str] = {}
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
