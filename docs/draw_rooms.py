"""Draws docs/figures/rooms.svg: the stages of the workflow and the rooms of the library.

Stages are the rule files, rooms the folders of the library: one that is not drawn is an error,
so that the drawing is of this tree.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

ROOT = Path(__file__).parents[1]
STAGES = (
    ("datasets", "data sets", "datasets"),
    ("training", "weights", "networks training"),
    ("activations", "activations", "probes"),
    ("estimators", "information", "estimators measurement schedules"),
    ("pooling", "pooled", "measurement"),
    ("figures", "figures, page", "figures phases"),
)
"""Rule file, what it makes, and the rooms that it alone calls."""
BESIDE = (
    ("signals", "signals"),
    ("compare", "compare"),
    ("claims", "claims"),
    ("invariance", "invariance"),
    ("truth", "truth"),
)
"""Rule files beside the flow, and their rooms."""
UNDER = ("config", "plan", "stores")
"""Rooms that every stage stands on."""
CALLED = ("status",)
"""Rooms that a person calls and no stage: `make status`."""
NO_STAGE = ("common", "targets")
BOX = {"boxstyle": "round,pad=0.02,rounding_size=0.06", "linewidth": 1}
FLOW, ROOM = "#dbe9f6", "#f4f1e8"


def main() -> None:
    """Checks that all is drawn, and draws."""
    check()
    plt.rcParams.update({"svg.hashsalt": "infoplane", "font.family": "DejaVu Sans"})
    figure, axes = plt.subplots(figsize=(11, 4.6))
    axes.set(xlim=(0, 11), ylim=(0, 4.6))
    axes.axis("off")
    axes.text(0.1, 4.35, "stages: a rule file, a script, what they make", weight="bold")
    for i, (stage, made, rooms) in enumerate(STAGES):
        left = 0.1 + i * 1.82
        _box(axes, left, 3.35, 1.5, 0.75, FLOW, f"{stage}.smk\n→ {made}")
        if i:
            arrow = {"arrowstyle": "->", "color": "#333333"}
            axes.annotate("", (left - 0.03, 3.72), (left - 0.29, 3.72), arrowprops=arrow)
        if rooms:
            axes.plot([left + 0.75] * 2, [2.95, 3.33], color="#999999", linewidth=1)
            _box(axes, left, 2.05, 1.5, 0.9, ROOM, "\n".join(f"{r}/" for r in rooms.split()))
    axes.text(0.1, 1.7, "stages beside the flow, and their rooms", weight="bold")
    for i, (stage, room) in enumerate(BESIDE):
        _box(axes, 0.1 + i * 1.82, 0.95, 1.5, 0.6, FLOW, f"{stage}.smk\n{room}/")
    under, called = ("   ".join(f"{room}/" for room in rooms) for rooms in (UNDER, CALLED))
    _box(axes, 0.1, 0.1, 6.96, 0.55, ROOM, f"under every stage:   {under}")
    _box(axes, 7.38, 0.1, 3.32, 0.55, ROOM, f"called by you:   {called}")
    target = ROOT / "docs" / "figures" / "rooms.svg"
    figure.savefig(target, bbox_inches="tight", metadata={"Date": None})
    print(f"wrote {target}")


def check() -> None:
    """ValueError where a rule file or a room is not drawn, or is drawn and not there."""
    stages = {s for s, *_ in STAGES} | {s for s, _ in BESIDE} | {*NO_STAGE}
    rooms = {r for *_, names in STAGES for r in names.split()} | {r for _, r in BESIDE}
    rooms |= {*UNDER, *CALLED}
    library = ROOT / "workflow" / "infoplane"
    for what, drawn, there in (
        ("rule files", stages, {f.stem for f in (ROOT / "workflow" / "rules").glob("*.smk")}),
        ("rooms", rooms, {f.parent.name for f in library.glob("*/__init__.py")}),
    ):
        if drawn != there:
            raise ValueError(f"{what} drawn: {sorted(drawn)}; there: {sorted(there)}")


def _box(axes, left: float, bottom: float, width: float, height: float, colour: str, text: str):
    place = FancyBboxPatch((left, bottom), width, height, facecolor=colour, **BOX)
    axes.add_patch(place)
    axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", size=9)


if __name__ == "__main__":
    main()
