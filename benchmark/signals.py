"""CPU seconds of every signal of one network, and of computations that signals share.

    python benchmark/signals.py                    a perceptron on 5,000 inputs
    python benchmark/signals.py cnn --inputs 1000  a convolutional network
    python benchmark/signals.py --repeats 5        the least of five calls

Signals run on one thread with default settings, and with I(X;T) and I(T;Y) from the binned
estimator. Seconds are CPU time, the least of several calls, after a first one, which compiles.
The first of several signals that share a computation pays for it; so scores and layers are
timed before all signals.
"""

import argparse
import time

import numpy as np
import torch

from infoplane.measurement.readings import Reader
from infoplane.networks import cnn, mlp
from infoplane.signals import by_default, from_written
from infoplane.signals.measure import rows_of_network
from infoplane.signals.trained import Trained, TrainingInputs
from infoplane.threads import use_threads

STAGES = [
    {"stage": "conv", "channels": 32, "kernel": 3, "padding": 1},
    {"stage": "pool"},
    {"stage": "conv", "channels": 64, "kernel": 3, "padding": 1},
    {"stage": "pool"},
    {"stage": "flatten"},
    {"stage": "dense", "units": 128},
]
SETTINGS = {
    "mlp": ({"hidden": [256, 256, 256], "activation": "relu"}, mlp.MLP, (3072,)),
    "cnn": ({"family": "cnn", "stages": STAGES, "activation": "relu"}, cnn.CNN, (3, 32, 32)),
}
METRICS = {"loss_train": 1.0, "accuracy_train": 0.5}


def network_of(name: str, n: int) -> Trained:
    """A network with weights some way from the initial ones, and random inputs and labels."""
    written, family, shape = SETTINGS[name]
    network = family(family.Settings.model_validate(written), shape, 10)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, *shape)).astype(np.float32), rng.integers(0, 10, n)
    source = torch.Generator().manual_seed(0)
    initial = {name: array[None] for name, array in network.initialise(0).items()}
    weights = {n: w + 0.02 * torch.randn(w.shape, generator=source) for n, w in initial.items()}
    reader = Reader(network.layers, network.by_default, None, "flatten")
    inputs = TrainingInputs.of(x, y)
    return Trained(network, weights, inputs, reader, initial=initial, metrics=METRICS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", choices=SETTINGS, default="mlp")
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    use_threads(1)
    written = by_default()
    for of in ("ixt", "ity"):
        binned = {"estimator": "binned", "n_bins": 30}
        written[f"{of}_binned"] = {"signal": "information", "of": of, "estimator": binned}
    signals = {name: from_written(one) for name, one in written.items()}
    rows_of_network(network_of(asked.network, 300), signals)
    seconds: dict[str, list[float]] = {}

    def timed(name, ask):
        before = time.process_time()
        result = ask()
        seconds.setdefault(name, []).append(time.process_time() - before)
        return result

    for _ in range(asked.repeats):
        trained = network_of(asked.network, asked.inputs)
        timed("(scores)", lambda trained=trained: trained.logits)
        layers = timed("(layers)", lambda trained=trained: list(trained.layers()))
        for name, signal in signals.items():
            if signal.by_layer:
                timed(
                    name,
                    lambda s=signal, t=trained, own=layers: [s.of_layer(one, t) for one in own],
                )
            else:
                timed(name, lambda s=signal, t=trained: s.of_network(t))
    least = {name: min(found) for name, found in seconds.items()}
    for name, found in least.items():
        print(f"{name:32s}{found:8.3f} s")
    print(f"{'all':32s}{sum(least.values()):8.3f} s")


if __name__ == "__main__":
    main()
