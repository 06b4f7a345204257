"""CPU seconds of one checkpoint of a quantised convolutional network, counted exactly.

    python benchmark/quantised_cnn.py [images ...]    by default 10,000 and 70,000

Reads all of MNIST from the folder in INFOPLANE_DATA. It prints for each number of images the
seconds of the whole, which runs the network, those of the counting in it, by layer too, and
those of numpy.unique on rows, which must agree.
"""

import math
import os
import sys
import time
from pathlib import Path

import peers
import torch

from infoplane.config import load, read_file
from infoplane.datasets.idx_images import TEST, TRAIN, read_pair
from infoplane.estimators.exact import Exact
from infoplane.networks import FAMILIES
from infoplane.networks.network import initialise_seeds
from infoplane.samples import Samples

FILE = Path("config/experiments/lorenzen2022-cnn.yaml")


def main() -> None:
    torch.set_num_threads(1)
    folder = [Path(os.environ["INFOPLANE_DATA"]) / "MNIST" / "raw"]
    pairs = [read_pair(part, folder, 10) for part in (TRAIN, TEST)]
    x = torch.cat([torch.from_numpy(images.copy()) for images, _ in pairs]).float() / 255
    y = torch.cat([torch.from_numpy(labels.copy()) for _, labels in pairs])
    settings = load(read_file(FILE), file=str(FILE)).runs["relu"].network
    network = FAMILIES[settings.family](settings, (1, 28, 28), 10)
    weights = initialise_seeds(network, [0])
    with torch.no_grad():
        weights |= network.calibrate(weights, x[:1000])
        for n in (500, *(map(int, sys.argv[1:]) if sys.argv[1:] else (10_000, 70_000))):
            measured(network, weights, x[:n], y[:n], n > 500)  # the first one compiles


def measured(network, weights, x, y, shown: bool) -> None:
    """Measure one checkpoint, and print its seconds."""
    ours, theirs, whole, layers = 0.0, 0.0, -time.process_time(), []
    for name, reading in network.read(weights, x):
        t = reading.t[0].flatten(1).contiguous()
        start = time.process_time()
        found = Exact().estimate(Samples(t[:, None], y))
        counted = time.process_time()
        ixt, _ = peers.counted(t.numpy(), y.numpy())
        assert math.isclose(ixt, found.ixt.value, abs_tol=1e-8), name
        peer = time.process_time() - counted
        ours, theirs, whole = ours + counted - start, theirs + peer, whole - peer
        layers.append(f"{name} {counted - start:.3f}")
    if shown:
        whole += time.process_time()
        print(f"{len(x):6} images: {whole:.2f} s, counting {ours:.3f} s ({', '.join(layers)}),")
        print(f"        numpy.unique {theirs:.2f} s", flush=True)


if __name__ == "__main__":
    main()
