"""Does the certified interval contain the truth as often as it claims, and how wide is it?

    python benchmark/certified.py               200 repeats of each layer; 13 minutes of CPU
    python benchmark/certified.py --repeats 20  fewer
    python benchmark/certified.py --units 3072  one layer

Layers are linear, dense and convolutional, with Gaussian inputs and Gaussian noise; their
truths are determinants (infoplane/truth/linear_gaussian.py). Each repeat draws new inputs, new
noise and new parts; settings are the defaults. A table in Markdown has, for I(X;T) and for
I(T;Y), the truth, the mean ends of the intervals, and the number of repeats in which either end
was on the wrong side. In 200 repeats, 5 are expected on a side with an exact limit.
"""

import argparse
import time

import numpy as np
import torch

from infoplane.estimators.certified import Certified
from infoplane.progress import Progress
from infoplane.truth.linear_gaussian import LinearLayer
from infoplane.truth.linear_layers import LinearLayers

CASES = [
    ({"dense": [(10, 10)], "maps": []}, [0.3, 1.0, 3.0], 500),
    ({"dense": [(100, 20)], "maps": []}, [1.0], 500),
    ({"dense": [(1000, 20)], "maps": []}, [0.3], 500),
    ({"dense": [], "maps": [(4, 7)], "length": 0.5}, [0.3], 500),
    ({"dense": [], "maps": [(4, 7)], "length": 2.0}, [0.3], 500),
    ({"dense": [], "maps": [(12, 16)], "length": 2.0}, [0.1], 300),
]
"""Settings of layers, their scales, and numbers of measured inputs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--units", type=int, help="only layers with this many dimensions")
    given = parser.parse_args()
    repeats = given.repeats
    torch.set_num_threads(1)
    layers = [
        (layer, of.get("length"), n)
        for of, scales, n in CASES
        for layer in LinearLayers(**of, scales=scales).layers()
        if given.units in (None, layer.d)
    ]
    print(
        "| layer | dimensions | inputs | I(X;T) | mean interval | too high, too low | I(T;Y) "
        "| mean interval | too high, too low | CPU seconds |\n" + 10 * "|---" + "|"
    )
    with Progress("repeats", len(layers) * repeats) as progress:
        for layer, length, n in layers:
            start = time.process_time()
            found = np.array([_ends(layer, n, seed, progress) for seed in range(repeats)])
            seconds = (time.process_time() - start) / repeats
            truths = np.array([layer.about_x(), layer.about_y()])
            wrong = (found[..., 0] > truths).sum(0), (found[..., 1] < truths).sum(0)
            mean = found.mean(0)
            smooth = f", smooth over {length:g} pixels" if length else ""
            cells = [f"{layer.name}{smooth}", str(layer.d), str(n)]
            for i in range(2):
                cells += [
                    f"{truths[i]:.2f}",
                    f"{mean[i, 0]:.2f} to {mean[i, 1]:.2f}",
                    f"{wrong[0][i]}, {wrong[1][i]}",
                ]
            print("| " + " | ".join([*cells, f"{seconds:.2f}"]) + " |", flush=True)


def _ends(layer: LinearLayer, n: int, seed: int, progress) -> list[tuple[float, float]]:
    """Both ends of the intervals of I(X;T) and I(T;Y)."""
    noisy = layer.draw("inputs", n, seed).noisy
    (record,) = Certified(only_noise=True, seed=seed).session()([noisy])
    progress.advance()
    return [one.interval[:2] for one in (record.ixt, record.ity)]


if __name__ == "__main__":
    main()
