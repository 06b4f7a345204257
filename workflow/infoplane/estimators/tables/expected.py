"""A warning before a single call that will take long.

The expected time is from the table that the workflow's jobs use to ask for time
(tables/costs.py); jobs show their own progress and give no warning. The table was measured on
one machine: other machines take between a third and three times as long.
"""

from __future__ import annotations

from infoplane.estimators.interface import Estimator
from infoplane.estimators.tables import costs as table

LONG = 30.0
"""Calls that are expected to take at least this many seconds give a warning."""
FEWER = 10_000
"""The message suggests this many samples as an alternative."""
FAST = ("binned", "kde", "edge")
"""The message suggests these estimators as alternatives."""
LABELS_ALONE = 0.5
"""Without X a call takes this share of the measured seconds; measured 0.3 to 0.5."""
IN_TREES = ("ksg", "kl")
"""Estimators that search trees if these are faster. The table does not show that: its layers
were measured with an X of too many dimensions for trees."""


def seconds(estimator: Estimator, n: int, d: int, features: int) -> float:
    """Expected seconds on one core for n samples of d dimensions; 0 for an estimator without
    measurements.

    features : dimensions of the second variable; 0 for labels alone
    """
    if estimator.name not in table.rows():
        return 0.0
    measured, grown = n, 1.0
    if estimator.name in IN_TREES:
        from infoplane.estimators.kernels.neighbours import TREE_ROWS  # late: it imports torch

        measured = min(n, TREE_ROWS.get(d + features, n))
        grown = n / measured
    on_one_core = estimator.cost(measured, d, features).seconds
    share = LABELS_ALONE if features == 0 and not estimator.takes_layers else 1.0
    return share * grown * on_one_core


def warning(estimator: Estimator, n: int, d: int, features: int) -> str:
    """The message before such a call; empty if it is not expected to take long."""
    expected = seconds(estimator, n, d, features)
    if expected < LONG:
        return ""
    sizes = f"{n} samples of {d} dimensions" + (f" and {features}" if features else "")
    fewer = seconds(estimator, FEWER, d, features)
    faster = ", ".join(name for name in FAST if name != estimator.name)
    instead = f"fewer samples or another estimator ({faster}) take less time"
    if n > FEWER and fewer < expected / 2:
        instead = (
            f"{FEWER} samples chosen at random would take about {_interval(fewer)}; other "
            f"estimators ({faster}) may be faster too"
        )
    takes = f"takes about {_interval(expected)} on one core"
    return f"{estimator.name} for {sizes} {takes}; {instead}"


def _interval(seconds: float) -> str:
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, seconds):.0f} seconds"
