"""Regenerate the activations of one block of seeds into a store that estimators share."""

from pathlib import Path

from job import job

from infoplane.activations import Activations, Measured, Settings
from infoplane.machine import use_threads
from infoplane.stores.datasets import read_data
from infoplane.stores.weights import WeightsStore

with job(snakemake):
    use_threads(snakemake.threads)
    settings = Settings.model_validate_json(snakemake.params.measure)
    measured = Measured(read_data(Path(snakemake.input.dataset)), settings)
    weights = WeightsStore(Path(snakemake.input.weights))
    activations = Activations(weights, measured, settings, snakemake.resources.activations_mb)
    activations.save(
        Path(snakemake.output.activations),
        {name: snakemake.params[name] for name in ("measure", "recipe")},
    )
