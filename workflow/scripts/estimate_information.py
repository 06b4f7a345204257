"""Estimate I(X;T) and I(T;Y) for one block of seeds of a run, or a part of it, with one
estimator.

Records of finished parts are not measured again; if all parts are finished, this script only
collects them.
"""

import json
import logging
from pathlib import Path

from job import job

from infoplane.estimators import from_written
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure_scheduled
from infoplane.probes import probe_of
from infoplane.provenance import digest_of_text, package_versions
from infoplane.schedules.parts import WHOLE
from infoplane.stores import parts
from infoplane.stores.activations import ActivationsStore
from infoplane.stores.archive import name_of
from infoplane.stores.datasets import read_data
from infoplane.stores.information import write_information
from infoplane.stores.weights import WeightsStore
from infoplane.threads import use_threads

with job(snakemake):
    use_threads(snakemake.threads)
    params, names = snakemake.params, snakemake.wildcards
    estimator = from_written(json.loads(params.settings))
    probe = probe_of(params.measure, read_data(Path(snakemake.input.dataset)))
    weights = WeightsStore(Path(snakemake.input.weights))
    shared = next(map(Path, snakemake.input.get("activations", [])), None)
    activations = Activations(
        weights,
        probe,
        memory_mb=snakemake.resources.activations_mb,
        shared=ActivationsStore(shared) if shared else None,
    )
    attributes = {
        "estimator": json.loads(params.settings),
        **estimator.statements(activations.random_network),
        "measure": json.loads(params.measure),
        "after": {layer.name: list(layer.after) for layer in activations.reader.layers},
        "read": activations.reader.in_words,
        "n_kept": len(weights.epochs),
        "n_inputs": activations.n_inputs,
        "remarks": {str(seed): said for seed, said in weights.remarks.items()},
        "recipe": params.recipe,
        "training": weights.attributes["settings"],
        "versions": package_versions(),
    }
    # A part belongs to this result if its identity is the same.
    identity = json.dumps([attributes, weights.attributes["identity"]])
    attributes["identity"] = digest_of_text(identity)

    path = Path(snakemake.output.information)
    part, known = parts.part_of(path), parts.known_records(path, attributes["identity"])
    logging.info("%d records are known from finished parts", len(known))
    found = measure_scheduled(
        activations,
        probe.settings.epochs,
        estimator,
        f"{names.estimator} {names.run} {name_of(path)}",
        part,
        known,
    )
    write_information(
        found.records,
        [int(seed) for seed in weights.seeds],
        found.epochs,
        activations.layers,
        attributes | {"rounds": found.rounds},
        path,
        set_aside=[seed for seed, why in weights.lost.items() if why.set_aside],
        entropies=activations.entropies(found.epochs),
        information_xy=activations.information_xy(found.epochs),
    )
    if part == WHOLE:
        parts.gathered(path, snakemake.input.get("parts", []))
