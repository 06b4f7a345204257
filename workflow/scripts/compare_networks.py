"""Collect the networks of all families in one table, score their signals, and draw."""

import json
from pathlib import Path

from job import job

from infoplane.compare.networks import families_of
from infoplane.compare.report import collapsed_table, left_out_table, networks_table
from infoplane.compare.scores import scores_table
from infoplane.compare.settings import Settings
from infoplane.figures import FAMILY_FIGURES
from infoplane.figures.families import save
from infoplane.stores.recipes import write_recipe

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    settings = Settings.model_validate_json(params.settings)
    families = families_of(json.loads(params.families), settings.collapse)
    tables = {
        "networks": networks_table(families),
        "collapsed": collapsed_table(families),
        "left_out": left_out_table(families),
        "scores": scores_table(families, settings),
    }
    for name, table in tables.items():
        table.to_csv(output[name], index=False)
    about = dict(families[0].about) | {"axes": {f.name: f.axes for f in families}}
    shown = [FAMILY_FIGURES[name] for name in json.loads(params.shown)]
    figures = Path(params.figures)
    save(shown, (tables["networks"], tables["scores"], about), figures, params.recipe)
    write_recipe(Path(output.recipe), params.recipe)
