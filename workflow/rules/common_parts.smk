# In how many parts a measurement is made: as a run's `shards` says, unless it stands already.

import json
from types import SimpleNamespace

from infoplane.estimators.measure import why_whole
from infoplane.schedules.parts import Part
from infoplane.stores import parts


@cache
def recipe_of_names(run, estimator):
    """Digest of all that decides what is measured, as far as the experiment says it."""
    names = SimpleNamespace(run=run, estimator=estimator)
    made_by = [
        canonical_of_estimator(estimator),
        canonical_of_run(run, "measure"),
        *BLOCKS.what_is_trained[run],
        source_of_training(names),
        source_of_activations(names),
        source_of_estimator(names),
        regime_of_estimator(names),
    ]
    return digest_of_text("\n".join(made_by))


def recipe_of(wildcards):
    return recipe_of_names(wildcards.run, wildcards.estimator)


def parts_of(wildcards):
    """The parts that a measurement is put together of; none where one job makes it.

    A measurement that stands stays as it was made, in however many parts.
    """
    run, name = run_of(wildcards.run), wildcards.estimator
    settings = experiment.estimators[name]
    wanted = run.shards
    if wanted > 1 and why_whole(run.measure.epochs, ESTIMATORS[settings.estimator], settings):
        wanted = 1
    home = Path(f"{HOME}/runs/{wildcards.run}/information/{name}")
    store = home / f"{wildcards.seeds}.zarr"
    made = parts.number_of(store)
    if made != wanted and recipe_of(wildcards) == recipe_in(store):
        wanted = made
    if wanted == 1:
        return []
    names = [Part(number, wanted).name for number in range(1, wanted + 1)]
    return [str(parts.path_of(store, name)) for name in names]


def recipe_in(store):
    """The recipe by which a store of information was made; None where none stands."""
    try:
        return json.loads((store / "zarr.json").read_text(encoding="utf-8"))["attributes"].get(
            "recipe"
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # or a damaged one
        return None
