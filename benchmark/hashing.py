"""Speed of estimators that count hashed codes."""

import math
from collections import Counter

import clock
import numpy as np

from infoplane.estimators import edge
from infoplane.samples import Pair


def bench_edge(limits: clock.Limits, quick: bool) -> None:
    """One layer's activations and 12 input features, published settings (one cell width, no
    correction): five shifts of each."""
    settings = edge.Settings(bandwidth="rule", correction="none")
    for n, units in [(4096, 10)] if quick else [(4096, 10), (10_000, 20), (10_000, 100)]:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(n, 12))
        t = np.tanh(x @ rng.normal(size=(12, units)) / math.sqrt(12))
        pair = Pair.of(t, x)
        theirs, ours = clock.medians(
            lambda t=t, x=x: loop_over_samples(t, x, settings),
            lambda pair=pair: edge.between(pair, settings),
            3,
        )
        n_bytes = pair.n * settings.n_shifts * (units + 12) * 8
        clock.line(f"edge {n} × {units}, 12", theirs, ours, n_bytes / limits.bytes_per_second)


def loop_over_samples(a: np.ndarray, b: np.ndarray, settings: edge.Settings) -> float:
    """EDGE as published: codes of one sample after the other, counted in dictionaries. Bits."""
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
