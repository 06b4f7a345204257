"""The figures of one store of information, for notebooks: `infoplane.plane` and `curves`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from infoplane.estimators import ESTIMATORS
from infoplane.figures import interactive as plotted
from infoplane.figures.clustering_curves import ClusteringCurves
from infoplane.figures.information_curves import InformationCurves
from infoplane.figures.information_plane import InformationPlane
from infoplane.figures.material import of_stores
from infoplane.figures.sheets import Sheet
from infoplane.stores.archive import KIND, SUFFIX, name_of
from infoplane.stores.files import open_tree
from infoplane.stores.information import INFORMATION, table_of
from infoplane.stores.parts import whole_of

if TYPE_CHECKING:
    import plotly.graph_objects

Stored = str | Path | xr.DataTree


def plane(store: Stored, *, interactive: bool = False) -> Figure | plotly.graph_objects.Figure:
    """Draw the information plane of a store: I(T;Y) against I(X;T) in bits, one point per epoch
    and layer, means over the seeds.

    store : the path of a store of information
        (`results/<experiment>/runs/<run>/information/<estimator>/<seeds>.zarr.zip`), the folder
        with the stores of all blocks of seeds, or a tree from `infoplane.open`
    interactive : whether to return a plotly figure, with a slider of epochs, the values of
        single seeds, and values, intervals, caps and flags on hover
    Returns a matplotlib figure, which a notebook shows and `figure.savefig` writes, or a plotly
    figure, which a notebook shows and `figure.write_html` writes.
    Raises StoreError if the store is absent, damaged or of another kind, and ValueError if its
    estimator measures no information, or if no seed is left to draw.

    Examples
    --------
    >>> import infoplane
    >>> folder = "results/default/runs/tanh/information/binned"
    >>> figure = infoplane.plane(folder)
    >>> figure.axes[0].get_xlabel()
    '$I(X;\\\\mathrm{Bin}(T))$  [bits]'
    >>> figure.savefig("plane.pdf")
    >>> infoplane.plane(folder, interactive=True).write_html("plane.html")
    """
    table = _table(store)
    if _method(table).without_information:
        raise ValueError(
            f"{table.estimator.iloc[0]} measures no information, so it has no plane; "
            "infoplane.curves draws what it measures"
        )
    if interactive:
        return plotted.plane_figure(_sheet(table))
    return _shown(InformationPlane.draw(table))


def curves(store: Stored, *, interactive: bool = False) -> Figure | plotly.graph_objects.Figure:
    """Draw I(X;T) and I(T;Y) of every layer over epochs, in bits, with a band of ±1 standard
    deviation over the seeds.

    Takes the arguments of `infoplane.plane`. For an estimator that measures how activations
    cluster, it draws these measures, which have no interactive figure.
    Returns a matplotlib figure, or, with `interactive`, a plotly figure with the lines of
    single seeds. Raises StoreError and ValueError like `plane`.

    Examples
    --------
    >>> import infoplane
    >>> tree = infoplane.open("results/default/runs/tanh/information/binned/seeds-0-9.zarr.zip")
    >>> figure = infoplane.curves(tree)
    >>> len(figure.axes)
    2
    """
    table = _table(store)
    if _method(table).without_information:
        if interactive:
            raise ValueError(
                f"what {table.estimator.iloc[0]} measures has no interactive figure; leave "
                "interactive=True out"
            )
        return _shown(ClusteringCurves.draw(table))
    if interactive:
        return plotted.curves_figure(_sheet(table))
    return _shown(InformationCurves.draw(table))


def _method(table: pd.DataFrame) -> type:
    return ESTIMATORS[table.attrs["estimator"]]


def _sheet(table: pd.DataFrame) -> Sheet:
    sheet = Sheet.of(table)
    if sheet is None:
        raise ValueError("no seed is left to draw: all failed or were set aside")
    return sheet


def _table(store: Stored) -> pd.DataFrame:
    """The rows of a store, or of all blocks in a folder, with violations flagged."""
    if isinstance(store, xr.DataTree):
        trees, run = [store], "the network"
    else:
        files = _files(Path(store))
        trees, run = [open_tree(file, INFORMATION) for file in files], _run_of(files[0])
    for tree in trees:
        if tree.attrs.get(KIND) != INFORMATION:
            kind = tree.attrs.get(KIND, "something else")
            raise ValueError(f"the tree is of {kind}; it must be of a store of information")
    stores = [table_of(tree) for tree in trees]
    estimator = stores[0][1]["estimator"]["estimator"]
    seeds = pd.concat([table.seed for table, _ in stores]).unique()
    exempt = ESTIMATORS[estimator].exempt_from_dpi
    table = of_stores(stores, run, estimator, exempt, seeds).table
    table.attrs["estimator"] = estimator
    return table


def _files(path: Path) -> list[Path]:
    """A store, or the finished stores in a folder."""
    if not path.is_dir():
        return [path]
    found = sorted(path.glob(f"*{SUFFIX}"))
    files = [file for file in found if whole_of(file) == file]
    if not files:
        raise ValueError(f"{path} holds no store of information (*{SUFFIX})")
    return files


def _run_of(file: Path) -> str:
    """The run's name, from the path of its stores."""
    folder = file.resolve().parent.parent
    return folder.parent.name if folder.name == "information" else name_of(file)


def _shown(figure: Figure) -> Figure:
    """The figure, after teaching a notebook to show figures, which it cannot do without
    pyplot."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and shell.has_trait("kernel"):
        from IPython.core.pylabtools import select_figure_formats

        formatter = shell.display_formatter.formatters["image/png"]
        try:
            formatter.lookup_by_type(Figure)
        except KeyError:
            select_figure_formats(shell, {"png"})
    return figure
