"""List where a plane breaks the data processing inequality."""

import logging
from pathlib import Path

import pandas as pd
from job import job

from infoplane import checks
from infoplane.stores.information import read_information
from infoplane.stores.lists import write_list

with job(snakemake):
    names, exempt = snakemake.wildcards, snakemake.params.exempt
    tables = [read_information(Path(store)) for store in snakemake.input.information]
    information = pd.concat([table for table, _ in tables], ignore_index=True)
    information = information[information.seed.isin(snakemake.params.seeds[names.run])]
    information.insert(0, "run", names.run)
    information.insert(1, "estimator", names.estimator)
    about = tables[0][1]
    found = checks.violations_of(information, about, exempt)
    said = {
        "exempt": exempt,
        "compared": 0 if exempt else checks.n_compared(information),
        "violations": len(found),
        "proven": int(found.proven.sum()),
        "recipe": snakemake.params.recipe,
    }
    write_list(found, said, Path(snakemake.output.csv))
    logging.info("%d of %d comparisons violated", said["violations"], said["compared"])
