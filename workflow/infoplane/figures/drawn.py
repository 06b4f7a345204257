"""The files of a figure and of a run's checks: picture, numbers, sentences."""

import json
from pathlib import Path

import pandas as pd

from infoplane.figures import FIGURES, style
from infoplane.figures.figure import Figure
from infoplane.figures.material import Material, Measured
from infoplane.figures.subject import Subject

ENDINGS = (".png", ".pdf", ".csv", ".json")
"""Endings of a figure's files; the last one holds its sentences and its recipe."""


def draw(subject: Subject, material: Material, folder: Path, recipe: str) -> None:
    """Write a figure's png, pdf, csv and json into a folder."""
    figure, given = FIGURES[subject.kind], material.given(subject)
    numbers = figure.numbers(given.table)
    png, pdf, csv, about = (folder / f"{subject.name}{ending}" for ending in ENDINGS)
    style.save(_knowing(figure, numbers).draw(given.table), numbers, png, pdf, csv)
    text = {
        "caption": figure.caption(numbers, *given[1:]),
        "alt": figure.alt(numbers),
        "recipe": recipe,
    }
    if subject.kind not in FIGURES.paths:  # the page needs the names of the others
        text["heading"] = ", ".join(filter(None, (figure.heading(), subject.by)))
    if (table := figure.table(numbers)) is not None:
        text["table"] = [list(table.columns), *table.to_numpy().tolist()]
    about.write_text(json.dumps(text, indent=1), encoding="utf-8")


def _knowing(figure: type[Figure], numbers: pd.DataFrame) -> type[Figure]:
    """The same kind of figure, whose `draw` gets these numbers when it asks for them again."""
    known = classmethod(lambda *_: numbers.copy())
    return type(figure.__name__, (figure,), {"numbers": known})


def list_violations(measured: Measured, exempt: str, csv: Path, recipe: str) -> None:
    """Write a run's violations by one estimator, and a json of what was compared."""
    measured.violations.to_csv(csv, index=False)
    about = {**counts(measured, exempt), "recipe": recipe}
    csv.with_suffix(".json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def counts(measured: Measured, exempt: str) -> dict:
    """The number of compared pairs of values, the number in the wrong order, and the layers
    that were compared with the data alone."""
    return {
        "exempt": exempt,
        "compared": measured.compared,
        "violations": len(measured.violations),
        "proven": int(measured.violations.proven.sum()),
        "without_edge": measured.without_edge,
    }
