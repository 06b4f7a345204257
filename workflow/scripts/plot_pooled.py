"""Draw a figure of pooled information: by number of draws, or beside single epochs."""

from pathlib import Path

import pandas as pd
from drawing import draw
from job import job

from infoplane.figures import pooled_planes
from infoplane.stores.information import read_information
from infoplane.stores.pooled import read_pooled

with job(snakemake):
    figure, wanted = snakemake.params.figure, snakemake.params.seeds
    names, tables, entropy_x, entropy_y = snakemake.wildcards, [], {}, {}
    for store in map(Path, snakemake.input.get("information", [])):
        table, _ = read_information(store)
        run = store.parents[2].name
        table = table[table.seed.isin(wanted[run])]
        tables.append(table.assign(run=run, plane="single epochs"))
    for store in map(Path, snakemake.input.pooled):
        table, about = read_pooled(store)
        run = store.parents[2].name
        entropy_x[run], entropy_y[run] = table.entropy_x.mean(), table.entropy_y.mean()
        pool, estimator = about["pool"], about["estimator"]
        if figure == "pooled_planes":
            title = pooled_planes.title(table, pool["over"])
            table = pooled_planes.of_windows(table).assign(plane=title)
        tables.append(table.assign(run=run, pool=names.pool))

    information = pd.concat(tables, ignore_index=True).assign(estimator=names.estimator)
    order = {run: i for i, run in enumerate(wanted)}
    information = information.sort_values("run", key=lambda c: c.map(order), kind="stable")
    given = information, entropy_x, entropy_y
    draw(figure, given, snakemake, estimator)
