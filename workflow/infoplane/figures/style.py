"""The common style of all figures: print sizes, safe colours, epoch scales, saving."""

import functools
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, FuncNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import TICKDOWN, Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

INK = "#222222"
QUIET = "#767676"
WARN = "#C00000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
"""The colours of Okabe and Ito, distinct with any colour vision, without yellow, which is too
light for print."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "h", ">", "*")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1)))
"""Line styles that distinguish layers once all colours are used."""

RC = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.1,
    "pdf.fonttype": 42,  # text stays text in the file, as journals ask for
    "savefig.dpi": 200,
}
SETTING = {"GDEF", "GPOS", "GSUB", "JSTF", "MATH", "OS/2", "cmap", "kern", "post"}
"""Tables of a font by which letters are chosen, placed and named."""


def styled(draw):
    """Runs a drawing function under RC and leaves matplotlib's own settings as they were."""

    @functools.wraps(draw)
    def wrapped(*args, **kwargs):
        with matplotlib.rc_context():
            matplotlib.rcdefaults()  # a user's matplotlibrc must not change a figure
            matplotlib.rcParams.update(RC)
            return draw(*args, **kwargs)

    return wrapped


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, width × height in inches, without pyplot's global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


class Band(NamedTuple):
    """Mean, standard deviation (n − 1 in the denominator) and number of values."""

    mean: np.ndarray
    sd: np.ndarray
    n: np.ndarray


def band(values) -> Band:
    """Mean and spread over the last axis; NaN is left out.

    values : (..., n_seeds), any unit
    Returns arrays (...,): mean is NaN where n = 0, sd is NaN where n < 2.
    """
    values = np.asarray(values, dtype=np.float64)
    there = np.isfinite(values)
    n = there.sum(axis=-1)
    nan = np.full(n.shape, np.nan)
    mean = np.divide(np.where(there, values, 0).sum(axis=-1), n, out=nan.copy(), where=n > 0)
    squares = np.where(there, values - mean[..., None], 0) ** 2
    variance = np.divide(squares.sum(axis=-1), n - 1, out=nan.copy(), where=n > 1)
    return Band(mean, np.sqrt(variance), n)


def epoch_colours() -> Colormap:
    """Viridis without its lightest part, which cannot be seen on white paper."""
    whole = matplotlib.colormaps["viridis"]
    return ListedColormap(whole(np.linspace(0.0, 0.93, 256)), name="epochs")


def epoch_norm(epochs) -> FuncNorm:
    """log(1 + epoch) to [0, 1]: logarithmic, with a place for epoch 0."""
    first, last = float(np.min(epochs)), float(np.max(epochs))
    return FuncNorm((np.log1p, np.expm1), vmin=first, vmax=max(last, first + 1))


def epoch_ticks(epochs, room: float = 0.08) -> list[int]:
    """First and last epoch, and the powers of ten between that do not touch them.

    room : share of the axis that a number takes
    """
    first, last = int(np.min(epochs)), int(np.max(epochs))
    if first == last:
        return [first]
    room = room * (np.log1p(last) - np.log1p(first))
    powers = [10**k for k in range(int(np.log10(last)) + 1)]
    clear = [
        p
        for p in powers
        if np.log1p(p) - np.log1p(first) > room and np.log1p(last) - np.log1p(p) > room
    ]
    return [first, *clear, last]


def epoch_text(epoch, _position=None) -> str:
    """12000 → "12k", so that neighbouring ticks do not touch."""
    epoch = round(float(epoch))
    return f"{epoch // 1000}k" if epoch >= 10_000 and epoch % 1000 == 0 else str(epoch)


def epoch_axis(axes: Axes, epochs, room: float = 0.08) -> None:
    """A log(1 + epoch) x axis on which epoch 0 has a place; `room` as in epoch_ticks."""
    axes.set_xscale("function", functions=(_log1p, np.expm1))
    first, last = float(np.min(epochs)), float(np.max(epochs))
    margin = max(0.02 * (np.log1p(last) - np.log1p(first)), 0.02)
    axes.set_xlim(np.expm1(np.log1p(first) - margin), np.expm1(np.log1p(last) + margin))
    axes.xaxis.set_major_locator(FixedLocator(epoch_ticks(epochs, room)))
    axes.xaxis.set_major_formatter(FuncFormatter(epoch_text))
    minor = [m * 10**k for k in range(int(np.log10(max(last, 1))) + 1) for m in range(2, 10)]
    minor_ticks(axes, [m for m in minor if first < m < last])
    axes.set_xlabel("epoch")


def minor_ticks(axes: Axes, places: Sequence[float]) -> None:
    """Minor ticks of the x axis as one line: as objects of their own, each with a label, some
    thirty a panel, they took a twelfth of the time of drawing."""
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = Line2D(
        places,
        np.zeros(len(places)),
        linestyle="",
        marker=TICKDOWN,
        markersize=RC["xtick.minor.size"],
        markeredgewidth=RC["xtick.minor.width"],
        color=INK,
        transform=axes.get_xaxis_transform(),
    )
    axes.figure.add_artist(ticks)  # it is not one of the axes' own lines, which show numbers


def few(epochs, count: int) -> list:
    """At most `count` of the epochs, evenly spread over log(1 + epoch), with both ends."""
    epochs = np.unique(epochs)
    if len(epochs) <= count:
        return list(epochs)
    at = np.log1p(epochs.astype(np.float64))
    wanted = np.linspace(at[0], at[-1], count)
    return sorted({epochs[np.abs(at - w).argmin()] for w in wanted})


def look(position: int) -> dict:
    """Colour, marker and line of the layer at this position, counted from the input."""
    return {
        "color": COLOURS[position % len(COLOURS)],
        "marker": MARKERS[position % len(MARKERS)],
        "linestyle": LINES[position // len(COLOURS) % len(LINES)],
    }


def layer_line(axes: Axes, x, mean, sd, hollow, position: int, name: str, marked=True) -> None:
    """A layer's line with a band of ±1 sd, its markers, white inside where `hollow`, and an
    entry for the legend.

    hollow, marked : (n,) booleans; `marked` says which points have a marker
    """
    own = look(position)
    marker = own.pop("marker")
    axes.plot(x, mean, zorder=3, **own)
    axes.fill_between(x, mean - sd, mean + sd, color=own["color"], alpha=0.18, lw=0, zorder=2)
    for white in (False, True):
        some = marked & (hollow == white)
        axes.plot(
            x[some],
            mean[some],
            linestyle="",
            marker=marker,
            markersize=3.6,
            color=own["color"],
            markerfacecolor="white" if white else own["color"],
            markeredgewidth=0.8,
            zorder=4,
        )
    # an empty line for the legend, so that a layer with only hollow points has one too
    axes.plot([], [], marker=marker, markersize=3.6, label=name, **own)


def bits(value: float) -> str:
    """Three digits, for labels: 0.99916 → "0.999"."""
    return f"{value:.3g}".replace("-", "−")


def fitting(names: Sequence[str], width: float) -> int:
    """Columns of a legend with these names and their markers, in `width` inches.

    No more columns than its rows need: 9 names in rows of up to 8 are 5 and 4.
    """
    widest = (0.57 * max(map(len, names)) + 2.8) * RC["legend.fontsize"] / 72
    most = max(1, min(len(names), int(width / widest)))
    rows = -(-len(names) // most)
    return -(-len(names) // rows)


def note(figure: Figure, sentences: Sequence[str]) -> None:
    """Small print under the figure, with room for it; none for an empty text."""
    joined = "; ".join(s for s in sentences if s)
    if joined:
        width = int(figure.get_figwidth() * 22)
        text = textwrap.fill(joined, width)
        figure.supxlabel(text, x=0.01, ha="left", fontsize=6.5, color=QUIET)


def blank(figure: Figure, sentence: str) -> Figure:
    """A figure that states why it is empty: a failed run must not stop a workflow."""
    figure.text(0.5, 0.5, textwrap.fill(sentence, 50), ha="center", va="center", color=QUIET)
    return figure


@contextmanager
def bare_fonts() -> Iterator[None]:
    """Save fonts without the tables that choose, place and name letters, which matplotlib has
    done by then: reducing these tables to the letters in use takes longer than the rest of a
    font. The PDF itself says which glyph is which letter."""
    from fontTools import subset  # here: a plan does without

    load = subset.load_font

    @functools.wraps(load)
    def bare(*args, **kwargs):
        font = load(*args, **kwargs)
        for table in SETTING & set(font.keys()):
            del font[table]
        font.setGlyphOrder([f"glyph{i}" for i in range(font["maxp"].numGlyphs)])
        return font

    subset.load_font = bare
    try:
        yield
    finally:
        subset.load_font = load


@styled
def save(figure: Figure, numbers: pd.DataFrame, path_png, path_pdf, path_csv) -> None:
    """The figure as PNG and PDF and its numbers as CSV; the same input, the same bytes."""
    for path in (path_png, path_pdf, path_csv):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.dpi = RC["savefig.dpi"]
    if layout := figure.get_layout_engine():
        if figure.axes:  # once for both files: savefig itself draws twice for a layout
            layout.execute(figure)
        figure.set_layout_engine(None)
    figure.savefig(path_png, format="png", metadata={"Software": None})
    nothing = dict.fromkeys(("Creator", "Producer", "CreationDate"))
    with bare_fonts():
        figure.savefig(path_pdf, format="pdf", metadata=nothing)
    numbers.to_csv(path_csv, index=False, lineterminator="\n")


def _log1p(epoch):
    # matplotlib asks for values left of −1 while it looks for limits
    return np.log1p(np.maximum(epoch, -0.999))
