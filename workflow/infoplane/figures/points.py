"""The points of a graph's traces, taken from a grid of values at one epoch.

A page does the same in the browser (explore.js) whenever its slider moves. The `meta` of a
trace says what it shows:

    rows   mean: means over seeds; seed: single seeds, one after another; band: mean ± sd;
           path: means of all layers at one epoch
    layer  place among the grid's layers; −1: all
    x, y   columns; x may be "epoch", which is placed at log(1 + epoch)
    when   all: every epoch; past: up to the epoch; now: that epoch alone
    ends   whether intervals are drawn
    only   column of what is left out where it is false
    said   columns that the hover text takes, in order; "who" is the seed
"""

from typing import Protocol

import numpy as np

from infoplane.figures.sheets import HOLLOW, WORDS, bits


class Grid(Protocol):
    """Values over layers and epochs: a Sheet, or a Training."""

    layers: list[str]
    epochs: list
    seeds: list[int]
    means: dict[str, np.ndarray]
    of_seeds: dict[str, np.ndarray]


def filled(trace: dict, grid: Grid, at: int) -> dict:
    """The trace with its points. at : place of the epoch among the grid's."""
    meta, n_epochs = trace["meta"], len(grid.epochs)
    first, last = {"all": (0, n_epochs), "past": (0, at + 1), "now": (at, at + 1)}[meta["when"]]
    if meta["rows"] == "band":
        mean, sd = (grid.means[meta["y"] + end][meta["layer"]] for end in ("", "_sd"))
        x = np.log1p(grid.epochs)
        there = np.isfinite(mean) & np.isfinite(sd)
        low, high = (mean - sd)[there], (mean + sd)[there]
        both = np.concatenate([x[there], x[there][::-1]])
        return trace | {"x": both.tolist(), "y": np.concatenate([high, low[::-1]]).tolist()}
    seeds = range(len(grid.seeds)) if meta["rows"] == "seed" else [None]
    layers = range(len(grid.layers)) if meta["layer"] < 0 else [meta["layer"]]
    gap = [None] if meta["rows"] == "seed" and meta["when"] != "now" else []  # between seeds
    epochs = [*range(first, last), *gap]
    points = [(seed, layer, epoch) for seed in seeds for layer in layers for epoch in epochs]
    if only := meta.get("only"):
        points = [point for point in points if _value(grid, only, point)]
    shown = trace | {
        "x": [_value(grid, meta["x"], point) for point in points],
        "y": [_value(grid, meta["y"], point) for point in points],
    }
    if "said" in meta:
        shown["customdata"] = [[_text(grid, n, p) for n in meta["said"]] for p in points]
    if meta["when"] == "now" and "marker" in trace:
        symbol = trace["marker"]["symbol"]
        hollow = [_value(grid, HOLLOW, point) for point in points]
        symbols = [f"{symbol}-open" if white else symbol for white in hollow]
        shown["marker"] = trace["marker"] | {"symbol": symbols}
    if meta.get("ends"):
        for axis in ("x", "y"):
            shown[f"error_{axis}"] = trace[f"error_{axis}"] | _ends(grid, meta[axis], points)
    return shown


def _value(grid: Grid, column: str, point: tuple):
    """A number of a point (seed or None, layer, epoch or None); None where there is none."""
    seed, layer, epoch = point
    if epoch is None:
        return None
    if column == "epoch":
        return float(np.log1p(grid.epochs[epoch]))
    values = grid.means[column] if seed is None else grid.of_seeds[column][seed]
    value = values[layer, epoch]
    return value.item() if np.isfinite(value) else None


def _text(grid: Grid, column: str, point: tuple) -> str:
    """The hover text of a point."""
    seed, layer, epoch = point
    if epoch is None:
        return ""
    if column == "epoch":
        return f"{grid.epochs[epoch]:g}"
    if column == "who":
        if seed is not None:
            return f"seed {grid.seeds[seed]}"
        n = int(grid.means["n"][layer, epoch])
        return "1 seed" if n == 1 else f"mean of {n} seeds"
    if column in WORDS:
        values = grid.means[column] if seed is None else grid.of_seeds[column][seed]
        return str(values[layer, epoch])
    value = _value(grid, column, point)
    return bits(np.nan if value is None else value)


def _ends(grid: Grid, of: str, points: list[tuple]) -> dict:
    """Bars from a value to the ends of its interval; none if an end is unknown."""
    bars = {"array": "high", "arrayminus": "low"}
    result = {}
    for name, end in bars.items():
        lengths = []
        for point in points:
            value, other = (_value(grid, column, point) for column in (of, f"{of}_{end}"))
            known = value is not None and other is not None
            lengths.append(abs(other - value) if known else 0)
        result[name] = lengths
    return result
