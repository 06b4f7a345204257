"""Labels that lie on nothing: names beside points, names of reference lines at the frame."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from infoplane.figures.style import INK, QUIET, bits

NEAR = {"x": 0.45, "y": 0.1}
"""Share of an axis within which two labels of reference lines could touch."""
SAME = 1e-3
"""Share of an axis below which two reference lines are one."""


def place(axes: Axes, texts: Sequence[str], choices, obstacles, fontsize: float = 7) -> list:
    """Writes each text near its point, where it covers no other text and least data.

    choices : sets of points (n_texts, 2) to stand beside, the set that leaves the texts
    clearest of everything is used, the first where all are equal; obstacles : (n, 2); all in
    data units. Candidates lie on growing circles; a far label gets a thin line to its point.
    The figure's layout must be final: call after `figure.draw_without_rendering()`.
    Returns the annotations.
    """
    pixels = axes.figure.dpi / 72  # one point
    blocks = axes.transData.transform(np.asarray(obstacles, dtype=float))
    sizes = [_size(axes, text, fontsize) for text in texts]
    frame = axes.get_window_extent(axes.figure.canvas.get_renderer())
    plans = []
    for points in choices:
        ends = axes.transData.transform(np.asarray(points, dtype=float))
        plans.append((*_plan(sizes, ends, blocks, frame, pixels), ends))
    _, boxes, ends = min(plans, key=lambda plan: plan[0])
    line = {"arrowstyle": "-", "lw": 0.4, "color": QUIET, "shrinkA": 1, "shrinkB": 2.5}
    return [
        axes.annotate(
            text,
            axes.transData.inverted().transform(end),
            # an offset in points, for it means the same at any resolution
            xytext=tuple(((box.p0 + box.p1) / 2 - end) / pixels),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=fontsize,
            color=INK,
            arrowprops=line if _distance(box, end[None])[0] > 9 * pixels else None,
            path_effects=[withStroke(linewidth=1.6, foreground="white")],
            annotation_clip=False,
            zorder=9,
        )
        for text, box, end in zip(texts, boxes, ends, strict=True)
    ]


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
        close_above = i + 1 < len(merged) and merged[i + 1][0] - value < NEAR[along] * span
        close_below = i > 0 and value - merged[i - 1][0] < NEAR[along] * span
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


def _size(axes: Axes, text: str, fontsize: float) -> Bbox:
    probe = axes.text(0, 0, text, fontsize=fontsize, transform=None)
    size = probe.get_window_extent(axes.figure.canvas.get_renderer())
    probe.remove()
    return size


def _plan(sizes, ends, blocks, frame, pixels) -> tuple[float, list[Bbox]]:
    """Total cost and one box a text; each takes the cheapest place that is left."""
    taken: list[Bbox] = []
    total = 0.0
    for size, end in zip(sizes, ends, strict=True):
        options = [
            (_cost(box, end, taken, blocks, ends, frame, radius, pixels), i, box)
            for i, (radius, box) in enumerate(_candidates(end, size, pixels))
        ]
        cost, _, box = min(options)
        taken.append(box)
        total += cost
    return total, taken


def _candidates(point, size: Bbox, pixels: float):
    """Boxes around a point whose nearest edge lies some radius (in points) away."""
    for radius in (6, 9, 13, 18, 25, 33, 42, 52):
        for step in range(24):
            angle = math.pi * (-0.25 + step / 12)
            dx, dy = math.cos(angle), math.sin(angle)
            x = point[0] + dx * radius * pixels + np.clip(2 * dx, -1, 1) * size.width / 2
            y = point[1] + dy * radius * pixels + np.clip(2 * dy, -1, 1) * size.height / 2
            corner = (x - size.width / 2, y - size.height / 2)
            yield radius, Bbox.from_bounds(*corner, size.width, size.height)


def _cost(box, point, taken, blocks, ends, frame, radius, pixels) -> float:
    """Overlaps with texts and leaving the frame rule out; covered points count; far costs."""
    cost = 0.25 * radius
    grown = box.padded(1.0 * pixels)
    cost += 1000 * sum(grown.overlaps(other) for other in taken)
    cost += 1000 * (
        box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
    )
    cost += 30 * _inside(box.padded(2.5 * pixels), ends)
    cost += 4 * min(_inside(grown, blocks), 12)
    # a name nearer to another layer's end than to its own would be read as that layer's
    gaps = _distance(box, ends)
    cost += 12 * (gaps < _distance(box, point[None])[0] + 2 * pixels).sum()
    return cost


def _distance(box: Bbox, points) -> np.ndarray:
    """Pixels from a box to each of the points (n, 2)."""
    dx = np.maximum(np.maximum(box.x0 - points[:, 0], points[:, 0] - box.x1), 0)
    dy = np.maximum(np.maximum(box.y0 - points[:, 1], points[:, 1] - box.y1), 0)
    return np.hypot(dx, dy)


def _inside(box: Bbox, points) -> int:
    return int(
        (
            (points[:, 0] > box.x0)
            & (points[:, 0] < box.x1)
            & (points[:, 1] > box.y0)
            & (points[:, 1] < box.y1)
        ).sum()
    )
