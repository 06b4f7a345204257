"""What schedules of epochs lose and save compared with measuring every kept epoch.

    snakemake --cores all --configfile config/experiments/epoch-schedules.yaml weights
    python benchmark/schedules.py config/experiments/epoch-schedules.yaml
    python benchmark/schedules.py FILE --runs tanh --estimators binned --delta 0.02 0.05

Every estimator measures every kept epoch of every block of a run once. This may take long; it
continues where it was interrupted, and is kept in benchmarks/schedules. Then each schedule is
followed and timed by itself. For each delta, delta_exact is compared with `every` and
`logarithmic` at the same number of epochs. Results are in benchmarks/schedules/schedules.csv
and .md.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from infoplane.config import load
from infoplane.estimators import estimator_of
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure_scheduled, measure_surveyed, survey, values_of
from infoplane.probes import probe_of
from infoplane.provenance import digest_of_text
from infoplane.schedules import All, DeltaApproximate, DeltaExact, Every, Logarithmic
from infoplane.schedules.deviation import outcome
from infoplane.stores.archive import name_of
from infoplane.stores.datasets import read_data
from infoplane.stores.weights import WeightsStore
from infoplane.threads import use_threads

AT_ONCE = 200
"""Results are saved after this many epochs."""


class Block:
    """One block of seeds of a run with one estimator."""

    def __init__(self, run, dataset: Path, weights: Path, chosen, memory_mb: int):
        everything = {"epochs": {"schedule": "all"}}
        what = run.measure.model_validate({**run.measure.model_dump(), **everything})
        self.estimator = estimator_of(chosen)
        store = WeightsStore(weights)
        probe = probe_of(what.canonical(), read_data(dataset))
        self.activations = Activations(store, probe, memory_mb)
        (self.entropies,) = set(self.activations.entropies(self.activations.epochs).values())
        self.identity = digest_of_text(
            chosen.canonical() + what.canonical() + json.dumps(store.attributes, sort_keys=True)
        )

    def complete(self, path: Path) -> tuple[np.ndarray, float]:
        """I(X;T) and I(T;Y) of every kept epoch in bits, and seconds; `path` keeps them."""
        epochs, seeds = self.activations.epochs, self.activations.seeds
        done, seconds = [], 0.0
        if path.exists():
            with np.load(path) as kept:
                if str(kept["identity"]) == self.identity:
                    done, seconds = [kept["values"]], float(kept["seconds"])
        n_done = len(done[0]) if done else 0
        # the first call compiles and is not counted
        measure_scheduled(self.activations.at(epochs[:1]), All(), self.estimator)
        start = time.perf_counter()
        # The survey of the adaptive schedules, so that all curves have the same bins.
        few = Logarithmic(schedule="logarithmic", number=60).select(np.array(epochs)).tolist()
        surveyed = survey(self.activations.at(few), self.estimator)
        for first in range(n_done, len(epochs), AT_ONCE):
            some = epochs[first : first + AT_ONCE]
            part = self.activations.at(some)
            records = measure_surveyed(part, self.estimator, surveyed, path.stem)
            done.append(values_of(records, some, seeds, self.activations.layers))
            seconds, start = seconds + time.perf_counter() - start, time.perf_counter()
            values = np.concatenate(done)
            fresh = path.with_suffix(".new.npz")
            np.savez(fresh, values=values, seconds=seconds, identity=self.identity)
            fresh.replace(path)
            print(f"{path.stem}: {len(values)} of {len(epochs)} epochs", flush=True)
        return np.concatenate(done), seconds

    def clocked(self, schedule) -> float:
        """Seconds of measuring by a schedule."""
        epochs = self.activations.epochs
        adaptive = hasattr(schedule, "follow")
        part = epochs if adaptive else schedule.select(np.array(epochs)).tolist()
        start = time.perf_counter()
        measure_scheduled(self.activations.at(part), schedule, self.estimator)
        return time.perf_counter() - start


def schedules_of(deltas: list[float], block: Block, values: np.ndarray) -> dict:
    """The compared schedules, by a title that identifies each."""
    found, epochs = {}, block.activations.epochs
    for delta in deltas:
        exact = DeltaExact(schedule="delta_exact", delta=delta)
        found[f"delta_exact δ={delta:g}"] = exact
        mean = {"delta": delta, "over": "mean"}
        found[f"delta_exact δ={delta:g} over mean"] = DeltaExact(schedule="delta_exact", **mean)
        for exceeded in ("keep", "reset"):
            found[f"delta_approximate δ={delta:g} {exceeded}"] = DeltaApproximate(
                schedule="delta_approximate", delta=delta, exceeded=exceeded
            )
        n = max(len(outcome(exact, epochs, values, block.entropies).epochs), 3)
        step = max(1, round(epochs[-1] / (n - 1)))
        found[f"every n={step}"] = Every(schedule="every", n=step)
        found[f"logarithmic number={n}"] = Logarithmic(schedule="logarithmic", number=n)
    return found


def rows_of(run: str, name: str, block: Block, path: Path, deltas: list[float]) -> list[dict]:
    """One row for each schedule."""
    values, seconds = block.complete(path)
    epochs, rows = block.activations.epochs, []
    for title, schedule in schedules_of(deltas, block, values).items():
        chosen, rounds, loss = outcome(schedule, epochs, values, block.entropies)
        taken = block.clocked(schedule)
        rows.append(
            {
                "run": run,
                "estimator": name,
                "block": path.stem.rpartition(".")[2],
                "schedule": title,
                "epochs": len(chosen),
                "percent": 100 * len(chosen) / len(epochs),
                "rounds": rounds,
                **loss._asdict(),
                "seconds": taken,
                "seconds_of_all": seconds,
                "percent_of_time_saved": 100 * (1 - taken / seconds),
            }
        )
        print(f"{name} {title}: {len(chosen)} epochs, {taken:.1f} s", flush=True)
    return rows


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, with numbers to three digits."""
    shown = table.map(lambda v: f"{v:.3g}" if isinstance(v, float) else str(v))
    lines = [list(shown.columns), ["---"] * shown.shape[1], *shown.to_numpy().tolist()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", type=Path, help="file of an experiment that was trained")
    parser.add_argument("--runs", nargs="*", help="by default all")
    parser.add_argument("--estimators", nargs="*", help="by default all of each run")
    parser.add_argument("--delta", nargs="*", type=float, default=[0.02, 0.05, 0.1])
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--output", type=Path, default=Path("benchmarks/schedules"))
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    use_threads(given.threads)
    experiment = load(yaml.safe_load(given.experiment.read_text()), str(given.experiment))
    home, rows = given.results / experiment.name, []
    given.output.mkdir(parents=True, exist_ok=True)
    for name in given.runs or experiment.runs:
        run = experiment.runs[name]
        stores = sorted((home / "runs" / name / "weights").glob("seeds-*.zarr.zip"))
        if not stores:
            raise SystemExit(f"no weights of run {name} in {home}; train it first")
        dataset = home / "datasets" / f"{run.dataset}.zarr.zip"
        for estimator in given.estimators or run.estimators:
            for store in stores:
                chosen = experiment.estimators[estimator]
                block = Block(run, dataset, store, chosen, run.memory_mb)
                path = (
                    given.output / f"{experiment.name}.{name}.{estimator}.{name_of(store)}.npz"
                )
                rows += rows_of(name, estimator, block, path, given.delta)
                table = pd.DataFrame(rows)
                table.to_csv(given.output / "schedules.csv", index=False)
                (given.output / "schedules.md").write_text(markdown(table))
    print(markdown(table))


if __name__ == "__main__":
    main()
