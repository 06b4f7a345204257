"""Do intervals of counted entropies contain the population's entropy, and how wide are they?

    python benchmark/sampling.py               200 repeats of each; 2 minutes of CPU
    python benchmark/sampling.py --repeats 20  fewer

Rows are drawn from known laws; each code has one of three labels with probabilities that are
drawn once. `binned` counts the rows, in bins of width 1, as unseen inputs. A table in Markdown
has, for H(T) = I(X;T) and for I(T;Y), the truth, the mean value, the mean corrected value, the
mean interval, and the number of repeats in which either end was on the wrong side.
"""

import argparse

import numpy as np

from infoplane.estimators.binned import Binned
from infoplane.progress import Progress
from infoplane.samples import Samples


def law(name: str, k: int) -> np.ndarray:
    """Probabilities (k,) of codes."""
    if name == "a layer":  # like late layers: two codes have most of the probability
        return np.concatenate([[0.45, 0.35], 0.2 * law("falling", k - 2)])
    weights = {"uniform": np.ones(k), "Zipf": 1 / np.arange(1, k + 1)}
    weights["falling"] = np.geomspace(1, 1e-4, k)
    return weights[name] / weights[name].sum()


LAWS = [("uniform", 64), ("uniform", 100_000), ("Zipf", 1000), ("Zipf", 10**6)]
LAWS += [("a layer", 100), ("a layer", 5000)]
SIZES = (1000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=200)
    repeats = parser.parse_args().repeats
    print(
        "| codes | inputs | H(T) | counted, corrected | mean interval | too high, too low "
        "| I(T;Y) | counted, corrected | mean interval | too high, too low |\n"
        + 10 * "|---"
        + "|"
    )
    with Progress("repeats", len(LAWS) * len(SIZES) * repeats) as progress:
        for name, k in LAWS:
            p, random = law(name, k), np.random.default_rng(0)
            given_t = random.dirichlet([0.3, 0.3, 0.3], k)
            for n in SIZES:
                found = []
                for _ in range(repeats):
                    found.append(_measured(p, given_t, n, random))
                    progress.advance()
                print(
                    "|".join(["", f" {name}, {k:,} ", f" {n:,} ", *_cells(p, given_t, found)])
                )


def _measured(p, given_t, n, random) -> list[tuple[float, float, float, float]]:
    """Value, corrected value and ends of the interval, for I(X;T) and for I(T;Y)."""
    t = random.choice(len(p), n, p=p)
    y = (random.random(n)[:, None] > given_t[t].cumsum(axis=1)).sum(axis=1)
    samples = Samples.of(t[:, None].astype(np.float32), y, unseen=True)
    (record,) = Binned(width=1.0).session()([samples])
    return [(of.value, of.extra["corrected"], *of.interval[:2]) for of in record[:2]]


def _cells(p, given_t, found) -> list[str]:
    joint, cells = p[:, None] * given_t, []
    truths = [_entropy(p), _entropy(p) + _entropy(joint.sum(axis=0)) - _entropy(joint.ravel())]
    for i, truth in enumerate(truths):
        of = np.array(found)[:, i]
        value, corrected, low, high = of.mean(axis=0)
        wrong = (of[:, 2] > truth).sum(), (of[:, 3] < truth).sum()
        cells += [f" {truth:.2f} ", f" {value:.2f}, {corrected:.2f} "]
        cells += [f" {low:.2f} to {high:.2f} ", f" {wrong[0]}, {wrong[1]} "]
    return [*cells, ""]


def _entropy(p) -> float:
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum())


if __name__ == "__main__":
    main()
