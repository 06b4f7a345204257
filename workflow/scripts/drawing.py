"""What every script of a figure ends with: picture, numbers, and the sentences under them."""

import json
from pathlib import Path

import job  # noqa: F401  first: it makes the library found

from infoplane.figures import FIGURES, sentences, style


def draw(figure: str, given: tuple, snakemake, settings: dict | None = None, chosen=()) -> None:
    """Write a figure's png, pdf, csv, and what is said of it.

    figure : a name out of FIGURES; given : what its numbers() and draw() take; snakemake : the
    job's, with the outputs; settings : the estimator's; chosen : epochs that a schedule chose,
    by store. Both are said in the caption
    """
    module, out = FIGURES[figure], snakemake.output
    numbers = module.numbers(*given)
    style.save(module.draw(*given), numbers, out.png, out.pdf, out.csv)
    said = {
        "caption": sentences.caption(figure, numbers, settings, chosen),
        "alt": sentences.alt(figure, numbers),
        "recipe": snakemake.params.recipe,
    }
    Path(out.caption).write_text(json.dumps(said, indent=1), encoding="utf-8")
