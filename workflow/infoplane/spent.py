"""What a job took, as a table beside its log: time, processor time and memory.

Snakemake's `benchmark:` asks the system twice a second what a job holds, and adds up what it
sees; in the default experiment that was more than half of Snakemake's own processor time. A job
knows it at its end. Columns have the names and units of Snakemake's.
"""

import os
import re
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

COLUMNS = ("s", "h:m:s", "max_rss", "mean_load", "cpu_time")
"""Seconds, the same as hours, largest resident memory in MB (2^20 bytes), processor time in
percent of the time, processor time in seconds, children included."""


def path_of(log: Path) -> Path:
    """The table of the job with this log: benchmarks/… in place of logs/…"""
    return Path("benchmarks", *log.parts[1:]).with_suffix(".tsv")


def write(path: Path, seconds: float) -> None:
    """Write what this process took, of which so many seconds have passed."""
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
    if status.exists():  # getrusage would tell the parent's where that is larger
        return (
            int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"))[1]) / 2**10
        )
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
