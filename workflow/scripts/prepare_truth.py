"""Prepare a family of problems: the arrays that its tasks need, and the table of truths."""

import json
import logging
from pathlib import Path

from job import job

from infoplane.stores.recipes import write_recipe
from infoplane.threads import use_threads
from infoplane.truth import PROBLEMS, files
from infoplane.truth.run import listed, tasks_of

with job(snakemake):
    use_threads(snakemake.threads)
    written = json.loads(snakemake.params.settings)
    method = PROBLEMS[written["family"]]
    family = method(method.Settings.model_validate(written))
    prepared = files.prepare(family)
    files.save(prepared, Path(snakemake.output.prepared))
    tasks = tasks_of(family, prepared)
    files.write(listed(tasks, snakemake.wildcards.problem), Path(snakemake.output.tasks))
    logging.info("%d tasks", len(tasks))
    write_recipe(Path(snakemake.output.recipe), snakemake.params.recipe)
