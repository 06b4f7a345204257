"""Collect the audits of all runs and estimators: tables, a figure, and a summary in words."""

import json
from pathlib import Path

from job import job

from infoplane.figures import audit
from infoplane.invariance import table
from infoplane.invariance.moves import distances, moves_of, sentences
from infoplane.stores.recipes import write_recipe

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    values, exempt = table.read(map(Path, snakemake.input.values)), json.loads(params.exempt)
    moves = moves_of(values)
    values.to_csv(output.values, index=False)
    moves.to_csv(output.moves, index=False)
    audit.save(distances(values), moves, exempt, Path(params.figures), params.recipe)
    write_recipe(Path(output.recipe), params.recipe)
    for (run, by), own in moves.groupby(["run", "estimator"], sort=False):
        for sentence in sentences(by, exempt[by], own):
            print(f"{run}: {sentence}")
