"""Draws the two figures of estimators against the truth from the errors that ship.

python docs/draw_calibration.py
"""

import math
from pathlib import Path

from infoplane.figures import calibration, calibration_distances
from infoplane.truth import shipped

FIGURES = Path(__file__).parent / "figures"


def main() -> None:
    """Draw what a page of these answers shows; the intervals of estimators do not ship."""
    errors = shipped.read(shipped.ERRORS)
    errors = errors.assign(
        error=errors["mean"] - errors.truth,
        refused=errors.refused.fillna(""),
        interval_low=math.nan,
        interval_high=math.nan,
        interval_kind="none",
    )
    for name, figure in (
        ("calibration", calibration.draw(errors, "continuous")),
        ("calibration-distances", calibration_distances.draw(errors)),
    ):
        path = FIGURES / f"{name}.png"
        figure.savefig(path, dpi=200)
        print(path)


if __name__ == "__main__":
    main()
