"""Put the networks of all families side by side."""

import json
from pathlib import Path

from job import job

from infoplane.compare.networks import family_of
from infoplane.compare.report import collapsed_table, networks_table
from infoplane.config.models import Compared
from infoplane.stores.recipes import write_recipe

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    settings = Compared.model_validate_json(params.settings)
    families = [
        family_of(
            name,
            told["members"],
            Path(told["selection"]),
            [Path(store) for store in told["signals"]],
            settings.collapse,
        )
        for name, told in json.loads(params.families).items()
    ]
    networks_table(families).to_csv(output.networks, index=False)
    collapsed_table(families).to_csv(output.collapsed, index=False)
    write_recipe(Path(output.recipe), params.recipe)
