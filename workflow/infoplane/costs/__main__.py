"""What the jobs of an experiment ask for beside what they used.

    python -m infoplane.costs config/config.yaml

Reads the benchmark files that Snakemake left, so it is called from the same folder. A line for
each rule and estimator: how many jobs were recorded, and what they asked for over what they
used, median and worst, in memory and in time. Ends with status 1 if a job used more than it
asked for.
"""

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from infoplane.config import ConfigError, load, read_file
from infoplane.costs.cost import Cost, Request, request
from infoplane.costs.plan import Plan
from infoplane.terminal import use_any_encoding

MIB = 2**20 / 1e6
"""MB in the unit of Snakemake's benchmark files."""


class Used(NamedTuple):
    """A job: what it is, what it asked for, MB and seconds that were recorded."""

    name: str
    asked: Request
    mb: float
    seconds: float

    @property
    def ratios(self) -> tuple[float, float]:
        """Asked for over used: memory, time."""
        return self.asked.mb / self.mb, 60 * self.asked.minutes / self.seconds


def cost_of(plan: Plan, rule: str, names: tuple[str, ...]) -> Cost | None:
    """The cost of the job of a benchmark file; None for one that is not of this experiment.

    names : the parts of the file's path below the rule's folder
    """
    of_rule = {
        "prepare_dataset": plan.dataset,
        "train": plan.training,
        "regenerate_activations": plan.activations,
        "estimate_information": plan.estimation,
        "pool_epochs": plan.pool,
    }
    try:
        return of_rule[rule](*names)
    except KeyError:  # another rule, or a run or an estimator that is no longer there
        return None


def recorded(plan: Plan, benchmarks: Path) -> Iterator[Used]:
    """Every job of the experiment that has a benchmark file in this folder."""
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule, *names = path.relative_to(benchmarks).with_suffix("").parts
        cost = cost_of(plan, rule, tuple(names))
        if cost is None:
            continue
        head, *rows = (
            line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()
        )
        for row in rows:
            values = dict(zip(head, row, strict=True))
            mb, seconds = (_number(values[key]) for key in ("max_rss", "s"))
            if mb and seconds:  # a job of less than half a second leaves no memory
                place = {"estimate_information": 1, "pool_epochs": 2}.get(rule)
                name = rule if place is None else f"{rule} {names[place]}"
                yield Used(name, request(cost), MIB * mb, seconds)


def table(jobs: list[Used]) -> list[str]:
    """Lines of the table."""
    grouped = defaultdict(list)
    for job in jobs:
        grouped[job.name].append(job)
    lines = [
        "| job | recorded | memory asked for, used | ratio: median, least | "
        "time asked for, used | ratio: median, least |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in grouped.items():
        largest, longest = max(j.mb for j in found), max(j.seconds for j in found)
        memory, time = zip(*(job.ratios for job in found), strict=True)
        lines.append(
            f"| {name} | {len(found)} | {max(j.asked.mb for j in found)}, {largest:.0f} MB | "
            f"{statistics.median(memory):.2f}, {min(memory):.2f} | "
            f"{max(j.asked.minutes for j in found)} min, {longest:.0f} s | "
            f"{statistics.median(time):.1f}, {min(time):.1f} |"
        )
    return lines


def main() -> None:
    use_any_encoding()
    parser = argparse.ArgumentParser(prog="python -m infoplane.costs")
    parser.add_argument("file", type=Path, help="the experiment's file")
    parser.add_argument("--name", help="of the experiment, where it was given with --config")
    chosen = parser.parse_args()
    try:
        written = read_file(chosen.file)
        if chosen.name:
            written = {**(written or {}), "experiment": chosen.name}
        experiment = load(written, file=str(chosen.file))
    except (OSError, ConfigError) as error:
        sys.exit(str(error))
    plan = Plan(experiment, Path("results") / experiment.name)
    jobs = [*recorded(plan, Path("benchmarks") / experiment.name)]
    if not jobs:
        sys.exit(f"benchmarks/{experiment.name} has no file of a job; run {chosen.file} first")
    print("\n".join(table(jobs)))
    over = [job for job in jobs if min(job.ratios) < 1]
    for job in over:
        print(
            f"{job.name}: used {job.mb:.0f} MB and {job.seconds:.0f} s, asked for {job.asked}"
        )
    sys.exit(bool(over))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # "-" and "NA", of what was not seen
        return 0.0


if __name__ == "__main__":
    main()
