# In how many parts a measurement is made: as a run's `shards` says, unless it stands already.

from infoplane.estimators.measure import why_whole
from infoplane.schedules.parts import Part
from infoplane.stores import parts


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
    if made != wanted and INFORMATION.recipe(wildcards) == recipe_in(store):
        wanted = made
    if wanted == 1:
        return []
    names = [Part(number, wanted).name for number in range(1, wanted + 1)]
    return [str(parts.path_of(store, name)) for name in names]
