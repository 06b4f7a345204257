"""Estimate information of pooled epochs, seeds or random draws of one run."""

import json
from pathlib import Path

from job import job

from infoplane.estimators import from_written
from infoplane.measurement import pooling
from infoplane.measurement.activations import Activations
from infoplane.probes import probe_of
from infoplane.provenance import package_versions
from infoplane.stores.datasets import read_data
from infoplane.stores.joined import JoinedWeights
from infoplane.stores.pooled import write_pooled
from infoplane.threads import use_threads

with job(snakemake):
    use_threads(snakemake.threads)
    settings = pooling.Settings.model_validate_json(snakemake.params.pool)

    probe = probe_of(snakemake.params.measure, read_data(Path(snakemake.input.dataset)))
    weights = JoinedWeights([Path(store) for store in snakemake.input.weights])
    memory = snakemake.resources.activations_mb
    activations = Activations(weights, probe, memory_mb=memory)
    activations.seeds = [s for s in activations.seeds if s in snakemake.params.seeds]
    names = snakemake.wildcards
    estimator = from_written(json.loads(snakemake.params.settings))
    rows = pooling.measure(
        pooling.Pool(activations, settings, memory),
        estimator,
        pooling.Drifts(activations),
        f"{names.estimator} {names.run} {names.pool}",
    )
    attributes = {
        "estimator": json.loads(snakemake.params.settings),
        **estimator.statements(settings.in_words),
        "measure": json.loads(snakemake.params.measure),
        "read": activations.reader.in_words,
        "pool": json.loads(snakemake.params.pool),
        "recipe": snakemake.params.recipe,
        "training": weights.attributes["settings"],
        "versions": package_versions(),
    }
    write_pooled(rows, attributes, Path(snakemake.output.pooled))
