"""Prepare one data set as a store."""

import json
import logging
from pathlib import Path

from job import job

from infoplane.datasets import SOURCES, default_places
from infoplane.datasets.prepare import prepare
from infoplane.machine import use_threads
from infoplane.stores.datasets import write_data

with job(snakemake):
    use_threads(snakemake.threads)
    written = json.loads(snakemake.params.settings)
    settings = SOURCES[written["source"]].Settings.model_validate(written)
    data = prepare(settings, default_places())
    write_data(data, Path(snakemake.output[0]))
    logging.info("%d inputs, H(Y) = %.4f bit", len(data.x), data.attributes["entropy_y"])
