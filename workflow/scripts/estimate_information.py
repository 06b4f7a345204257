"""Estimate I(X;T) and I(T;Y) of one block of seeds of a run by one estimator."""

import json
from pathlib import Path

from job import job

from infoplane.activations import Activations, Measured, Settings
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.measure import measure_scheduled
from infoplane.machine import use_threads
from infoplane.provenance import package_versions
from infoplane.stores.activations import ActivationsStore
from infoplane.stores.datasets import read_data
from infoplane.stores.information import write_information
from infoplane.stores.weights import WeightsStore

with job(snakemake):
    use_threads(snakemake.threads)
    written = json.loads(snakemake.params.settings)
    module = ESTIMATORS[written["estimator"]]
    settings = module.Settings.model_validate(written)
    what = Settings.model_validate_json(snakemake.params.measure)

    data = read_data(Path(snakemake.input.dataset))
    measured = Measured(data, what)
    weights = WeightsStore(Path(snakemake.input.weights))
    shared = snakemake.input.get("activations")
    activations = Activations(
        weights,
        measured,
        what,
        memory_mb=snakemake.resources.activations_mb,
        shared=ActivationsStore(Path(shared)) if shared else None,
    )
    names = snakemake.wildcards
    title = f"{names.estimator} {names.run} {names.seeds}"
    found = measure_scheduled(activations, what.epochs, module, settings, title)
    attributes = {
        "estimator": snakemake.params.settings,
        "measure": snakemake.params.measure,
        "entropy_x": str(measured.entropy_x),
        "entropy_y": str(measured.entropy_y),
        "information_xy": str(data.attributes["information_xy"]),
        "n_kept": str(len(weights.epochs)),
        "rounds": str(found.rounds),
        "n_inputs": str(len(measured.x)),
        "source": snakemake.params.estimator_source,
        "training": weights.attributes["settings"],
        "versions": json.dumps(package_versions()),
    }
    write_information(
        found.records,
        [int(seed) for seed in weights.seeds],
        found.epochs,
        activations.layers,
        attributes,
        Path(snakemake.output.information),
        set_aside=weights.set_aside,
    )
