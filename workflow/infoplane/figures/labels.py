"""Labels that lie on nothing: names beside points, names of reference lines at the frame."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from infoplane.figures.style import INK, QUIET, bits

NEAR = 0.12
"""Share of an axis within which two labels of reference lines would touch."""
SAME = 1e-3
"""Share of an axis below which two reference lines are one."""


def place(axes: Axes, texts: Sequence[str], points, obstacles, fontsize: float = 7) -> list:
    """Writes each text near its point, where it covers no other text and least data.

    points : (n_texts, 2), obstacles : (n, 2), both in data units
    Candidates are tried on growing circles; a far label gets a thin line to its point.
    The figure's layout must be final: call after `figure.draw_without_rendering()`.
    Returns the annotations.
    """
    renderer = axes.figure.canvas.get_renderer()
    pixels = axes.figure.dpi / 72  # one point
    at = axes.transData.transform(np.asarray(points, dtype=float))
    blocks = axes.transData.transform(np.asarray(obstacles, dtype=float))
    frame = axes.get_window_extent(renderer)
    taken: list[Bbox] = []
    written = []
    for text, point in zip(texts, at, strict=True):
        probe = axes.text(0, 0, text, fontsize=fontsize, transform=None)
        size = probe.get_window_extent(renderer)
        probe.remove()
        best = None
        for radius in (7, 11, 16, 22, 30, 40, 52):
            for step in range(16):
                angle = math.pi * (1.25 + step / 8)  # below left first: late points sit top right
                box = _box(point, size, radius * pixels, angle)
                cost = _cost(box, point, taken, blocks, at, frame, radius, pixels)
                if best is None or cost < best[0]:
                    best = (cost, box, radius)
        _, box, radius = best
        taken.append(box)
        line = {"arrowstyle": "-", "lw": 0.4, "color": QUIET, "shrinkA": 1, "shrinkB": 2.5}
        written.append(
            axes.annotate(
                text,
                axes.transData.inverted().transform(point),
                xytext=((box.x0 + box.width / 2), (box.y0 + box.height / 2)),
                textcoords="figure pixels",
                ha="center",
                va="center",
                fontsize=fontsize,
                color=INK,
                arrowprops=line if radius > 11 else None,
                path_effects=[withStroke(linewidth=1.6, foreground="white")],
                annotation_clip=False,
                zorder=9,
            )
        )
    return written


def reference_lines(
    axes: Axes, along: str, values: Mapping[str, float], fontsize: float = 7
) -> None:
    """Dashed lines at these values with "name = value" outside the frame, clear of the data.

    along : "x" for vertical lines named above the frame, "y" for horizontal ones at its right
    Lines at the same value become one: "cap = H(X) = 12". Values outside the axis are left
    out; the caller says so.
    """
    low, high = axes.get_xlim() if along == "x" else axes.get_ylim()
    span = high - low
    merged: list[tuple[float, str]] = []
    for name, value in sorted(values.items(), key=lambda item: item[1]):
        if not math.isfinite(value) or not low <= value <= high:
            continue
        if merged and abs(merged[-1][0] - value) <= SAME * span:
            merged[-1] = (value, f"{merged[-1][1]} = {name}")
        else:
            merged.append((value, name))
    for i, (value, name) in enumerate(merged):
        close_above = i + 1 < len(merged) and merged[i + 1][0] - value < NEAR * span
        close_below = i > 0 and value - merged[i - 1][0] < NEAR * span
        dashes = (0, (1, 1.5)) if name == "cap" else (0, (4, 2))
        look = {"color": QUIET, "lw": 0.7, "linestyle": dashes, "zorder": 1}
        label = f"{name} = {bits(value)}"
        if along == "x":
            axes.axvline(value, **look)
            side = "right" if close_above else "left" if close_below else "center"
            offset = {"right": 2, "left": -2, "center": 0}[side]
            where, spot = (value, 1), (offset, 3)
            transform, options = axes.get_xaxis_transform(), {"ha": side, "va": "bottom"}
        else:
            axes.axhline(value, **look)
            side = "top" if close_above else "bottom" if close_below else "center"
            label = label.replace(" = ", "\n= ") if len(label) > 8 else label
            where, spot = (1, value), (4, 0)
            transform, options = axes.get_yaxis_transform(), {"ha": "left", "va": side}
        axes.annotate(
            label,
            where,
            xycoords=transform,
            xytext=spot,
            textcoords="offset points",
            fontsize=fontsize,
            color=QUIET,
            annotation_clip=False,
            **options,
        )


def _box(point, size: Bbox, radius: float, angle: float) -> Bbox:
    """The text's box when its nearest edge lies `radius` pixels from the point."""
    dx, dy = math.cos(angle), math.sin(angle)
    x = point[0] + dx * (radius + size.width / 2 * abs(dx)) + np.sign(round(dx, 6)) * 0
    y = point[1] + dy * (radius + size.height / 2 * abs(dy))
    # a text beside its point starts there; one above it is centred
    x += dx * size.width / 2 * (1 - abs(dx))
    return Bbox.from_bounds(x - size.width / 2, y - size.height / 2, size.width, size.height)


def _cost(box, point, taken, blocks, ends, frame, radius, pixels) -> float:
    """Overlaps with texts and leaving the frame rule out; covered points count; far costs."""
    cost = 0.25 * radius
    grown = box.padded(1.0 * pixels)
    cost += 1000 * sum(grown.overlaps(other) for other in taken)
    cost += 1000 * (
        box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
    )
    padded = box.padded(2.5 * pixels)
    cost += 30 * _inside(padded, ends)
    cost += 4 * min(_inside(grown, blocks), 12)
    return cost


def _inside(box: Bbox, points) -> int:
    return int(
        (
            (points[:, 0] > box.x0)
            & (points[:, 0] < box.x1)
            & (points[:, 1] > box.y0)
            & (points[:, 1] < box.y1)
        ).sum()
    )
