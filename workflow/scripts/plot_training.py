"""Draw one figure of a run's training: loss and accuracy, or gradient signal-to-noise."""

import json
from pathlib import Path

import pandas as pd
from job import job

from infoplane.figures import FIGURES, sentences, style
from infoplane.stores.weights import WeightsStore

with job(snakemake):
    figure, run = snakemake.params.figure, snakemake.wildcards.run
    by_layer = figure == "gradient_noise"
    tables = [
        WeightsStore(Path(store)).metrics_table(by_layer=by_layer) for store in snakemake.input
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table[table.seed.isin(snakemake.params.seeds[run])]
    table.insert(0, "run", run)

    module = FIGURES[figure]
    numbers = module.numbers(table)
    out = snakemake.output
    style.save(module.draw(table), numbers, out.png, out.pdf, out.csv)
    said = {
        "caption": sentences.caption(figure, numbers),
        "alt": sentences.alt(figure, numbers),
    }
    Path(out.caption).write_text(json.dumps(said, indent=1))
