"""Does the spread of an estimator over coordinates predict its error?

    python benchmark/invariance.py                      some minutes of CPU
    python benchmark/invariance.py --estimators nwj js smile mine --every 3 --repeats 1
                                                        others, on every third problem, under
                                                        one map of each kind
    python benchmark/invariance.py --csv moves.csv      every problem's numbers

Problems are those of the calibration page with two variables: Gaussians, mixtures with labels
and the problems of `beyond_normal`, with 1,000 samples each. A is mapped as an audit maps a
layer (infoplane/invariance/maps.py), which does not change I(A;B). For each estimator and map,
the table has Spearman's rank correlation over problems between the largest distance of a value
from that of the unchanged A and the error of the latter, |value − truth|, with its 95 %
interval by resampling problems. Two more columns are partial correlations: given the value,
because large values move more and err more; and, over the problems with a calibrated interval,
given the width of that interval: does a move tell more about the error than the interval does?
"""

import argparse
import contextlib

import numpy as np
import pandas as pd
import torch
from scipy import stats

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import intervals
from infoplane.information import COORDINATES
from infoplane.invariance.maps import mapped
from infoplane.invariance.settings import MAPS
from infoplane.progress import Progress
from infoplane.samples import Pair, Samples
from infoplane.truth.beyond_normal import BeyondNormal
from infoplane.truth.gaussians import Gaussians
from infoplane.truth.mixtures import Mixtures

FAMILIES = {
    "gaussians": Gaussians(dimensions=[1, 2, 5, 10, 25], information=[0, 0.5, 2, 5]),
    "mixtures": Mixtures(dimensions=[2, 5, 10], label_bits=[1, 3], shares=[0, 0.2, 0.5, 0.95]),
    "beyond_normal": BeyondNormal(),
}
DEFAULT = ("binned", "kde", "ksg", "kl", "edge", "lnn")
N, FACTOR, RESAMPLES = 1000, 10.0, 1000
FEWEST = 10
"""Problems with an interval of which a correlation is printed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--estimators", nargs="+", default=DEFAULT)
    parser.add_argument("--every", type=int, default=1, help="take every n-th problem")
    parser.add_argument("--repeats", type=int, default=2, help="maps of each kind")
    parser.add_argument("--csv")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    tasks = [(name, task) for name, of in FAMILIES.items() for task in of.tasks({})]
    tasks = tasks[:: asked.every]
    rows = []
    with Progress("problems", len(tasks) * len(asked.estimators)) as progress:
        for name in asked.estimators:
            for family, task in tasks:
                row = {"estimator": name, "family": family, "task": task.name}
                with contextlib.suppress(ValueError):  # too many dimensions for some
                    rows.append(row | _moves(name, task, asked.repeats))
                progress.advance()
    table = pd.DataFrame(rows)
    if asked.csv:
        table.to_csv(asked.csv, index=False)
    beside = "value fixed | with an interval | width fixed"
    print(f"| estimator | problems | map | rank correlation | {beside} |\n{7 * '|---'}|")
    for name, of in table.groupby("estimator", sort=False):
        within = of[of.width.notna()]
        for key in (*MAPS, "all"):
            words = COORDINATES.get(key, "the largest of all")
            plain, value = _correlation(of, key), _correlation(of, key, "value")
            width = _correlation(within, key, "width") if len(within) >= FEWEST else "–"
            numbers = f"{plain} | {value} | {len(within)} | {width}"
            print(f"| `{name}` | {len(of)} | {words} | {numbers} |")


def _moves(name: str, task, repeats: int) -> dict:
    """Error and moves of one problem, in bits. repeats : maps of each kind"""
    pair = task.draw(N, 0).pair
    layer = Samples(pair.a[:, None], torch.zeros(pair.n, dtype=torch.int64))
    pairs = [pair]
    for i, kind in enumerate(MAPS):
        for repeat in range(repeats):
            random = np.random.default_rng((i, repeat))
            pairs.append(Pair.of(mapped(layer, kind, random, FACTOR).t[:, 0], pair.b))
    estimator = ESTIMATORS[name]()
    records = estimator.session().between(pairs)
    value, *others = (one.value for one in records)
    low, high, kind = intervals.of_pair(estimator, pair, records[0]).interval
    width = high - low if kind == "calibrated" else np.nan
    far = np.abs(np.array(others) - value).reshape(len(MAPS), repeats).max(axis=1)
    told = {"truth": task.truth, "value": value, "error": abs(value - task.truth)}
    told |= {"width": width}
    return told | dict(zip(MAPS, far, strict=True)) | {"all": far.max()}


def _correlation(of: pd.DataFrame, key: str, beside: str | None = None) -> str:
    """Spearman's correlation with its interval; beside : the column that is held fixed."""
    numbers = of[["error", key, *([beside] if beside else [])]].to_numpy()
    random, found = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        found.append(_spearman(numbers[random.integers(0, len(numbers), len(numbers))]))
    value = _spearman(numbers)
    if np.isnan(value):  # no value moves
        return "–"
    low, high = np.nanquantile(found, [0.025, 0.975])
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _spearman(numbers: np.ndarray) -> float:
    """Of the first two columns, with the third held fixed if there is one."""
    ranks = np.column_stack([stats.rankdata(column) for column in numbers.T])
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.corrcoef(ranks.T)
        if ranks.shape[1] == 2:
            return float(r[0, 1])
        rest = (1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2)
        return float((r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt(rest))


if __name__ == "__main__":
    main()
