"""Jobs of a workflow: done, running and left, and the time that the rest will take."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A job that was started. started : in seconds, on the clock of its end"""

    rule: str
    about: str
    logs: tuple[Path, ...]
    started: float


class Jobs:
    """Counts jobs from Snakemake's events; `now` is the time in seconds on any clock."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.wanted: Counter[str] = Counter()  # jobs by rule
        self.ended: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()  # the sum over jobs that have ended
        self.running: dict[int, Job] = {}
        self.first: float | None = None

    def plan(self, stats: dict[str, int]) -> None:
        """Set the number of jobs of each rule; `total` is their sum."""
        self.wanted = Counter({rule: n for rule, n in stats.items() if rule != "total"})
        self.total = self.wanted.total()

    def start(self, number: int, job: Job) -> None:
        """A job was started, or started again."""
        self.first = job.started if self.first is None else self.first
        self.running[number] = job

    def finish(self, number: int, now: float) -> tuple[Job, float] | None:
        """A job has succeeded: the job and its seconds, None if it was never started."""
        job = self.running.pop(number, None)
        if job is None:
            return None
        took = now - job.started
        self.ended[job.rule] += 1
        self.seconds[job.rule] += took
        return job, took

    def fail(self, number: int) -> None:
        """A job has failed; Snakemake may start it again."""
        self.running.pop(number, None)

    def left(self, now: float) -> tuple[float, bool] | None:
        """Seconds until the last job ends, and whether this estimate covers all rules: False if
        no job of some remaining rule has ended yet, so that it is a lower limit. None if
        nothing is known.

        The remaining jobs of a rule are expected to take as long as those that have ended, and
        as many jobs to run at once as have on average.
        """
        mean = {rule: self.seconds[rule] / n for rule, n in self.ended.items()}
        waiting = self.wanted - self.ended - Counter(job.rule for job in self.running.values())
        ahead = sum(n * mean.get(rule, 0) for rule, n in waiting.items())
        spent = {n: now - job.started for n, job in self.running.items()}
        ahead += sum(
            max(mean.get(job.rule, 0) - spent[n], 0) for n, job in self.running.items()
        )
        known = {*waiting, *(job.rule for job in self.running.values())} <= mean.keys()
        if not known and ahead < 1:
            return None
        busy = self.seconds.total() + sum(spent.values())
        side_by_side = max(busy / max(now - self.first, 1e-9), 1)
        return ahead / side_by_side, known
