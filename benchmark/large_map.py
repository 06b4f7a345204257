"""The first convolution of LeNet-5 on all training images of MNIST, 60,000 × 4,704, measured.

    python benchmark/large_map.py                  binned, edge, sliced and kde
    python benchmark/large_map.py binned edge      some of them

Reads MNIST from the folder in INFOPLANE_DATA. Each estimator has default settings and a process
of its own. Its line has the CPU and wall seconds of I(X;T) and I(T;Y), the largest resident
memory of the process, and the memory of the activations alone.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import clock
import torch

from infoplane.datasets.idx_images import TRAIN, read_pair
from infoplane.estimators import ESTIMATORS
from infoplane.networks.cnn import CNN, Settings
from infoplane.networks.network import initialise_seeds
from infoplane.samples import Samples

NAMES = ("binned", "edge", "sliced", "kde")


def layer() -> Samples:
    """The activations of a network before training, with images and digits."""
    folder = [Path(os.environ["INFOPLANE_DATA"]) / "MNIST" / "raw"]
    images, digits = read_pair(TRAIN, folder, 10)
    x = torch.from_numpy(images.copy()).float() / 255
    settings = Settings(family="cnn", preset="lenet5", activation="relu")
    network = CNN(settings, (1, 28, 28), 10)
    with torch.no_grad():
        _, reading = next(iter(network.read(initialise_seeds(network, [0]), x)))
    y = torch.from_numpy(digits.copy()).long()
    return Samples(reading.t[0].flatten(1)[:, None], y, x.flatten(1), layer="conv1")


def measure(name: str) -> None:
    """Print the line of one estimator."""
    samples = layer()
    before, wall, cpu = clock.largest_resident(), time.perf_counter(), time.process_time()
    (found,) = ESTIMATORS[name]().session()([samples])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak, held = clock.largest_resident() / 1e9, samples.t.numel() * 4 / 1e9
    print(
        f"{name:<8} {samples.n_inputs} × {samples.n_units}: {cpu:.0f} s of CPU time, "
        f"{wall:.0f} s; peak {peak:.2f} GB, {before / 1e9:.2f} before, the layer {held:.2f}; "
        f"I(X;T) {found.ixt.value:.2f}, I(T;Y) {found.ity.value:.2f} bit",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        return measure(sys.argv[2])
    for name in sys.argv[1:] or NAMES:
        subprocess.run([sys.executable, __file__, "--one", name], check=True)


if __name__ == "__main__":
    main()
