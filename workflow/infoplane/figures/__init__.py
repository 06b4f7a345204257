"""Figures: one file per kind, a class derived from `figure.Figure` and a line in FIGURES.

A kind turns a table into a matplotlib figure and estimates nothing. `material` reads the tables
from the stores, `drawn` writes the figures, `page` collects them.
"""

import os
import sys
from contextlib import suppress

from infoplane.table import Table


def _import_matplotlib() -> None:
    """Import matplotlib even if MPLBACKEND, set by a notebook's shell, names a missing backend.

    matplotlib's own import fails then. Figures here need no backend; other code in this process
    gets the named one, if it exists.
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
        "information_plane": "infoplane.figures.information_plane:InformationPlane",
        "comparison": "infoplane.figures.comparison:Comparison",
        "factor_planes": "infoplane.figures.factor_planes:FactorPlanes",
        "phases": "infoplane.figures.phases:Phases",
        "sensitivity": "infoplane.figures.sensitivity:Sensitivity",
        "binned_entropy": "infoplane.figures.binned_entropy:BinnedEntropy",
        "clustering_curves": "infoplane.figures.clustering_curves:ClusteringCurves",
        "convergence_curves": "infoplane.figures.convergence_curves:ConvergenceCurves",
        "convergence_steps": "infoplane.figures.convergence_steps:ConvergenceSteps",
        "window_length": "infoplane.figures.window_length:WindowLength",
        "pooled_planes": "infoplane.figures.pooled_planes:PooledPlanes",
        "information_curves": "infoplane.figures.information_curves:InformationCurves",
        "training_curves": "infoplane.figures.training_curves:TrainingCurves",
        "gradient_noise": "infoplane.figures.gradient_noise:GradientNoise",
    },
    open=True,
    base="infoplane.figures.figure:Figure",
)
FAMILY_FIGURES = Table(
    "figure of families",
    {
        "pairs_in_order": "infoplane.figures.pairs_in_order:PairsInOrder",
        "pairs_in_order-gap": "infoplane.figures.pairs_in_order:PairsInOrderOfGap",
        "strata": "infoplane.figures.strata:Strata",
        "permutations": "infoplane.figures.permutations:Permutations",
    },
    base="infoplane.figures.families:FamilyFigure",
)
