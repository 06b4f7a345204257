"""Speed of estimators that count hashed codes."""

import math
from collections import Counter
from collections.abc import Iterator

import clock
import numpy as np
import peers
import problems
import torch

from infoplane.estimators import edge, exact
from infoplane.networks.quantisation import on_grid
from infoplane.samples import Pair, Samples

CHECKPOINTS = 50
"""Checkpoints of the large layer that are measured at a time; for the SZT layers the number is
that of bins."""


def bench_edge(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """One layer's activations and 12 input features under published settings (one cell width,
    no correction), with five shifts of each."""
    settings = edge.EDGESettings(bandwidth="rule", correction="none")
    for n, units in [(4096, 10)] if quick else [(4096, 10), (10_000, 20), (10_000, 100)]:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(n, 12))
        t = np.tanh(x @ rng.normal(size=(12, units)) / math.sqrt(12))
        pair = Pair.of(t, x)
        theirs, ours = clock.medians(
            lambda t=t, x=x: loop_over_samples(t, x, settings),
            lambda pair=pair: edge.EDGE(settings).between(pair),
            3,
        )
        n_bytes = pair.n * settings.n_shifts * (units + 12) * 8
        least = n_bytes / limits.bytes_per_second
        yield clock.Row(f"edge {n} × {units}, 12", ours, theirs, least, "memory")


def bench_exact(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """Quantised layers of the SZT net, and one layer of a network on all images of MNIST; times
    are for one checkpoint."""
    layers = problems.szt_layers()
    for bits in (4, 8):
        total = [0.0, 0.0]
        for units, batch in layers.items():
            row = _counting(f"exact 4096 × {units}, {bits} bit", batch, bits, limits)
            total = [total[0] + row.peer, total[1] + row.ours]
            yield row
        theirs, ours = total
        yield clock.Row(f"exact, the six layers, {bits} bit", ours, theirs)
    images = problems.tanh_layers(10_000 if quick else 70_000, 10, CHECKPOINTS)
    for bits in (4, 8):
        yield _counting(f"exact {images[0].n_inputs} × 10, {bits} bit", images, bits, limits)


def _counting(name: str, batch: list[Samples], bits: int, limits: clock.Limits) -> clock.Row:
    """The row of one checkpoint, counted by np.unique and by ours, which must agree."""
    t = on_grid(torch.stack([samples.t for samples in batch]), -1.0, 1.0, bits)
    y, settings = batch[0].y, exact.ExactSettings()
    batch = [Samples(one, y) for one in t]
    chosen = batch[:: len(batch) // 5]

    def peer():
        return [peers.counted(s.t[:, 0].numpy(), s.y.numpy()) for s in chosen]

    ours_say = exact.Exact(settings).estimate_batch(chosen)
    for (ixt, ity), ours in zip(peer(), ours_say, strict=True):
        assert math.isclose(ixt, ours.ixt.value, abs_tol=1e-8), name
        assert math.isclose(ity, ours.ity.value, abs_tol=1e-8), name
    theirs, ours = clock.medians(peer, lambda: exact.Exact(settings).estimate_batch(batch), 5)
    theirs, ours = theirs / len(chosen), ours / len(batch)
    n_bytes = batch[0].t.numel() * batch[0].t.itemsize
    return clock.Row(name, ours, theirs, n_bytes / limits.bytes_per_second, "memory")


def loop_over_samples(a: np.ndarray, b: np.ndarray, settings: edge.EDGESettings) -> float:
    """EDGE as published: codes of one sample after another, counted in dictionaries. In
    bits."""
    n, rng = len(a), np.random.default_rng(settings.seed)
    d = a.shape[1] + b.shape[1]
    width = settings.smoothing * math.sqrt(d) * n ** (-1 / (2 * d))
    steps_a, steps_b = a.std(axis=0) * width, b.std(axis=0) * width
    values = []
    for _ in range(settings.n_shifts):
        shift_a, shift_b = rng.random(a.shape[1]) * steps_a, rng.random(b.shape[1]) * steps_b
        with_a, with_b, with_both = Counter(), Counter(), Counter()
        for i in range(n):
            code_a = tuple(np.floor((a[i] + shift_a) / steps_a).astype(int))
            code_b = tuple(np.floor((b[i] + shift_b) / steps_b).astype(int))
            with_a[code_a] += 1
            with_b[code_b] += 1
            with_both[code_a, code_b] += 1
        values.append(
            sum(
                count / n * math.log2(count * n / (with_a[code_a] * with_b[code_b]))
                for (code_a, code_b), count in with_both.items()
            )
        )
    return float(np.median(values))
