"""Prepare one data set as a store, unless the cache has it."""

import json
import logging
from pathlib import Path

from job import job

from infoplane.datasets import SOURCES, default_places
from infoplane.datasets.prepare import prepare
from infoplane.provenance import digest_of_text, package_versions
from infoplane.stores.cache import Cache
from infoplane.stores.datasets import write_data
from infoplane.threads import use_threads

with job(snakemake):
    use_threads(snakemake.threads)
    params, path = snakemake.params, Path(snakemake.output[0])
    written = json.loads(params.settings)
    source = SOURCES[written["source"]]
    key = digest_of_text(json.dumps([params.recipe, package_versions()]))
    with Cache.of_environment().sharing("datasets", key, path) as taken:
        if not taken:
            data = prepare(source.Settings.model_validate(written), default_places())
            write_data(data, path, params.recipe, params.contents)
            logging.info("%d inputs", len(data.x))
            for name, entropy in data.attributes["entropy_y"].items():
                logging.info("label %s: H(Y) = %.4f bit", name, entropy)
