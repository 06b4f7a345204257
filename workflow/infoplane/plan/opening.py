"""From the configuration that Snakemake has read to a plan, or to all mistakes in it."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infoplane.config import ConfigError, load, read_file
from infoplane.plan import claims, own
from infoplane.plan.plan import Plan


def opened(config: Mapping[str, Any], files: Sequence[str], thoroughly: bool) -> Plan:
    """The plan of an experiment. Raises ConfigError with every mistake.

    config : as Snakemake has read it; files : its files; messages name the last
    thoroughly : also check what a job's process need not check again: parts of files that
        Snakemake silently drops, and modules and checkpoints that do not fit
    """
    file = str(files[-1])
    for path in map(Path, files if thoroughly else ()):
        if path.is_file():
            read_file(path)
    experiment = load(config, file=file)
    plan = Plan(experiment, f"results/{experiment.name}")
    wrong = own.problems(experiment, plan.known) if thoroughly else []
    wrong += claims.problems(experiment, plan.known) if thoroughly else []
    if wrong:
        raise ConfigError("\n".join(f"{file}: {line}" for line in wrong))
    return plan


def put_newer(results: Path, anew: bool) -> Path:
    """A file that is newer than all results; results with another recipe depend on it.

    It must be written before Snakemake looks at the disk, with new content each time, because
    Snakemake treats a file with equal content as unchanged. If the results are read-only, there
    is no such file, and nothing is made again.
    """
    file = results / ".made_otherwise"
    try:
        if anew and results.is_dir():
            file.write_text(f"{time.time_ns()}\n", encoding="utf-8")
    except OSError:
        pass
    return file
