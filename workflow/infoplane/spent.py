"""The time, processor time and memory that a job took, as a table in `benchmarks/`.

Snakemake's `benchmark:` asks the system twice a second what a job uses and sums it up; in the
default experiment that was more than half of Snakemake's own processor time. A job can ask
once, at its end. The columns have the names and units of Snakemake's table.
"""

import os
import re
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

COLUMNS = ("s", "h:m:s", "max_rss", "mean_load", "cpu_time")
"""Time in seconds and in hours, largest resident memory in MB (2^20 bytes), processor time in
percent of the time, and processor time in seconds, with that of child processes."""


def path_of(log: Path) -> Path:
    """The table of the job with this log: benchmarks/… in place of logs/…"""
    return Path("benchmarks", *log.parts[1:]).with_suffix(".tsv")


def write(path: Path, seconds: float) -> None:
    """Write what this process took; seconds : since the job began."""
    children = os.times()
    processor = time.process_time() + children.children_user + children.children_system
    hours = str(timedelta(seconds=int(seconds)))
    share = 100 * processor / seconds
    found = (f"{seconds:.2f}", hours, f"{peak():.2f}", f"{share:.2f}", f"{processor:.2f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\t".join(COLUMNS), "\t".join(found)
    path.write_text("\n".join((*lines, "")), encoding="utf-8")


def peak() -> float:
    """Largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would give the parent's peak if that is larger
        return (
            int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"))[1]) / 2**10
        )
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
