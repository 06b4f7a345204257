"""Interactive plotly figures: planes and curves of a sheet, training curves.

A graph is a dictionary of `data` and `layout` whose traces have no points yet; the `meta` of a
trace says what it shows (points.py).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infoplane.figures import style, tables
from infoplane.figures.points import Grid, filled
from infoplane.figures.sheets import WRONG, Sheet, Training

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "p": "pentagon",
    "<": "triangle-left",
    "h": "hexagon",
    ">": "triangle-right",
    "*": "star",
}
"""plotly's names of style.MARKERS."""
DASHES = ("solid", "dash", "dot")
"""plotly's names of style.LINES."""
FONT = {"family": "system-ui, sans-serif", "size": 11, "color": style.INK}


LONE = {"l": 60, "r": 20, "t": 60, "b": 50}
"""Margins of a figure that has a title."""
MOVING = (
    *("x", "y", "customdata", "marker.symbol"),
    *(f"error_{axis}.{end}" for axis in "xy" for end in ("array", "arrayminus")),
)
"""The parts of a trace that change with the epoch."""
LEGEND = {"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom", "orientation": "h"}


class Graph(NamedTuple):
    """One graph. name : of its subject; data, layout : plotly's; alt : its alternative text."""

    name: str
    data: list[dict]
    layout: dict
    alt: str


def plane(sheet: Sheet) -> Graph:
    """I(T;Y) against I(X;T): for each layer its path so far, its mean at the epoch with its
    intervals, and its seeds; lines join the layers of the epoch."""
    at = {"x": "ixt", "y": "ity"}
    path = {"rows": "path", "layer": -1, "when": "now", **at}
    data = [_lines(path, color=style.QUIET, width=1)]
    for i, layer in enumerate(sheet.layers):
        own, symbol = _look(i)
        mean = {"rows": "mean", "layer": i, **at}
        data += [
            _lines({**mean, "when": "all"}, opacity=0.3, **own),
            _lines({**mean, "when": "past"}, _said(sheet, layer, i, "mean"), **own),
        ]
        seed = {"rows": "seed", "layer": i, "when": "now", **at}
        said = _said(sheet, layer, i, "seed")
        data.append(_markers(seed, said, own, symbol, 5, opacity=0.55))
    wrong = {"rows": "mean", "layer": -1, "when": "past", "only": WRONG, **at}
    red = {"symbol": "x-thin", "size": 6, "line": {"width": 1.2, "color": style.WARN}}
    data.append(_hovered({"type": "scatter", "mode": "markers", "marker": red}, wrong, None))
    for i, layer in enumerate(sheet.layers):  # above all lines
        own, symbol = _look(i)
        mean = {"rows": "mean", "layer": i, "when": "now", "ends": True, **at}
        data.append(_markers(mean, _said(sheet, layer, i, "mean"), own, symbol, 10))
    shapes, names = _reference_lines(sheet)
    axes = [
        _axis(text, limits) for text, limits in zip(_axes(sheet), sheet.limits, strict=True)
    ]
    layout = _layout(*axes) | {"shapes": shapes, "annotations": names}
    return Graph("plane", data, layout, f"Information plane of {sheet.title}")


def curve(sheet: Sheet, of: str) -> Graph:
    """I(X;T) (of: "ixt") or I(T;Y) ("ity") of every layer over epochs."""
    data = []
    for i, layer in enumerate(sheet.layers):
        data += _over_epochs(sheet, of, i, _look(i)[0], layer)
    place = tables.VALUES.index(of)
    axis = _axis(_axes(sheet)[place], sheet.limits[place])
    layout = _layout(_epochs(sheet.epochs), axis) | {"shapes": [_now()]}
    return Graph(of, data, layout, f"{_axes(sheet)[place]} of {sheet.title} over epochs")


def panel(training: Training, label: str, parts: dict[str, str], run: str) -> Graph:
    """Metrics of a training that share an axis, over epochs. parts : columns by name."""
    data = []
    for i, (part, column) in enumerate(parts.items()):
        own = {"color": style.COLOURS[i % len(style.COLOURS)], "dash": DASHES[i % len(DASHES)]}
        of_seed, band, mean = _over_epochs(training, column, 0, own, f"{label}, {part}")
        data += [of_seed, band, mean | {"name": escape(part), "showlegend": len(parts) > 1}]
    layout = _layout(_epochs(training.ends), _axis(label)) | {"shapes": [_now()]}
    layout |= {"showlegend": len(parts) > 1, "legend": LEGEND}
    return Graph(label, data, layout, f"{label} of {run} over epochs: {', '.join(parts)}")


def plane_figure(sheet: Sheet) -> Figure:
    """The plane as a separate figure, with a slider of epochs and layers by name."""
    from plotly.graph_objects import Figure

    graph, last = plane(sheet), len(sheet.epochs) - 1
    data = [_grouped(trace, sheet) for trace in graph.data]
    moving = [i for i, trace in enumerate(data) if trace["meta"]["when"] != "all"]
    steps = []
    for at, epoch in enumerate(sheet.epochs):  # no frames: they would start to play at once
        shown = [filled(data[i], sheet, at) for i in moving]
        values = {key: [_found(trace, key) for trace in shown] for key in MOVING}
        steps.append({"label": f"{epoch}", "method": "restyle", "args": [values, moving]})
    slider = {
        "active": last,
        "currentvalue": {"prefix": "epoch "},
        "pad": {"t": 30},
        "steps": steps,
    }
    layout = graph.layout | {
        "showlegend": True,
        "sliders": [slider],
        "width": 640,
        "height": 540,
    }
    layout |= {"title": {"text": escape(sheet.title)}, "margin": LONE}
    return Figure([filled(trace, sheet, last) for trace in data], layout)


def curves_figure(sheet: Sheet) -> Figure:
    """I(X;T) and I(T;Y) over epochs side by side, as a separate figure."""
    from plotly.graph_objects import Figure

    left, right = (curve(sheet, of) for of in tables.VALUES)
    second = {"xaxis": "x2", "yaxis": "y2"}
    data = [
        *(_grouped(trace, sheet) for trace in left.data),
        *(_grouped(trace, sheet) | second | {"showlegend": False} for trace in right.data),
    ]
    layout = left.layout | {
        "xaxis": left.layout["xaxis"] | {"domain": [0, 0.45]},
        "xaxis2": right.layout["xaxis"] | {"domain": [0.55, 1], "anchor": "y2"},
        "yaxis2": right.layout["yaxis"] | {"anchor": "x2"},
        "shapes": [],
        "showlegend": True,
        "title": {"text": escape(sheet.title)},
        "margin": LONE,
        "width": 900,
        "height": 400,
    }
    return Figure([filled(trace, sheet, len(sheet.epochs) - 1) for trace in data], layout)


def _found(trace: dict, key: str):
    """The value at a dotted key; None if there is none."""
    for part in key.split("."):
        trace = trace.get(part) if trace is not None else None
    return trace


def _grouped(trace: dict, sheet: Sheet) -> dict:
    """A trace that its layer's name in the legend switches on and off."""
    layer, rows = trace["meta"]["layer"], trace["meta"]["rows"]
    if layer < 0:
        return trace
    named = rows == "mean" and ("marker" in trace or trace["meta"]["x"] == "epoch")
    name = escape(sheet.layers[layer])
    return trace | {"legendgroup": name, "name": name, "showlegend": named}


def _look(i: int) -> tuple[dict, str]:
    """Line and symbol of the layer at this place, as still figures have them."""
    own = style.look(i)
    dash = DASHES[i // len(style.COLOURS) % len(DASHES)]
    return {"color": own["color"], "dash": dash}, SYMBOLS[own["marker"]]


def _lines(meta: dict, said: dict | None = None, opacity: float = 1, **line) -> dict:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "showlegend": False,
        "opacity": opacity,
        "line": {"width": 1.3} | line,
    }
    return _hovered(trace, meta, said)


def _markers(meta: dict, said: dict, own: dict, symbol: str, size: int, opacity=1.0) -> dict:
    marker = {"symbol": symbol, "size": size, "color": own["color"], "line": {"width": 1.2}}
    marker["line"]["color"] = "white" if size > 5 else own["color"]
    trace = {"type": "scatter", "mode": "markers", "marker": marker, "opacity": opacity}
    if meta.get("ends"):
        bar = {
            "type": "data",
            "symmetric": False,
            "color": own["color"],
            "thickness": 1,
            "width": 3,
        }
        trace |= {"error_x": bar, "error_y": bar}
    return _hovered(trace, meta, said)


def _hovered(trace: dict, meta: dict, said: dict | None) -> dict:
    hover = {"hovertemplate": said["text"]} if said else {"hoverinfo": "skip"}
    return trace | {"meta": meta | ({"said": said["columns"]} if said else {})} | hover


def _over_epochs(grid: Grid, of: str, layer: int, own: dict, name: str) -> list[dict]:
    """Lines of the seeds, band and line of the mean, of one column."""
    at = {"layer": layer, "x": "epoch", "y": of, "when": "all"}
    if isinstance(grid, Sheet):
        of_seed, of_mean = (_said(grid, name, layer, rows) for rows in ("seed", "mean"))
    else:
        head = f"<b>{escape(name)}</b><br>%{{customdata[0]}}, epoch %{{customdata[1]}}<br>"
        columns = ["who", "epoch", of]
        of_seed = {"text": f"{head}%{{customdata[2]}}<extra></extra>", "columns": columns}
        sd = f"{head}%{{customdata[2]}} ± %{{customdata[3]}}<extra></extra>"
        of_mean = {"text": sd, "columns": [*columns, f"{of}_sd"]}
    band = _lines({"rows": "band", **at}, color="rgba(0,0,0,0)", width=0)
    band |= {"fill": "toself", "fillcolor": _pale(own["color"])}
    points = {"mode": "lines+markers", "marker": {"size": 3}} if len(grid.epochs) == 1 else {}
    return [
        _lines({"rows": "seed", **at}, of_seed, 0.45, width=0.8, color=own["color"]) | points,
        band,
        _lines({"rows": "mean", **at}, of_mean, **{**own, "width": 1.6}) | points,
    ]


def _said(sheet: Sheet, layer: str, i: int, rows: str) -> dict:
    """The hover text of a layer's point, and its columns."""
    columns = ["who", "epoch"]

    def slot(column: str) -> str:
        columns.append(column)
        return f"%{{customdata[{len(columns) - 1}]}}"

    arrays = sheet.means if rows == "mean" else sheet.of_seeds
    lines = [f"<b>{escape(layer)}</b>, epoch %{{customdata[1]}}, %{{customdata[0]}}"]
    for of, name in zip(tables.VALUES, _axes(sheet), strict=True):
        text = f"{name.removesuffix(' [bits]')} = {slot(of)}"
        if rows == "mean" and np.isfinite(arrays[f"{of}_sd"][i]).any():
            text += f" ± {slot(f'{of}_sd')}"
        lines.append(f"{text} bits")
        known = [np.isfinite(arrays[f"{of}_{end}"][..., i, :]).any() for end in ("low", "high")]
        if any(known):
            ends = f"{slot(f'{of}_low')} to {slot(f'{of}_high')} bits"
            lines.append(f"  interval {ends} ({slot(f'{of}_kind')})")
        else:
            lines.append(f"  interval: {slot(f'{of}_kind')}")
    if np.isfinite(arrays["cap"][..., i, :]).any():
        lines.append(f"cap of I(X;T) {slot('cap')} bits")
    lines.append(slot("flags"))
    return {"text": "<br>".join(lines) + "<extra></extra>", "columns": columns}


def _axes(sheet: Sheet) -> tuple[str, str]:
    return "I(X;T) [bits]", f"I(T;{sheet.second}) [bits]"


def _axis(title: str, limits: tuple[float, float] | None = None) -> dict:
    axis = {
        "title": {"text": escape(title), "standoff": 6},
        "showgrid": False,
        "zeroline": False,
        "showline": True,
        "linecolor": style.INK,
        "linewidth": 0.8,
        "ticks": "outside",
        "ticklen": 4,
        "nticks": 7,
        "automargin": True,
    }
    return axis | ({"range": [*map(float, limits)]} if limits else {"rangemode": "tozero"})


def _epochs(epochs: list) -> dict:
    """A log(1 + epoch) axis with the ticks of still figures."""
    first, last = (float(np.log1p(epoch)) for epoch in (epochs[0], epochs[-1]))
    room = max(0.02 * (last - first), 0.02)
    ticks = style.epoch_ticks(epochs, 0.17)
    return _axis("epoch", (first - room, last + room)) | {
        "tickvals": [float(np.log1p(tick)) for tick in ticks],
        "ticktext": [style.epoch_text(tick) for tick in ticks],
    }


def _layout(x: dict, y: dict) -> dict:
    return {
        "xaxis": x,
        "yaxis": y,
        "font": FONT,
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": "white", "font": FONT},
        "showlegend": False,
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "margin": {"l": 48, "r": 12, "t": 22, "b": 40},
    }


def _now() -> dict:
    """A vertical line, to be put at an epoch."""
    line = {"color": style.QUIET, "width": 1, "dash": "dot"}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": 0, "x1": 0, "line": line}


def _reference_lines(sheet: Sheet) -> tuple[list[dict], list[dict]]:
    """Lines at H(X), the caps and H(Y), with their names outside the frame."""
    shapes, names = [], []
    for axis, other, values, limits in zip("xy", "yx", sheet.lines, sheet.limits, strict=True):
        merged: dict[float, list[str]] = {}
        for name, value in values.items():
            if np.isfinite(value) and limits[0] <= value <= limits[1]:
                merged.setdefault(round(value, 3), []).append(name)
        for value, called in merged.items():
            at = {f"{axis}0": value, f"{axis}1": value, f"{other}ref": "paper"}
            cap = all(name.startswith(("cap", "_")) for name in called)
            dash = "dot" if cap else "dash"
            line = {"color": style.QUIET, "width": 0.8, "dash": dash}
            shapes.append({"type": "line", f"{other}0": 0, f"{other}1": 1, "line": line, **at})
            text = " = ".join(name for name in called if not name.startswith("_"))
            if text and not cap:
                names.append(_name(axis, value, text))
    return shapes, names


def _name(axis: str, value: float, text: str) -> dict:
    """Of a line: above a vertical one, at the left end of a horizontal one."""
    own = {"text": escape(text), "showarrow": False, "font": {"size": 10, "color": style.QUIET}}
    if axis == "x":
        return own | {
            "x": value,
            "yref": "paper",
            "y": 1,
            "yanchor": "bottom",
            "xanchor": "right",
        }
    return own | {
        "y": value,
        "xref": "paper",
        "x": 0.01,
        "xanchor": "left",
        "yanchor": "bottom",
    }


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
