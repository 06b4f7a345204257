"""Figures: one file a figure, a table in, a matplotlib figure out; no estimation, no stores.

A figure is a module with

    def numbers(...) -> pandas.DataFrame
        the tidy table of every number that is plotted
    def draw(...) -> matplotlib.figure.Figure
        takes the same arguments and plots nothing but numbers(...)

`style.save` writes both, `sentences` describes them, `page` collects them.
"""

from infoplane.table import Table

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
