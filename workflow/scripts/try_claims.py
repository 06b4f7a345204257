"""Try claims on networks, estimators and data sets; write how often each holds, and draw."""

import json
import logging
from pathlib import Path

from job import job

from infoplane.claims import networks, orders, verdicts
from infoplane.claims.settings import OrderClaim, PhaseClaim
from infoplane.compare.networks import families_of
from infoplane.compare.settings import Settings
from infoplane.figures import claims as figures
from infoplane.figures.material import Material
from infoplane.stores.recipes import RECIPE

KINDS = {"phase": PhaseClaim, "order": OrderClaim}

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    told = {name: json.loads(text) for name, text in params.told.items()}
    claims = {n: KINDS[one["claim"]].model_validate(one) for n, one in told["claims"].items()}
    material, data = Material(**told["material"]), told["data"]
    settings = Settings.model_validate(told["compare"])
    families = families_of(told["families"], settings.collapse)
    rows = []
    for run, by, names in told["pairs"]:
        # Not kept, because all tables of a large experiment would not fit into memory.
        table = material.measure(run, by).table
        for name in names:
            logging.info("try %s on %s by %s", name, run, by)
            own = table
            if claims[name].statistic == "gradient_snr":
                own = material.with_gradients(table, run)
            place = {"claim": name, "data": data[run], "run": run, "estimator": by}
            rows += [{**place, **row} for row in networks.tried(claims[name], own)]
    for name, claim in claims.items():
        if isinstance(claim, OrderClaim):
            for row in orders.tried(claim, families, settings):
                place = {"claim": name, "data": data[row["run"]]}
                rows.append({**place, **row})
    table = verdicts.table_of(rows, claims)
    said = verdicts.verdicts_of(table, claims)
    table.to_csv(output.table, index=False)
    figures.save(table, said, Path(params.figures), params.recipe)
    Path(output.verdicts).write_text(
        json.dumps({RECIPE: params.recipe, "claims": said}, indent=1, ensure_ascii=False),
        encoding="utf-8",
    )
    for one in said:
        print(f"{one['claim']}: {one['sentence']} It {one['verdict']}.")
