"""Compare what the jobs of an experiment asked for with what they used.

    python benchmark/asked.py config/config.yaml

Reads the files in benchmarks/ of the folder in which the experiment ran. It prints a line for
each rule and estimator: the number of recorded jobs, the most that one used, and the smallest
ratio of asked for to used. Its status is 1 if a job used more than it asked for.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

from infoplane.config import load, read_file
from infoplane.costs import request
from infoplane.plan.plan import Plan

MIB = 2**20 / 1e6
"""MB (10^6 bytes) in the unit of those files."""


def main() -> None:
    file = sys.argv[1]
    experiment = load(read_file(Path(file)), file=file)
    plan = Plan(experiment, f"results/{experiment.name}")
    stages = {
        "prepare_dataset": (plan.datasets, ("dataset",)),
        "train": (plan.weights, ("run", "seeds")),
        "regenerate_activations": (plan.activations, ("run", "seeds")),
        "estimate_information": (plan.information, ("run", "estimator", "seeds")),
        "pool_epochs": (plan.pooled, ("run", "pool", "estimator")),
    }
    found = defaultdict(list)
    benchmarks = Path("benchmarks", experiment.name)
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule, *values = path.relative_to(benchmarks).with_suffix("").parts
        stage, keys = stages.get(rule, (None, ()))
        names = dict(zip(keys, values, strict=False))
        try:
            asked = request(stage.cost(**names))
        except (AttributeError, KeyError, ValueError):  # another rule, or one that is gone
            continue
        with path.open(newline="", encoding="utf-8") as text:
            for row in csv.DictReader(text, delimiter="\t"):
                if row["max_rss"] not in ("-", "NA", "0.00"):  # too short to be measured
                    used = MIB * float(row["max_rss"]), float(row["s"]) / 60
                    found[rule, names.get("estimator", "")].append((asked, used))
    print(
        "| job | recorded | MB, minutes used | asked for over used, least |\n|---|---|---|---|"
    )
    for (rule, by), jobs in found.items():
        most = [max(used[i] for _, used in jobs) for i in (0, 1)]
        least = [min(asked[i] / used[i] for asked, used in jobs) for i in (0, 1)]
        print(f"| {rule} {by} | {len(jobs)} | {most[0]:.0f}, {most[1]:.1f} | "
              f"{least[0]:.2f}, {least[1]:.1f} |")  # fmt: skip
    everything = [(*asked, *used) for jobs in found.values() for asked, used in jobs]
    sys.exit(any(mb < used or minutes < took for mb, minutes, used, took in everything))


if __name__ == "__main__":
    main()
