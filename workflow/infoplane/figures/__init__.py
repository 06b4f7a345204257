"""Figures: one file a figure, a table in, a matplotlib figure out; no estimation, no stores.

A figure is a module with

    def numbers(...) -> pandas.DataFrame
        the tidy table of every number that is plotted
    def draw(...) -> matplotlib.figure.Figure
        takes the same arguments and plots nothing but numbers(...)

`style.save` writes both, `sentences` describes them, `page` collects them.
"""

import os
import sys
from contextlib import suppress

from infoplane.table import Table


def _import_matplotlib() -> None:
    """Import matplotlib where MPLBACKEND, of a notebook's shell, names what is not installed.

    Its own import fails then. Figures here are drawn without a backend; whoever else draws in
    this process gets the one that is named, if it is there.
    """
    named = os.environ.pop("MPLBACKEND")
    try:
        import matplotlib
    finally:
        os.environ["MPLBACKEND"] = named
    with suppress(ValueError):
        matplotlib.rcParams["backend"] = named


if os.environ.get("MPLBACKEND") and "matplotlib" not in sys.modules:
    _import_matplotlib()

FIGURES = Table(
    "figure",
    {
        "information_plane": "infoplane.figures.information_plane",
        "comparison": "infoplane.figures.comparison",
        "sensitivity": "infoplane.figures.sensitivity",
        "binned_entropy": "infoplane.figures.binned_entropy",
        "clustering_curves": "infoplane.figures.clustering_curves",
        "window_length": "infoplane.figures.window_length",
        "pooled_planes": "infoplane.figures.pooled_planes",
        "information_curves": "infoplane.figures.information_curves",
        "training_curves": "infoplane.figures.training_curves",
        "gradient_noise": "infoplane.figures.gradient_noise",
    },
)
