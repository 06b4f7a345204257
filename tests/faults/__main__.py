"""`python tests/faults`: what happens to a small experiment when things go wrong.

Kills, damage, full and read-only disks, two writers; each time the next run must end with the
bits of the undisturbed one, or with an error that names the store and what to do. Prints a
table of all faults and what came of them; exits with 1 unless all of it holds.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults import cached, damages, disk, kills, twice
from tests.faults.experiment import Jobs, undisturbed
from tests.faults.table import Outcome, table

SECTIONS = ("damages", "jobs", "journals", "cache", "disks", "twice", "through", "snakemake")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="kills under Snakemake (30)")
    parser.add_argument("--job-kills", type=int, default=10, help="of each kind of job (10)")
    parser.add_argument(
        "--damages", type=int, default=100, help="of each kind to each kind of store (100)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random (0)")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        outcomes = []
        for outcome in faults(Path(folder), given):
            outcomes.append(outcome)
            mark = "" if outcome.holds else "  NOT HELD"
            said = f"{outcome.fault}, {outcome.where}, {outcome.when}: {outcome.came}"
            print(f"[{time.monotonic() - started:6.0f} s] {said}{mark}", flush=True)
    print(f"\n{table(outcomes)}\nin {time.monotonic() - started:.0f} s, seed {given.seed}")
    return 0 if all(outcome.holds for outcome in outcomes) else 1


def faults(folder: Path, given: argparse.Namespace) -> Iterator[Outcome]:
    """Every fault that is asked for, the cheap ones first."""
    whole = undisturbed(folder)
    jobs = Jobs(whole)
    root, seed = folder / "disturbed", given.seed
    sections = {
        "damages": lambda: damages.opened(whole, folder, given.damages, seed),
        "jobs": lambda: kills.of_jobs(whole, jobs, root, given.job_kills, seed),
        "journals": lambda: damages.of_journals(whole, jobs, root, given.damages, seed),
        "cache": lambda: cached.of_entries(whole, jobs, root, given.job_kills, seed),
        "disks": lambda: disks(whole, jobs, root, given),
        "twice": lambda: twice.at_once(whole, jobs, root, given.job_kills, seed),
        "through": lambda: damages.through(whole, root, max(given.damages // 5, 1), seed),
        "snakemake": lambda: kills.under_snakemake(whole, root, given.kills, seed),
    }
    for name in SECTIONS:
        if name in given.only:
            yield from sections[name]()


def disks(whole, jobs, root: Path, given: argparse.Namespace) -> Iterator[Outcome]:
    """Full and read-only disks, where they can be mounted."""
    if not disk.mountable(root.parent):
        print("skipped: full and read-only disks, because nothing can be mounted here")
        return
    yield from disk.refused(whole, jobs, root)
    yield from disk.full(whole, jobs, root, 5 * given.job_kills, given.seed)
    yield from disk.full_from_the_start(whole, root)


if __name__ == "__main__":
    sys.exit(main())
