"""Jobs of a workflow: done, running, left, and the time that what is left will take."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A job that was started. started: in seconds, of the clock that its end is read from."""

    rule: str
    about: str
    logs: tuple[Path, ...]
    started: float


class Jobs:
    """Counts jobs as Snakemake tells of them; `now` is the time in seconds of any clock."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.wanted: Counter[str] = Counter()  # jobs by rule
        self.ended: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()  # that those took together
        self.running: dict[int, Job] = {}
        self.first: float | None = None

    def plan(self, stats: dict[str, int]) -> None:
        """So many jobs a rule; `total` is their sum."""
        self.wanted = Counter({rule: n for rule, n in stats.items() if rule != "total"})
        self.total = self.wanted.total()

    def start(self, number: int, job: Job) -> None:
        """A job was started, or started again."""
        self.first = job.started if self.first is None else self.first
        self.running[number] = job

    def finish(self, number: int, now: float) -> tuple[Job, float] | None:
        """A job has ended well: it and its seconds, None where it was never started."""
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
        """Seconds until the last job ends, and whether that is all that is known: False where
        a rule is left of which no job has ended yet, so that it takes at least so long. None
        where that says nothing.

        What is left of each rule takes as long a job as those that have ended, and as many
        jobs run side by side as have in the mean.
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
