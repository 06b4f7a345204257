"""How long a user waits for an estimator: CPU seconds of one plane of the default experiment.

    snakemake --cores 1 results/default/runs/tanh/weights/seeds-0-9.zarr.zip
    python benchmark/waits.py                    every estimator, some minutes
    python benchmark/waits.py lga ksg            some of them
    python benchmark/waits.py --budget 60        CPU seconds spent on each, at least

A plane is 10 seeds × the measured epochs × 6 layers, I(X;T) and I(T;Y) of each, on one thread,
with the settings of the default experiment, or an estimator's defaults. Epochs from all of
training are measured until the budget is spent, one seed after another, or all seeds of an
epoch at once if an estimator takes them together. The rest is EXTRAPOLATED from their mean.
Activations and compiling are not included.
"""

import argparse
import itertools
import time
from pathlib import Path

from infoplane.estimators import ESTIMATORS
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import survey
from infoplane.probes import probe_of
from infoplane.samples import Samples
from infoplane.stores.datasets import read_data
from infoplane.stores.weights import WeightsStore
from infoplane.threads import use_threads

RUN = Path(__file__).parents[1] / "results/default"
EPOCHS = 60
SETTINGS = {"binned": {"range": "layer_over_training"}, "kde": {"noise_variance": 1e-3}}
BUDGET = 20.0


def activations() -> Activations:
    """The activations of the default experiment's tanh network at its measured epochs."""
    schedule = f'{{"schedule": "logarithmic", "number": {EPOCHS}}}'
    measure = f'{{"probe": "dataset", "inputs": "all", "device": "cpu", "epochs": {schedule}}}'
    data = read_data(RUN / "datasets/szt.zarr.zip")
    weights = WeightsStore(RUN / "runs/tanh/weights/seeds-0-9.zarr.zip")
    return Activations(weights, probe_of(measure, data))


def spread(n: int) -> list[int]:
    """0 … n − 1, in an order whose first few are spread over the whole range."""
    return sorted(range(n), key=lambda i: (i * 0.618034) % 1)


def waited(name: str, of: Activations, budget: float) -> tuple[float, int]:
    """CPU seconds of a plane, and the number of its records from which they are known."""
    estimator = ESTIMATORS[name](**SETTINGS.get(name, {}))
    session = estimator.session(survey(of, estimator) if estimator.needs_survey else None)
    session(small(next(iter(of.at(of.epochs[:1])))))  # compiles
    spent, n_records = 0.0, 0
    whole = len(of.epochs) * len(of.seeds) * len(of.layers)
    for i in spread(len(of.epochs)):
        layers = [*of.at([of.epochs[i]])]
        seeds = range(len(of.seeds))
        if estimator.together:
            batches = [list(itertools.chain(*layers))]
        else:
            batches = [[layer[seed]] for seed in seeds for layer in layers]
            batches = batches[: len(layers)] if spent > budget / 10 else batches
        for batch in batches:
            start = time.process_time()
            session(batch)
            spent += time.process_time() - start
            n_records += len(batch)
            if spent > budget and n_records % len(layers) == 0:
                return spent * whole / n_records, n_records
    return spent * whole / n_records, n_records


def small(batch: list[Samples]) -> list[Samples]:
    """The first samples of each layer, for the call that compiles."""
    one = batch[0]
    return [Samples(one.t[:200], one.y[:200], one.x[:200], layer="small")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("estimators", nargs="*", choices=[*ESTIMATORS, []])
    parser.add_argument("--budget", type=float, default=BUDGET, help="CPU seconds of each")
    chosen = parser.parse_args()
    use_threads(1)
    of = activations()
    print(f"{len(of.seeds)} seeds × {len(of.epochs)} epochs × {len(of.layers)} layers")
    for name in chosen.estimators or ESTIMATORS:
        seconds, n = waited(name, of, chosen.budget)
        print(f"{name:<12} {seconds:12.4g} s  from {n} records", flush=True)


if __name__ == "__main__":
    main()
