"""Regenerate the activations of one block of seeds, in a store that estimators share."""

from pathlib import Path

from job import job

from infoplane.measurement.activations import Activations
from infoplane.probes import probe_of
from infoplane.stores.datasets import read_data
from infoplane.stores.weights import WeightsStore
from infoplane.threads import use_threads

with job(snakemake):
    use_threads(snakemake.threads)
    probe = probe_of(snakemake.params.measure, read_data(Path(snakemake.input.dataset)))
    weights = WeightsStore(Path(snakemake.input.weights))
    activations = Activations(weights, probe, snakemake.resources.activations_mb)
    activations.save(
        Path(snakemake.output.activations),
        {name: snakemake.params[name] for name in ("measure", "recipe")},
    )
