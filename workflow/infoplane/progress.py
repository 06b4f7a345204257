"""Progress of a long job: a bar with the remaining time on a terminal, and log lines now and
then."""

import logging
import os
import re
import sys
import time
from pathlib import Path

from tqdm import tqdm

log = logging.getLogger(__name__)

LOG_SECONDS = 30
"""Time between two lines in the log."""

NO_BARS = "INFOPLANE_NO_BARS"
"""A job with this environment variable draws no bar: its terminal shows progress in another
way."""

LINE = re.compile(r": (\w+ \d+ of \d+, \S+ left)$")
"""The end of a log line that reports progress."""


def announce(title: str, text: str) -> None:
    """Write a message of a job on the terminal, above the bars, and in its log."""
    tqdm.write(f"{title}: {text}", file=sys.stderr)
    log.info(text)


def last_words(log: Path, within: float) -> str:
    """Progress of a running job, 'epoch 120 of 3000, 01:20 left', from the last line of its
    log; empty if that line is about something else or is older than `within` seconds."""
    try:
        with log.open("rb") as file:
            about = os.fstat(file.fileno())
            if time.time() - about.st_mtime > within:
                return ""
            file.seek(max(about.st_size - 1000, 0))
            end = file.read().decode(errors="replace").rstrip("\n")
    except OSError:
        return ""
    match = LINE.search(end.rpartition("\n")[2])
    return match[1] if match else ""


class Progress:
    """Counts steps: `with Progress("train", total=100) as progress: … progress.advance()`."""

    def __init__(self, title: str, total: int, first: int = 0, unit: str = "step"):
        self.title, self.unit = title, unit
        # None: no bar where there is no terminal.
        self.bar = tqdm(
            total=total,
            initial=first,
            desc=title,
            unit=unit,
            disable=True if NO_BARS in os.environ else None,
            leave=False,
            dynamic_ncols=True,
            mininterval=0.5,
        )
        self.first, self.done, self.total = first, first, total
        self.started = self.logged = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error) -> None:
        self.bar.close()
        if error[0] is None:
            log.info("%d %s in %s", self.done, self.unit, self._interval(self._elapsed()))

    def advance(self, steps: int = 1) -> None:
        """Count this many further steps as done."""
        self.done += steps
        self.bar.update(steps)
        if time.monotonic() - self.logged > LOG_SECONDS:
            self.logged = time.monotonic()
            left = self._elapsed() * (self.total - self.done) / (self.done - self.first)
            log.info(
                "%s %d of %d, %s left", self.unit, self.done, self.total, self._interval(left)
            )

    def _elapsed(self) -> float:
        return time.monotonic() - self.started

    @staticmethod
    def _interval(seconds: float) -> str:
        return tqdm.format_interval(seconds)
