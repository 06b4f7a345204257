"""Reference lines that say what they are: H(X), H(Y) and the estimator's cap."""

import math
from collections.abc import Mapping

from matplotlib.axes import Axes

from infoplane.figures.style import QUIET, bits

NEAR = {"x": 0.45, "y": 0.1}
"""Share of an axis within which two names of reference lines could touch."""
SAME = 1e-3
"""Share of an axis below which two reference lines are one."""


def reference_lines(
    axes: Axes,
    along: str,
    values: Mapping[str, float],
    fontsize: float = 7,
    inside: bool = False,
) -> None:
    """Lines at these values with "name = value": dashed, the cap alone dotted.

    along : "x" for vertical lines, named above the frame; "y" for horizontal ones, named at
        the right of the frame or, `inside`, above their left end
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
        elif inside:
            axes.axhline(value, **look)
            where, spot = (0, value), (3, 1)
            transform, options = axes.get_yaxis_transform(), {"ha": "left", "va": "bottom"}
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
