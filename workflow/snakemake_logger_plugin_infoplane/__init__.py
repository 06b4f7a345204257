"""`snakemake --logger infoplane`: jobs done, running and left, and the time left.

On a terminal these are shown below Snakemake's own output, with the progress of running jobs
from their logs; elsewhere each finished job is a line. Errors, logs of failed jobs and messages
that are not about a single job are Snakemake's own. A dry run does not change.
"""

import os
import shutil
import sys
import threading
import time
from io import TextIOWrapper
from pathlib import Path

from snakemake.logging import ColorizingTextHandler, DefaultFilter, is_quiet_about
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

from snakemake_logger_plugin_infoplane.jobs import Job, Jobs

# The library is imported late, when the Snakefile has set its path.
NO_BARS = "INFOPLANE_NO_BARS"
"""The same name as in infoplane.progress."""
REPORT = "INFOPLANE_REPORT"
"""The environment variable in which the Snakefile gives the path of the report."""
REPORT_SAYS = (
    "The report is {path}: planes, curves and training over a slider of epochs, with "
    "intervals, checks and settings."
)
"""The last line of a call that made the report, or found it up to date."""
NOTHING = "Nothing to be done"
REFRESH_SECONDS = 1
MOST_JOBS = 6
"""The most running jobs that are shown by name."""
REPLACED = (LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED)


class LogHandler(LogHandlerBase):
    """The handler that Snakemake calls with each of its events, all from one thread."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True  # its own, after counting: events that are not shown count too
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        about = self.common_settings
        quiet = about.quiet or ()
        self.stream = sys.stdout if about.stdout else sys.stderr
        if isinstance(self.stream, TextIOWrapper):  # of any encoding
            self.stream.reconfigure(errors="backslashreplace")
        self.snakemake = ColorizingTextHandler(about.nocolor, self.stream)
        self.shown = DefaultFilter(
            quiet, about.debug_dag, about.verbose, about.dryrun, about.printshellcmds
        ).filter
        self.silent = is_quiet_about(quiet, "progress")
        terminal = self.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.live = terminal and not (about.dryrun or self.silent)
        self.jobs, self.ended, self.lines = Jobs(), [], 0
        self.reported = False
        self.closed = threading.Event()
        if self.live:
            os.environ[NO_BARS] = "1"  # jobs draw no bars: two on one line are unreadable
            threading.Thread(target=self._refresh, daemon=True).start()

    def emit(self, record) -> None:
        """Count an event and show it; events that are not about jobs in Snakemake's own
        words."""
        try:
            event = getattr(record, "event", None)
            if self.common_settings.dryrun:
                self._say(record)
                return
            self.reported |= str(record.msg).startswith(NOTHING)
            self._count(event, record)
            if event == LogEvent.PROGRESS:
                self._tell()
            elif event not in REPLACED and record.msg != "Select jobs to execute...":
                self._say(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Remove the lines below Snakemake's output."""
        self.closed.set()
        with self.lock:
            self._erase()
            path = os.environ.get(REPORT, "")
            if self.reported and not self.silent and Path(path).is_file():
                self.stream.write(f"\n{REPORT_SAYS.format(path=path)}\n")
                self.stream.flush()
            self.reported = False
        super().close()

    def _count(self, event, record) -> None:
        now = time.monotonic()
        if event == LogEvent.RUN_INFO:
            self.jobs.plan(record.stats)
        elif event == LogEvent.JOB_INFO:
            logs = tuple(Path(log) for log in record.log)
            named = " ".join([record.rule_name, *map(str, record.wildcards.values())])
            about = record.rule_msg or named
            self.jobs.start(record.jobid, Job(record.rule_name, about, logs, now))
        elif event == LogEvent.JOB_FINISHED:
            if ended := self.jobs.finish(record.job_id, now):
                self.ended.append(ended)
                self.reported |= ended[0].rule == "report"
        elif event == LogEvent.JOB_ERROR:
            self.jobs.fail(record.jobid)
        elif event == LogEvent.PROGRESS:
            self.jobs.done, self.jobs.total = record.done, record.total

    def _say(self, record) -> None:
        """Write Snakemake's own words above the lines of progress."""
        if self.shown(record):
            self._erase()
            self.snakemake.setFormatter(self.formatter)
            self.snakemake.emit(record)
            self._draw()

    def _tell(self) -> None:
        """Write a line for each job that has ended."""
        if not self.silent:
            self._erase()
            for job, took in self.ended:
                far = "" if self.live else f"; {self._far()}"
                at = time.strftime("%H:%M:%S")
                self.stream.write(f"[{at}] done: {job.about} ({_interval(took)}){far}\n")
            self.stream.flush()
            self._draw()
        self.ended.clear()

    def _far(self) -> str:
        jobs = self.jobs
        words = [f"{jobs.done} of {jobs.total} jobs done"]
        if n := len(jobs.running):
            words.append(f"{n} running")
        if waiting := jobs.total - jobs.done - n:
            words.append(f"{waiting} left")
        left = jobs.left(time.monotonic())
        if left and jobs.done < jobs.total:
            words.append(f"{'about' if left[1] else 'at least'} {_interval(left[0])} left")
        return ", ".join(words)

    def _refresh(self) -> None:
        while not self.closed.wait(REFRESH_SECONDS):
            with self.lock:
                if self.lines and not self.closed.is_set():
                    self._erase()
                    self._draw()

    def _erase(self) -> None:
        # The cursor waits on an empty line above, so that text that a job writes stays whole.
        if self.lines:
            self.stream.write("\r\033[J")
            self.lines = 0

    def _draw(self) -> None:
        if not self.live or not self.jobs.total or self.closed.is_set():
            return
        from infoplane.progress import last_words

        size = shutil.get_terminal_size()
        now = time.monotonic()
        lines = [self._far()]
        most = max(min(MOST_JOBS, size.lines - 3), 0)
        for job in [*self.jobs.running.values()][:most]:
            took = now - job.started
            said = " ".join(last_words(log, within=took) for log in job.logs)
            lines.append(f"  {job.about} ({_interval(took)}) {said}".rstrip())
        if len(self.jobs.running) > most:
            lines.append(f"  and {len(self.jobs.running) - most} more")
        self.lines = len(lines)
        below = "".join(f"\n{line[: size.columns - 1]}" for line in lines)
        self.stream.write(f"{below}\033[{self.lines}A\r")
        self.stream.flush()


def _interval(seconds: float) -> str:
    return tqdm.format_interval(seconds)
