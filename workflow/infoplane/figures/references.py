"""Reference lines with their names: H(X), H(Y) and the estimator's caps."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from infoplane.figures.style import QUIET, bits

NEAR = {"x": 0.45, "y": 0.13}
"""Share of an axis within which two names of reference lines could touch."""
SAME = 1e-3
"""Share of an axis below which two reference lines are one."""


class Line(NamedTuple):
    """One line. name : "" for a line that has none"""

    value: float
    name: str

    @property
    def label(self) -> str:
        return f"{self.name} = {bits(self.value)}"


def reference_lines(
    axes: Axes,
    along: str,
    values: Mapping[str, float],
    fontsize: float = 7,
    inside: bool = False,
) -> None:
    """Lines at these values with "name = value": dashed, caps alone dotted.

    along : "x" for vertical lines, named above the frame; "y" for horizontal ones, named at
        the right of the frame or, `inside`, above their left end
    values : by name; a name that starts with "_" is not written
    Lines at the same value become one: "H(X) = cap = 12". Values outside the axis are left
    out; the caller says so. Limits must be set before.
    """
    low, high = axes.get_xlim() if along == "x" else axes.get_ylim()
    merged = _merged(values, low, high)
    draw = axes.axvline if along == "x" else axes.axhline
    for line in merged:
        cap = not line.name or line.name.startswith("cap")
        dashes = (0, (1, 1.5)) if cap else (0, (4, 2))
        look = {"color": QUIET, "lw": 0.7, "linestyle": dashes, "zorder": 1}
        draw(line.value, gid=f"{line.name} = ", **look)
    named = [line for line in merged if line.name]
    if along == "x":
        _above(axes, named, low, high, fontsize)
    elif inside:
        _inside(axes, named, fontsize)
    else:
        _beside(axes, named, high - low, fontsize)


def _merged(values: Mapping[str, float], low: float, high: float) -> list[Line]:
    lines: list[Line] = []
    for name, value in sorted(values.items(), key=lambda item: item[1]):
        if not math.isfinite(value) or not low <= value <= high:
            continue
        name = "" if name.startswith("_") else name
        if lines and abs(lines[-1].value - value) <= SAME * (high - low):
            lines[-1] = Line(value, " = ".join(filter(None, (lines[-1].name, name))))
        else:
            lines.append(Line(value, name))
    return lines


def _above(axes: Axes, named: Sequence[Line], low: float, high: float, fontsize) -> None:
    """Names of near lines become one text, in order; near an edge it ends at that edge."""
    groups: list[list[Line]] = []
    for line in named:
        if groups and line.value - groups[-1][-1].value < NEAR["x"] * (high - low):
            groups[-1].append(line)
        else:
            groups.append([line])
    for group in groups:
        middle = (group[0].value + group[-1].value) / 2
        share = (middle - low) / (high - low)
        spot, side = (1, "right") if share > 0.7 else (share, "center")
        spot, side = (0, "left") if share < 0.3 else (spot, side)
        text = ",  ".join(line.label for line in group)
        _write(axes, text, (spot, 1), "axes fraction", (0, 3), fontsize, side, "bottom")


def _inside(axes: Axes, named: Sequence[Line], fontsize) -> None:
    low, high = axes.get_xlim()
    # a line at zero that is near the frame would cross the text: write right of it
    left = 0.0 if low < 0 < low + NEAR["x"] * (high - low) else low
    for line in named:
        _write(axes, line.label, (left, line.value), "data", (3, 1), fontsize, "left", "bottom")


def _beside(axes: Axes, named: Sequence[Line], span: float, fontsize) -> None:
    for i, line in enumerate(named):
        above = i + 1 < len(named) and named[i + 1].value - line.value < NEAR["y"] * span
        below = i > 0 and line.value - named[i - 1].value < NEAR["y"] * span
        side = "top" if above else "bottom" if below else "center"
        label = line.label.replace(" = ", "\n= ") if len(line.label) > 8 else line.label
        where = (1, line.value)
        _write(axes, label, where, axes.get_yaxis_transform(), (4, 0), fontsize, "left", side)


def _write(axes: Axes, text, where, coordinates, offset, fontsize, ha, va) -> None:
    axes.annotate(
        text,
        where,
        xycoords=coordinates,
        xytext=offset,
        textcoords="offset points",
        fontsize=fontsize,
        color=QUIET,
        annotation_clip=False,
        ha=ha,
        va=va,
    )
