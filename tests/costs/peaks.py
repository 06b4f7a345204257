"""`python -m tests.costs.peaks [name ...]`: what calls of estimators hold beside the samples.

A line each: name, inputs, units, memory_mb, MB at most; with memory_mb as it is by default, and
with a small one where there is such a setting. Each call is in a process of its own, after one
on few samples, which compiles; estimators that train take a few steps. Without names, all.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator

import torch
from tests.memory import growth

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables.costs import MEASURED_MEMORY_MB
from infoplane.samples import Samples
from infoplane.threads import use_threads

SIZES = ((3000, 6), (600, 200))
OWN_SIZES = {"lga": ((300, 4), (600, 6)), "lnn": ((600, 2), (3000, 6))}
"""Of estimators that take few dimensions."""
FEATURES = 12
SMALL_MB = 20
MAP = (6000, 4000)
"""Of a layer of 96 MB, for estimators that hold no copy of it."""


def layer(n: int, d: int) -> list[Samples]:
    """Noisy units with what any estimator asks for: noise that is known, inputs, labels."""
    random = torch.Generator().manual_seed(n)
    x = torch.randn(n, FEATURES, generator=random)
    centres = torch.tanh(x @ torch.randn(FEATURES, d, generator=random))[:, None]
    t = centres + 0.1 * torch.randn(centres.shape, generator=random)
    y = (x[:, 0] > 0).long()
    return [Samples(t, y, x, sigma=0.1, centres=centres, layer="a", epoch=0)]


def plain_map() -> list[Samples]:
    """A ReLU layer of many units, inputs without features."""
    t = torch.randn(*MAP, generator=torch.Generator().manual_seed(0)).sub_(0.5).relu_()
    return [Samples(t[:, None], torch.arange(len(t)) % 10, layer="a", epoch=0)]


def peak_of_map(name: str) -> float:
    """MB of a call on that layer, with the small bound."""
    chosen = {"n_projections": 2} if name == "sliced" else {}
    return peak_of(name, plain_map(), SMALL_MB, chosen)


def peak(name: str, n: int, d: int, memory_mb: int) -> float:
    """MB of one call."""
    return peak_of(name, layer(n, d), memory_mb, {})


def peak_of(name: str, many: list[Samples], memory_mb: int, chosen: dict) -> float:
    """MB of one call on these."""
    few, kind = layer(100, many[0].n_units), ESTIMATORS[name]
    if kind.trains:
        chosen |= {"max_steps": 20, "patience": 20}
    if "memory_mb" in kind.Settings.model_fields:
        chosen["memory_mb"] = memory_mb
    method = kind(**chosen)
    with contextlib.suppress(ValueError):  # too few of so many units
        method.session()(few)
    return growth(lambda: method.session()(many)) / 1e6


def calls(names: Iterable[str] = ESTIMATORS) -> Iterator[tuple[str, int, int, int]]:
    """What is measured: name, inputs, units, memory_mb."""
    for name in names:
        sizes, kind = OWN_SIZES.get(name, SIZES), ESTIMATORS[name]
        yield from ((name, *size, MEASURED_MEMORY_MB) for size in sizes)
        if "memory_mb" in kind.Settings.model_fields and not kind.trains:
            yield name, *sizes[0], SMALL_MB


def main() -> None:
    use_threads(1)
    of_map, names = sys.argv[1:2] == ["--map"], sys.argv[1:]
    given = [(name,) for name in names[1:]] if of_map else [*calls(names or ESTIMATORS)]
    measured = peak_of_map if of_map else peak
    for name in names[1:] if of_map else ():
        ESTIMATORS[name]  # imported before the first fork, as `calls` does
    for call in given:
        child = os.fork()
        if not child:
            try:
                print(*call, measured(*call), flush=True)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
