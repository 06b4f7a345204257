"""The material of figures: tables of an experiment's stores, each read once per job."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from infoplane.figures import FIGURES, pooled_planes, variants
from infoplane.figures.gradient_noise import GRADIENTS
from infoplane.figures.sentences import Chosen
from infoplane.figures.subject import Subject
from infoplane.figures.tables import SECOND, statements
from infoplane.information import QUANTITIES
from infoplane.measurement import checks
from infoplane.measurement.convergence import CARRIED, FRESH
from infoplane.stores.information import read_curves, read_information
from infoplane.stores.pooled import read_pooled
from infoplane.stores.weights import WeightsStore

PLACE = ["seed", "epoch", "layer"]


class Measured(NamedTuple):
    """A run's information by one estimator.

    table : rows of the wanted seeds, violations flagged; about : the first store's attributes;
    violations : see `checks`; compared : number of compared pairs of values; without_edge : the
        layers that are compared with the data alone, in words; chosen : see `sentences`
    """

    table: pd.DataFrame
    about: Mapping[str, Any]
    violations: pd.DataFrame
    compared: int
    without_edge: str
    chosen: list[Chosen]


class Given(NamedTuple):
    """The arguments of a figure's `numbers` and `draw`, and further material of its caption.

    read : how each run's maps are read, in words; without_edge : see `Measured`
    """

    table: pd.DataFrame
    settings: dict[str, Any] | None = None
    chosen: Sequence[Chosen] = ()
    read: Mapping[str, str] = MappingProxyType({})
    without_edge: Mapping[str, str] = MappingProxyType({})


class Material:
    """Tables of an experiment, by the names of runs, estimators and pools.

    paths : of `weights`, `information`, `pooled`, with {run}, {estimator}, {seeds}, {pool}
    runs : of each its `seeds`, the `blocks` that hold them, and the run `trained_as`
    exempt : for each estimator, why the data processing inequality does not hold for it, or ""
    """

    def __init__(
        self,
        paths: Mapping[str, str],
        runs: Mapping[str, Mapping[str, Any]],
        exempt: Mapping[str, str],
    ):
        self.paths, self.runs, self.exempt = paths, runs, exempt
        self.measured = cache(self.measure)
        self.metrics = cache(self._metrics)
        self.pooled = cache(self._pooled)
        self._gradient_snr = cache(self._gradient_snr)

    def _metrics(self, run: str, layers: bool = False) -> pd.DataFrame:
        """Metrics of every epoch; layers : whether to add those of every layer, in separate
        rows.

        layer : "" where metrics are of the network
        """
        whose = self.runs[run]["trained_as"]
        stores = [
            Path(self.paths["weights"].format(run=whose, seeds=block))
            for block in self.runs[run]["blocks"]
        ]
        opened = [WeightsStore(store) for store in stores]
        tables = [store.metrics_table().assign(layer="") for store in opened]
        declared = [m for m in opened[0].declared if layers or not m.by_layer]
        if any(metric.by_layer for metric in declared):
            tables += [store.metrics_table(by_layer=True) for store in opened]
        table = self._wanted(pd.concat(tables, ignore_index=True), run)
        table.insert(0, "run", run)
        table.attrs["metrics"] = declared
        return table

    def measure(self, run: str, estimator: str) -> Measured:
        """A run's information by one estimator, read from disk; `measured` caches it."""
        stores = self.paths["information"]
        found = [
            read_information(Path(stores.format(run=run, estimator=estimator, seeds=block)))
            for block in self.runs[run]["blocks"]
        ]
        wanted = self.runs[run]["seeds"]
        return of_stores(found, run, estimator, self.exempt[estimator], wanted)

    def with_gradients(self, table: pd.DataFrame, run: str) -> pd.DataFrame:
        """A run's information with gradient_snr, NaN where that is not measured."""
        return table.merge(self._gradient_snr(run), on=PLACE, how="left")

    def given(self, subject: Subject) -> Given:
        """The material of one figure."""
        kind = FIGURES[subject.kind]
        return {
            "run": self._of_run,
            "estimator": self._of_estimators,
            "sweep": self._of_estimators,
            "comparison": self._of_estimators,
            "factors": self._of_factors,
            "pair": self._of_pair,
            "convergence": self._of_curves,
            "pool": self._of_pools,
            "pools": self._of_pools,
        }[kind.of](subject)

    def _of_run(self, subject: Subject) -> Given:
        return Given(self.metrics(subject.runs[0], layers=True))

    def _of_estimators(self, subject: Subject) -> Given:
        measured = [self.measured(run, by) for run in subject.runs for by in subject.estimators]
        settings = {
            by: self.measured(subject.runs[0], by).about["estimator"]
            for by in subject.estimators
        }
        common, labels = variants.told_apart(settings)
        information = pd.concat([one.table for one in measured], ignore_index=True)
        information["variant"] = information.estimator.map(labels)
        chosen = [choice for one in measured for choice in one.chosen]
        of_runs = {run: self.measured(run, subject.estimators[0]) for run in subject.runs}
        read = {run: one.about["read"] for run, one in of_runs.items()}
        without_edge = {run: one.without_edge for run, one in of_runs.items()}
        return Given(information, common, chosen, read, without_edge)

    def _of_factors(self, subject: Subject) -> Given:
        tables, of_runs = [], {}
        for factor, label, run, by in subject.levels:
            of_runs[run] = self.measured(run, by)
            table = self.with_gradients(of_runs[run].table, run)
            tables.append(table.assign(factor=factor, level=label))
        first = next(run for _, _, run, by in subject.levels if by == subject.by)
        settings = self.measured(first, subject.by).about["estimator"]
        chosen = [choice for one in of_runs.values() for choice in one.chosen]
        read = {run: one.about["read"] for run, one in of_runs.items()}
        without_edge = {run: one.without_edge for run, one in of_runs.items()}
        return Given(pd.concat(tables, ignore_index=True), settings, chosen, read, without_edge)

    def _gradient_snr(self, run: str) -> pd.DataFrame:
        """‖mean‖ over ‖sd‖ of layers' gradients, by PLACE; no rows where it is not measured."""
        metrics = self.metrics(run, layers=True)
        if not set(GRADIENTS) <= set(metrics):
            return pd.DataFrame(columns=[*PLACE, "gradient_snr"])
        metrics = metrics[metrics.layer != ""]
        mean, std = (metrics[name] for name in GRADIENTS)
        return metrics[PLACE].assign(gradient_snr=(mean / std).where(std > 0))

    def _of_pair(self, subject: Subject) -> Given:
        (run,), (by, clustering) = subject.runs, subject.estimators
        measured, clusters = self.measured(run, by), self.measured(run, clustering).table
        information = measured.table.drop(columns="entropy_binned", errors="ignore").merge(
            clusters[[*PLACE, "entropy_binned"]], on=PLACE
        )
        return Given(information, read={run: measured.about["read"]})

    def _of_curves(self, subject: Subject) -> Given:
        (run,), parts = subject.runs, []
        for by in subject.estimators:
            reported, curves = self.measured(run, by).table, self._curves(run, by)
            for quantity in QUANTITIES:
                begun = f"{quantity}_carried"
                carries = begun in reported
                said = reported[PLACE].assign(
                    start=CARRIED if carries else FRESH,
                    value=reported[quantity],
                    carried=reported[begun] == 1 if carries else False,
                )
                own = curves[curves.quantity == quantity]
                parts.append(own.merge(said, on=PLACE).assign(run=run, estimator=by))
        first = self.measured(run, subject.by)
        settings = {k: v for k, v in first.about["estimator"].items() if k != "warm_start"}
        table = pd.concat(parts, ignore_index=True)
        return Given(table, settings, read={run: first.about["read"]})

    def _curves(self, run: str, estimator: str) -> pd.DataFrame:
        paths = [
            self.paths["information"].format(run=run, estimator=estimator, seeds=block)
            for block in self.runs[run]["blocks"]
        ]
        tables = [read_curves(Path(path)) for path in paths]
        return self._wanted(pd.concat(tables, ignore_index=True), run)

    def _of_pools(self, subject: Subject) -> Given:
        (by,), tables, read = subject.estimators, [], {}
        beside_single = FIGURES[subject.kind].of == "pools"
        for run in subject.runs:
            table, about = self.pooled(run, subject.pool, by)
            table = table.assign(second=SECOND["label"], **statements(about))
            read[run] = about["read"]
            if beside_single:
                single = self.measured(run, by).table
                over = about["pool"]["over"]
                title = pooled_planes.title(table, over)
                tables.append(single.assign(plane="single epochs"))
                table = pooled_planes.of_windows(table).assign(plane=title)
            tables.append(table.assign(run=run, pool=subject.pool, estimator=by))
        information = pd.concat(tables, ignore_index=True)
        return Given(information, read=read)

    def _pooled(self, run: str, pool: str, estimator: str) -> tuple[pd.DataFrame, dict]:
        path = self.paths["pooled"].format(run=run, pool=pool, estimator=estimator)
        return read_pooled(Path(path))

    def _wanted(self, table: pd.DataFrame, run: str) -> pd.DataFrame:
        return _of_seeds(table, self.runs[run]["seeds"])


def of_stores(
    stores: Sequence[tuple[pd.DataFrame, Mapping[str, Any]]],
    run: str,
    estimator: str,
    exempt: str,
    seeds: Sequence[int],
) -> Measured:
    """A run's information by one estimator, of the tables and attributes of its stores.

    run, estimator : their names; exempt : why the data processing inequality does not hold
    for the estimator, or ""; seeds : the wanted ones
    """
    tables, abouts = zip(*stores, strict=True)
    chosen = [one for t, a in stores for one in Chosen.of(a, t.epoch.nunique())]
    table = _of_seeds(pd.concat(tables, ignore_index=True), seeds)
    table.insert(0, "run", run)
    table.insert(1, "estimator", estimator)
    table.insert(2, "second", SECOND[abouts[0]["measure"]["y"]])
    table = table.assign(**statements(abouts[0]))
    remarks = {int(seed): said for about in abouts for seed, said in about["remarks"].items()}
    table["remark"] = table.seed.map(lambda seed: remarks.get(seed, ""))
    violations = checks.violations_of(table, abouts[0], exempt)
    compared = 0 if exempt else checks.n_compared(table, abouts[0])
    flagged = checks.flagged(table, violations)
    without_edge = "" if exempt else checks.without_edge(abouts[0]["after"])
    return Measured(flagged, abouts[0], violations, compared, without_edge, chosen)


def _of_seeds(table: pd.DataFrame, seeds: Sequence[int]) -> pd.DataFrame:
    """Rows of the requested seeds: a block on disk may hold more."""
    return table[table.seed.isin(seeds)].reset_index(drop=True)
