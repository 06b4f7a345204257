"""Have one estimator answer one family of problems."""

import json
from pathlib import Path

from job import job

from infoplane.estimators import from_written
from infoplane.stores.recipes import write_recipe
from infoplane.threads import use_threads
from infoplane.truth import PROBLEMS, files
from infoplane.truth.run import Limits, run, tasks_of

with job(snakemake):
    use_threads(snakemake.threads)
    names, params = snakemake.wildcards, snakemake.params
    written = {key: json.loads(params[key]) for key in ("settings", "problem_settings")}
    family = PROBLEMS[written["problem_settings"]["family"]]
    prepared = files.load(Path(snakemake.input.prepared))
    problem = family(family.Settings.model_validate(written["problem_settings"]))
    table = run(
        names.answerer,
        from_written(written["settings"]),
        names.problem,
        tasks_of(problem, prepared),
        params.n,
        params.seeds,
        Limits.model_validate_json(params.limits),
        title=f"{names.answerer} {names.problem}",
    )
    files.write(table, Path(snakemake.output[0]))
    write_recipe(Path(snakemake.output.recipe), snakemake.params.recipe)
