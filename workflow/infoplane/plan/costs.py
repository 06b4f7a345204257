"""What the jobs of an experiment need: the costs of what they do, put together."""

from collections.abc import Iterable
from functools import cache

from infoplane.config.seeds import n_seeds_of
from infoplane.costs import DRAWING_MB, IMPORT_SECONDS, TORCH_MB, Cost
from infoplane.estimators import estimator_of
from infoplane.figures.subject import Subject
from infoplane.measurement.cost import Work
from infoplane.plan.known import Known
from infoplane.schedules.adaptive import Adaptive
from infoplane.training import TRAINERS
from infoplane.training.trainer import NETWORK

ROW_BYTES, ROW_SECONDS, FIGURE_SECONDS = 1500, 2e-5, 5
"""Of one estimate while tables are joined and drawn; of a figure."""


def of_drawing(n_rows: float, base_mb: float = DRAWING_MB, n_figures: int = 4) -> Cost:
    """Of figures, checks or a page made from n_rows estimates."""
    seconds = IMPORT_SECONDS + FIGURE_SECONDS * n_figures + ROW_SECONDS * n_rows
    return Cost(base_mb + ROW_BYTES * n_rows / 1e6, seconds)


class Costs:
    """Costs and GPUs of an experiment's jobs, by the names that stand in their files."""

    def __init__(self, known: Known):
        self.known, self.runs = known, known.experiment.runs
        self.n_measured, self._alike = cache(self.n_measured), cache(self._alike)
        self._estimator = cache(lambda name: estimator_of(known.experiment.estimators[name]))
        self._works: dict[tuple, Work] = {}  # thousands of jobs measure alike
        self._estimation = cache(lambda work, by: work.estimation(self._estimator(by)))

    def dataset(self, dataset: str) -> Cost:
        """Of its preparation; a download is not counted."""
        shape = self.known.shape(dataset)
        n_bytes = 4 * shape.n * shape.d
        return Cost(TORCH_MB + 4.5 * n_bytes / 1e6, IMPORT_SECONDS + n_bytes / 5e6)

    def training(self, run: str, seeds: str) -> Cost:
        """Of a block of seeds."""
        run_settings, network = self.runs[run], self.known.networks(run)[NETWORK]
        training, shape = run_settings.training, self.known.shape(run_settings.dataset)
        cost = TRAINERS[training.trainer].cost
        return cost(training, network, shape, n_seeds_of(seeds), run_settings.threads)

    def activations(self, run: str, seeds: str) -> Cost:
        """Of the activations of a block of seeds that estimators share."""
        return self._of(run, n_seeds_of(seeds), self.n_measured(run)).activations()

    def estimation(
        self, run: str, estimator: str, seeds: str, n_epochs: int | None = None
    ) -> Cost:
        """Of a block of seeds; n_epochs : that the job measures, where not all of the run's."""
        n_epochs = min(n_epochs or self.n_measured(run), self.n_measured(run))
        return self._estimation(self._of(run, n_seeds_of(seeds), n_epochs), estimator)

    def pool(self, run: str, pool: str, estimator: str) -> Cost:
        """Of a pool, every window of which counts as a network with the longest one's draws."""
        settings, pool_settings = self.runs[run], self.runs[run].pools[pool]
        ends, n_seeds = pool_settings.ends, len(settings.seeds)
        n_ends = 1 if ends == "last" else ends.most(settings.training.n_kept)
        longest = pool_settings.lengths[-1]
        draws = longest * (n_seeds if pool_settings.over == "both" else 1)
        draws *= 1 if pool_settings.over == "noise" else settings.measure.draws
        groups = {"both": 1, "seeds": n_seeds // longest}.get(pool_settings.over, n_seeds)
        windows = n_ends * len(pool_settings.lengths)
        return self._estimation(self._of(run, groups, windows, draws), estimator)

    def drawing(self, subjects: Iterable[Subject]) -> Cost:
        """Of figures of a run (and its lists of violations), or of several runs."""
        subjects = list(subjects)
        runs = {run for subject in subjects for run in subject.runs}
        return of_drawing(sum(map(self._n_rows, runs)), n_figures=len(subjects))

    def report(self) -> Cost:
        """Of the page, for which all tables are read, run by run."""
        n_rows = [self._n_rows(run) for run in self.runs]
        return Cost(of_drawing(max(n_rows)).mb, of_drawing(sum(n_rows)).seconds)

    def gpus_to_train(self, run: str, **_) -> int:
        """GPUs of a training: 0 or 1."""
        return int(self.runs[run].training.device != "cpu")

    def gpus_for_activations(self, run: str, **_) -> int:
        """GPUs of a regeneration."""
        return int(self.runs[run].measure.device != "cpu")

    def gpus_to_estimate(self, run: str, estimator: str, **_) -> int:
        """GPUs of an estimate, and of a pool: under `auto` for those that train networks."""
        trains = self._estimator(estimator).trains
        return int(self.runs[run].measure.device in (("cuda", "auto") if trains else ("cuda",)))

    def n_measured(self, run: str) -> int:
        """Most epochs that are measured; an adaptive schedule may ask for every kept one."""
        return self.runs[run].measure.epochs.most(self.runs[run].training.n_kept)

    def n_epochs_of_part(self, run: str, n_parts: int) -> int | None:
        """Most epochs that one of so many parts measures; None: as many as the whole, where a
        schedule chooses them and all may lie in one part."""
        adapts = isinstance(self.runs[run].measure.epochs, Adaptive)
        return None if adapts else -(-self.n_measured(run) // n_parts)

    def _of(self, run: str, n_seeds: int, n_epochs: int, draws: int = 0) -> Work:
        settings, sizes = self.runs[run], (n_seeds, n_epochs, draws)
        bounds = (settings.memory_mb, settings.threads)
        key = (*self._alike(run), *sizes, *bounds)
        if key not in self._works:
            measured = self.known.network(run), settings.measure
            shape = self.known.shape(settings.dataset)
            self._works[key] = Work(*measured, shape, *sizes, *bounds)
        return self._works[key]

    def _alike(self, run: str) -> tuple:
        """What decides the costs of measuring one of a run's networks."""
        settings = self.runs[run]
        return self.known.network(run), settings.measure.canonical(), settings.dataset

    def _n_rows(self, run: str) -> int:
        """Of tables of a run: of estimates, and of metrics by layer."""
        settings, n_layers = self.runs[run], len(self._of(run, 1, 1).read)
        n_estimates = len(settings.estimators) * self.n_measured(run)
        return len(settings.seeds) * n_layers * (n_estimates + len(settings.training.numbers))
