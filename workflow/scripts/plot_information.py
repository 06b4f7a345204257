"""Draw one figure of information: a plane, curves over epochs, or planes side by side."""

import json
from pathlib import Path

import pandas as pd
from job import job

from infoplane.figures import FIGURES, sentences, style
from infoplane.stores.information import read_information

with job(snakemake):
    figure, wanted = snakemake.params.figure, snakemake.params.seeds
    estimator = snakemake.wildcards.estimator
    tables, entropy_x, entropy_y = [], {}, {}
    for store in map(Path, snakemake.input):
        run = store.parents[2].name
        table, about = read_information(store)
        table.insert(0, "run", run)
        table.insert(1, "estimator", estimator)
        tables.append(table[table.seed.isin(wanted[run])])
        entropy_x[run], entropy_y[run] = float(about["entropy_x"]), float(about["entropy_y"])

    module, settings = FIGURES[figure], json.loads(about["estimator"])
    given = pd.concat(tables, ignore_index=True), entropy_x, entropy_y
    numbers = module.numbers(*given)
    out = snakemake.output
    style.save(module.draw(*given), numbers, out.png, out.pdf, out.csv)
    said = {
        "caption": sentences.caption(figure, numbers, settings),
        "alt": sentences.alt(figure, numbers),
    }
    Path(out.caption).write_text(json.dumps(said, indent=1))
