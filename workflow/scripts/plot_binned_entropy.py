"""Draw I(X;T) by one estimator against the binned entropy of the same layers and epochs."""

from pathlib import Path

import pandas as pd
from drawing import draw
from job import job

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
    given = information, information.entropy_x.mean(), information.entropy_y.mean()
    settings = about["estimator"]
    draw("binned_entropy", given, snakemake, settings)
