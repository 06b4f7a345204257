"""Time and memory of an experiment's jobs, summed over their steps."""

from collections.abc import Iterable
from functools import cache

from infoplane.costs import DRAWING_MB, IMPORT_SECONDS, TORCH_MB, Cost
from infoplane.estimators import estimator_of
from infoplane.figures.subject import Subject
from infoplane.measurement.cost import Work
from infoplane.plan.known import Known
from infoplane.seeds import n_seeds_of
from infoplane.training import TRAINERS
from infoplane.training.trainer import NETWORK

ROW_BYTES, ROW_SECONDS, FIGURE_SECONDS = 1500, 2e-5, 5
"""Memory of one estimate while tables are joined and drawn; time of a figure."""


def of_drawing(n_rows: float, base_mb: float = DRAWING_MB, n_figures: int = 4) -> Cost:
    """The cost of figures, checks or a page made from n_rows estimates."""
    seconds = IMPORT_SECONDS + FIGURE_SECONDS * n_figures + ROW_SECONDS * n_rows
    return Cost(base_mb + ROW_BYTES * n_rows / 1e6, seconds)


class Costs:
    """Costs of an experiment's jobs, by the names in their paths."""

    def __init__(self, known: Known):
        self.known, self.runs = known, known.experiment.runs
        self._estimator = cache(lambda name: estimator_of(known.experiment.estimators[name]))
        self._work = cache(self._work)

    def dataset(self, dataset: str) -> Cost:
        """The cost of preparing a data set, without a download."""
        shape = self.known.shape(dataset)
        n_bytes = 4 * shape.n * shape.d
        return Cost(TORCH_MB + 4.5 * n_bytes / 1e6, IMPORT_SECONDS + n_bytes / 5e6)

    def training(self, run: str, seeds: str) -> Cost:
        """The cost of training a block of seeds."""
        settings, network = self.runs[run], self.known.networks(run)[NETWORK]
        shape, trainer = self.known.shape(settings.dataset), settings.training.trainer
        of = settings.training, network, shape, n_seeds_of(seeds), settings.threads
        return TRAINERS[trainer].cost(*of)

    def activations(self, run: str, seeds: str) -> Cost:
        """The cost of the activations of a block of seeds that estimators share."""
        return self._work(run, n_seeds_of(seeds), self.runs[run].n_measured).activations()

    def estimation(self, run: str, estimator: str, seeds: str, n_parts: int | None = 1) -> Cost:
        """The cost of estimating for a block of seeds, or for one of n_parts parts of its
        epochs. None: the cost of putting the parts together, which measures almost nothing."""
        n_epochs = self.runs[run].n_measured_by_each_of(n_parts) if n_parts else 1
        work = self._work(run, n_seeds_of(seeds), n_epochs)
        return work.estimation(self._estimator(estimator))

    def pool(self, run: str, pool: str, estimator: str) -> Cost:
        """The cost of a pool; every window counts as a network with the longest window's
        draws."""
        settings, kept = self.runs[run], self.runs[run].training.n_kept
        sizes = settings.pools[pool].sizes(len(settings.seeds), kept, settings.measure.draws)
        return self._work(run, *sizes).estimation(self._estimator(estimator))

    def audit(self, run: str, estimator: str, n_seeds: int, n_epochs: int, times: int) -> Cost:
        """The cost of auditing n_epochs epochs of a run, each layer in `times` coordinates."""
        own = self._work(run, n_seeds, n_epochs * times)
        return own.estimation(self._estimator(estimator))

    def drawing(self, subjects: Iterable[Subject]) -> Cost:
        """The cost of figures of a run (and its lists of violations), or of several runs."""
        subjects = list(subjects)
        runs = {run for subject in subjects for run in subject.runs}
        return of_drawing(sum(map(self._n_rows, runs)), n_figures=len(subjects))

    def report(self) -> Cost:
        """The cost of the report, which reads all tables, run by run."""
        n_rows = [self._n_rows(run) for run in self.known.experiment.alone] or [0]
        return Cost(of_drawing(max(n_rows)).mb, of_drawing(sum(n_rows)).seconds)

    def _work(self, run: str, n_seeds: int, n_epochs: int, draws: int = 0) -> Work:
        settings, network = self.runs[run], self.known.network(run)
        given = network, settings.measure, self.known.shape(settings.dataset)
        return Work(*given, n_seeds, n_epochs, draws, settings.memory_mb, settings.threads)

    def _n_rows(self, run: str) -> int:
        """The number of rows in the tables of a run: estimates, and metrics by layer."""
        settings, n_layers = self.runs[run], len(self._work(run, 1, 1).read)
        n_estimates = len(settings.estimators) * settings.n_measured
        return len(settings.seeds) * n_layers * (n_estimates + len(settings.training.numbers))
