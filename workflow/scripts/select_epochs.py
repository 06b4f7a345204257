"""Choose the epochs at which the networks of a family are compared."""

import json
from pathlib import Path

from job import job
from pydantic import TypeAdapter

from infoplane.compare.strata import Stratum, courses_of, select

with job(snakemake):
    params = snakemake.params
    strata = TypeAdapter(dict[str, Stratum]).validate_json(params.strata)
    courses = [
        course
        for member in json.loads(params.members)
        for course in courses_of(member["run"], map(Path, member["weights"]), member["seeds"])
    ]
    found = select(courses, strata)
    text = json.dumps({"recipe": params.recipe, **found.written()}, indent=1)
    Path(snakemake.output.selection).write_text(text, encoding="utf-8")
