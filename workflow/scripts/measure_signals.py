"""Measure all signals of some runs of a family, each run at its chosen epochs."""

import json
from pathlib import Path

from job import job

from infoplane.provenance import package_versions
from infoplane.signals import from_written
from infoplane.signals.known import MADE_FROM, known, made_from
from infoplane.signals.measure import Chosen, Member, declared, measure
from infoplane.signals.settings import Settings
from infoplane.stores.signals import write_signals
from infoplane.threads import use_threads

with job(snakemake):
    use_threads(snakemake.threads)
    params = snakemake.params
    members = json.loads(params.members)
    signals = {name: from_written(s) for name, s in json.loads(params.signals).items()}
    selection = json.loads(Path(snakemake.input.selection).read_text(encoding="utf-8"))
    settings = Settings.model_validate_json(params.measure)
    runs = [Member.of(member) for member in members]
    path, source = Path(snakemake.output.signals), made_from(signals, runs, settings)
    found = measure(
        runs,
        [Chosen(*one) for one in selection["chosen"]],
        signals,
        settings,
        title=f"measure signals of {' '.join(snakemake.wildcards)}",
        known=known(path, source),
    )
    write_signals(
        [{**one._asdict(), **row._asdict()} for one, row in found.values],
        [{**one._asdict(), **targets} for one, targets in found.targets],
        {
            "signals": {name: declared(signal) for name, signal in signals.items()},
            "members": members,
            "measure": json.loads(params.measure),
            "recipe": params.recipe,
            "versions": package_versions(),
            MADE_FROM: source,
        },
        path,
    )
