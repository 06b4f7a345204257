"""Draw one figure of information: a plane, curves over epochs, or planes side by side."""

from pathlib import Path

import pandas as pd
from drawing import draw
from job import job

from infoplane import checks
from infoplane.figures import sentences, variants
from infoplane.stores.information import read_information
from infoplane.stores.lists import read_list

with job(snakemake):
    figure, wanted = snakemake.params.figure, snakemake.params.seeds
    lists = map(Path, snakemake.input.checks)
    violations = {(found.parents[1].name, found.stem): read_list(found)[0] for found in lists}
    tables, entropy_x, entropy_y, settings, chosen = [], {}, {}, {}, []
    for store in map(Path, snakemake.input.information):
        run, estimator = store.parents[2].name, store.parents[0].name
        table, about = read_information(store)
        chosen += sentences.Chosen.of(about, table.epoch.nunique())
        table = table[table.seed.isin(wanted[run])]
        table = checks.flagged(table, violations[run, estimator])
        table.insert(0, "run", run)
        table.insert(1, "estimator", estimator)
        tables.append(table)
        entropy_x[run], entropy_y[run] = table.entropy_x.mean(), table.entropy_y.mean()
        settings[estimator] = about["estimator"]

    common, labels = variants.told_apart(settings)
    information = pd.concat(tables, ignore_index=True)
    information["variant"] = information.estimator.map(labels)
    given = information, entropy_x, entropy_y
    draw(figure, given, snakemake, common, chosen)
