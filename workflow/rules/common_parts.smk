# In how many parts a measurement is made: as a run's `shards` says, unless it stands already.

from infoplane.estimators import estimator_of
from infoplane.measurement.measure import why_whole
from infoplane.schedules.parts import Part
from infoplane.stores import parts


def parts_of(wildcards):
    """The parts that a measurement is put together of; none where one job makes it.

    A measurement that stands stays as it was made, in however many parts.
    """
    run, name = run_of(wildcards.run), wildcards.estimator
    settings = experiment.estimators[name]
    wanted = run.shards
    if wanted > 1 and why_whole(run.measure.epochs, estimator_of(settings)):
        wanted = 1
    store = FILES.information(wildcards.run, name, wildcards.seeds)
    made = parts.number_of(Path(store))
    if made != wanted and INFORMATION.recipe(wildcards) == recipe_in(Path(store)):
        wanted = made
    if wanted == 1:
        return []
    names = [Part(number, wanted).name for number in range(1, wanted + 1)]
    return [FILES.part(wildcards.run, name, wildcards.seeds, part) for part in names]
