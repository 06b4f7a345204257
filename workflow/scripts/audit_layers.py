"""Measure a run's layers in other coordinates with one estimator."""

import json
from pathlib import Path

import pandas as pd
from job import job

from infoplane.estimators import from_written
from infoplane.invariance import table
from infoplane.invariance.run import audited
from infoplane.invariance.settings import AuditSettings
from infoplane.measurement.activations import Activations
from infoplane.probes import probe_of
from infoplane.stores.datasets import read_data
from infoplane.stores.weights import WeightsStore
from infoplane.threads import use_threads

with job(snakemake):
    use_threads(snakemake.threads)
    params, names = snakemake.params, snakemake.wildcards
    probe = probe_of(params.measure, read_data(Path(snakemake.input.dataset)))
    estimator = from_written(json.loads(params.settings))
    settings = AuditSettings.model_validate_json(params.audit)
    parts = []
    for store in snakemake.input.weights:
        weights = WeightsStore(Path(store))
        mb = snakemake.resources.activations_mb
        activations = Activations(weights, probe, memory_mb=mb)
        parts.append(audited(activations, estimator, settings, params.seeds))
    values = pd.concat(parts, ignore_index=True)
    values.insert(0, "run", names.run)
    values.insert(1, "estimator", names.estimator)
    table.write(values, Path(snakemake.output.values), params.recipe)
