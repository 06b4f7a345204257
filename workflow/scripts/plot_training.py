"""Draw one figure of a run's training: loss and accuracy, or gradient signal-to-noise."""

from pathlib import Path

import pandas as pd
from drawing import draw
from job import job

from infoplane.stores.weights import WeightsStore

with job(snakemake):
    figure, run = snakemake.params.figure, snakemake.wildcards.run
    by_layer = figure == "gradient_noise"
    tables = [
        WeightsStore(Path(store)).metrics_table(by_layer=by_layer)
        for store in snakemake.input.weights
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table[table.seed.isin(snakemake.params.seeds[run])]
    table.insert(0, "run", run)

    draw(figure, (table,), snakemake)
