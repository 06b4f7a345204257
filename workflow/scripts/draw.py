"""Draw figures, and list where a run's planes violate the data processing inequality."""

import json
import logging
from pathlib import Path

from job import job

from infoplane.figures import drawn
from infoplane.figures.material import Material
from infoplane.figures.subject import Subject

with job(snakemake):
    params = snakemake.params
    told = {name: json.loads(text) for name, text in params.drawn.items()}
    material = Material(**told["material"])
    figures, checks = Path(params.figures), Path(params.checks or ".")
    figures.mkdir(parents=True, exist_ok=True)
    for recipe, written in told["subjects"]:
        subject = Subject(**written)
        logging.info("draw %s", subject.name)
        drawn.draw(subject, material, figures, recipe)
    for run, estimator, recipe in told["listed"]:
        checks.mkdir(parents=True, exist_ok=True)
        measured, csv = material.measured(run, estimator), checks / f"{estimator}.csv"
        drawn.list_violations(measured, material.exempt[estimator], csv, recipe)
    if record := snakemake.output.get("record"):
        Path(record).touch()
