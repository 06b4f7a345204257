"""Whether the estimators of a run share one pass: activations are written once, and each
estimator reads them.

A pass that stays in cache is cheap, and so is reading a small layer of a deep network. This
module computes which is cheaper, in seconds on one thread.
"""

from collections.abc import Sequence

from infoplane.costs import IMPORT_SECONDS
from infoplane.estimators import estimator_of
from infoplane.estimators.interface import Estimator
from infoplane.measurement.cost import Work
from infoplane.plan.known import Known
from infoplane.schedules.adaptive import Adaptive

GFLOPS, VALUE_SECONDS = 50.0, 2e-9
"""Products of a pass in 10^9 operations a second, and seconds of an activation in it; a job
asks for several times as much (`infoplane.costs`)."""
WRITTEN_SECONDS, READ_SECONDS = 3e-8, 2.5e-8
"""Cost of one activation in a store."""
LAYER_WRITTEN_SECONDS, LAYER_READ_SECONDS = 4e-3, 2e-3
"""Cost of a layer of one network in a store, in addition to its activations."""
MOST_BYTES = 20e9
"""The largest share of a disk that a run takes by default."""


def shares(known: Known, run: str) -> bool:
    """Whether a run's estimators read one store: as set, or whichever is cheaper.

    It depends on settings alone: every job must get the same answer, whatever is on disk at
    that time.
    """
    settings = known.experiment.runs[run]
    measure, chosen = settings.measure, settings.measure.share_activations
    if chosen != "auto":
        return chosen == "always"
    shape, network = known.told(settings.dataset), known.network(run)
    own = network.draws or isinstance(measure.epochs, Adaptive) or measure.y != "label"
    if own or shape is None or measure.device == "cuda" or len(settings.estimators) < 2:
        return False
    n_seeds = min(len(settings.seeds), settings.seeds_per_block or len(settings.seeds))
    sizes = n_seeds, settings.n_measured, 0, settings.memory_mb, settings.threads
    named = known.experiment.estimators
    by = [estimator_of(named[name]) for name in settings.estimators]
    return pays(Work(network, measure, shape, *sizes), by)


def pays(work: Work, by: Sequence[Estimator]) -> bool:
    """Whether one pass, written and then read by these estimators, takes less time than one
    pass for each."""
    n_passes = sum(1 + one.needs_survey for one in by)
    n_rows, n_layers = work.n_networks * work.n_rows, work.n_networks * len(work.read)
    n_values = n_rows * sum(work.read)
    products = 2 * work.network.n_products / (GFLOPS * 1e9)
    one_pass = n_rows * (products + VALUE_SECONDS * sum(work.network.widths.values()))
    written = LAYER_WRITTEN_SECONDS * n_layers + WRITTEN_SECONDS * n_values
    read = LAYER_READ_SECONDS * n_layers + READ_SECONDS * n_values
    stored = IMPORT_SECONDS + written + n_passes * read
    return 4 * n_values <= MOST_BYTES and stored < (n_passes - 1) * one_pass
