"""Draw I(X;T) by one estimator against the binned entropy of the same layers and epochs."""

import json
from pathlib import Path

import pandas as pd
from job import job

from infoplane.figures import FIGURES, sentences, style
from infoplane.stores.information import read_information

WHERE = ["seed", "epoch", "layer"]

with job(snakemake):
    names = snakemake.wildcards
    read = [read_information(Path(s)) for s in snakemake.input.information]
    about = read[0][1]
    information = pd.concat([table for table, _ in read], ignore_index=True)
    clusters = pd.concat([read_information(Path(s))[0] for s in snakemake.input.clustering])
    information = information.drop(columns="entropy_binned", errors="ignore").merge(
        clusters[[*WHERE, "entropy_binned"]], on=WHERE
    )
    information = information[information.seed.isin(snakemake.params.seeds[names.run])]
    information = information.assign(run=names.run, estimator=names.estimator)
    module = FIGURES["binned_entropy"]
    given = information, float(about["entropy_x"]), float(about["entropy_y"])
    numbers = module.numbers(*given)
    out = snakemake.output
    style.save(module.draw(*given), numbers, out.png, out.pdf, out.csv)
    settings = json.loads(about["estimator"])
    said = {
        "caption": sentences.caption("binned_entropy", numbers, settings),
        "alt": sentences.alt("binned_entropy", numbers),
    }
    Path(out.caption).write_text(json.dumps(said, indent=1))
