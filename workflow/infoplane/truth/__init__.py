"""Problems whose information is known: one file a family, all with the same interface.

A family is a module with

    class Settings(infoplane.settings.Settings)
        `family: Literal["name"]` and which of its tasks are wanted
    def tasks(settings, prepared) -> list[Task]
        every task, with its truth in bits and a function that draws samples (task.py)

and, where truths or samples cost time,

    def prepare(settings) -> dict[str, numpy.ndarray]
        what `tasks` then takes from a file: trained weights, truths by Monte Carlo, images;
        without it `prepared` is empty

`run` has an estimator answer all of them, `regimes` derives where it is accurate, `page`
says which estimators, problems and sizes a calibration page has.
"""

from infoplane.table import Table

PROBLEMS = Table(
    "family of problems",
    {
        "gaussians": "infoplane.truth.gaussians",
        "mixtures": "infoplane.truth.mixtures",
        "beyond_normal": "infoplane.truth.beyond_normal",
        "high_information": "infoplane.truth.high_information",
        "channels": "infoplane.truth.channels",
        "quantised": "infoplane.truth.quantised",
        "tables": "infoplane.truth.tables",
        "image_pairs": "infoplane.truth.image_pairs",
    },
)
