"""Faults and what came of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One fault. fault: what was done; where: to what; when: at which moment or place.

    came : 'same bits' and the like; holds : whether it may come to that
    """

    fault: str
    where: str
    when: str
    came: str
    holds: bool


def table(outcomes: Iterable[Outcome]) -> str:
    """A row a fault, place and outcome with its number; whatever does not hold by itself."""
    outcomes = list(outcomes)
    kinds = Counter((o.fault, o.where, o.came, o.holds) for o in outcomes)
    rows = [("fault", "where", "times", "outcome", "holds")]
    rows += [(f, w, str(n), c, "yes" if h else "NO") for (f, w, c, h), n in kinds.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(n) for cell, n in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    wrong = [
        f"NOT HELD: {o.fault}, {o.where}, {o.when}: {o.came}" for o in outcomes if not o.holds
    ]
    n_right = sum(o.holds for o in outcomes)
    return "\n".join([*lines, *wrong, f"{n_right} of {len(outcomes)} hold"])
