"""How the cost of every estimator grows: curves of CPU seconds and memory against sizes.

    python benchmark/scale.py                  all estimators, some twenty minutes on one core
    python benchmark/scale.py ksg edge         some estimators; the others' rows stay
    python benchmark/scale.py --limit 60       seconds after which a curve ends
    python benchmark/scale.py --draw           the figure and the table again, from kept rows

Each estimator has three curves: against n inputs of a layer with 10 units, against d units with
1,000 inputs, and against networks (seeds times epochs), each a layer of 1,000 × 10. A point is
one call on one thread in a process of its own, as in `benchmark/costs.py`, in CPU time, which
other work on the machine hardly changes. A curve ends if the next point would take longer than
the limit. Rows are kept in benchmark/speeds/scale.csv; docs/figures/scale.png and the table in
docs/scale.md are made from them.
"""

import argparse
import csv
import datetime
import math
from collections.abc import Iterator
from typing import NamedTuple

import clock
import costs
import numpy as np
import table

from infoplane.estimators import ESTIMATORS
from infoplane.figures import style

N, D, NETWORKS = 1000, 10, 1
CURVES = {
    "n": (1000, 3000, 10_000, 30_000, 100_000),
    "d": (2, 10, 100, 1000, 10_000),
    "networks": (1, 4, 16, 64, 256),
}
"""The sizes that grow, with their values."""
SHORT = (2000, 8000)
QUICK = (500, 1000)
"""Numbers of inputs in `make bench` (SHORT) and in its quick version (QUICK)."""
LIMIT = 5.0
LEAST_SECONDS = 0.01
"""Shorter calls do not show how the cost grows."""
KEPT = table.KEPT / "scale.csv"
PAGE, FIGURE = table.ROOT / "docs" / "scale.md", table.ROOT / "docs" / "figures" / "scale.png"
BEGIN, END = "<!-- written by benchmark/scale.py -->", "<!-- end -->"


class Point(NamedTuple):
    """CPU seconds and working memory in MB of one call; NaN, and why, if the curve has ended.

    curve : the size that grows, here to `size`
    """

    estimator: str
    curve: str
    size: int
    seconds: float
    mb: float
    why: str = ""


def bench_scale(limits: clock.Limits, quick: bool) -> Iterator[clock.Row]:
    """CPU seconds for a layer with 10 units on one thread under default settings, of estimators
    that end within the limit, and their growth from a quarter of the inputs (QUICK: half).
    There are no peers and no machine's limits here."""
    less, more = QUICK if quick else SHORT
    for name in ESTIMATORS:
        ESTIMATORS[name]  # imported once, before the forks
    for name in ESTIMATORS:
        first = costs.measured(name, less, D, LIMIT)
        if isinstance(first, str) or isinstance(
            then := costs.measured(name, more, D, 4 * LIMIT), str
        ):
            continue
        points = [Point(name, "n", n, *found) for n, found in ((less, first), (more, then))]
        grows = exponent(points, "seconds")
        told = "" if math.isnan(grows) else f"n^{grows:.1f} from {less}"
        note = f"{then[1]:.0f} MB in addition to the samples"
        item = f"{name} {more} × {D}, one thread"
        yield clock.Row(item, then[0], limit=told, note=note)


def curve_of(name: str, curve: str, limit: float) -> Iterator[Point]:
    """The points of a curve until it ends."""
    known: list[Point] = []
    for size in CURVES[curve]:
        expected = _expected(known, size)
        if expected > 1.5 * limit:
            why = f"{expected:.0f} s expected"
        else:
            at = {"n": N, "d": D, "networks": NETWORKS} | {curve: size}
            found = costs.measured(name, at["n"], at["d"], limit, at["networks"])
            why = found if isinstance(found, str) else ""
        if why:
            yield Point(name, curve, size, math.nan, math.nan, why)
            return
        known.append(Point(name, curve, size, *found))
        yield known[-1]


def _expected(known: list[Point], size: int) -> float:
    """Seconds expected at the next size, from the latest growth."""
    told = [p for p in known if p.seconds >= LEAST_SECONDS]
    if len(told) < 2:
        return 0.0
    return told[-1].seconds * (size / told[-1].size) ** exponent(told[-2:], "seconds")


def exponent(points: list[Point], what: str) -> float:
    """The exponent of a power law through the last three points that are large enough; NaN if
    there are fewer than two."""
    least = {"seconds": LEAST_SECONDS, "mb": 5.0}[what]
    told = [(p.size, getattr(p, what)) for p in points if getattr(p, what) >= least][-3:]
    if len(told) < 2:
        return math.nan
    return float(np.polyfit(*np.log(np.array(told)).T, 1)[0])


def kept() -> list[Point]:
    """All kept points."""
    if not KEPT.exists():
        return []
    with KEPT.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    numbers = {"size": int, "seconds": float, "mb": float}
    return [Point(**row | {key: to(row[key]) for key, to in numbers.items()}) for row in rows]


def keep(points: list[Point]) -> None:
    """Replace an estimator's kept points by these."""
    fresh = {p.estimator for p in points}
    order = {name: i for i, name in enumerate(ESTIMATORS)}
    rows = [*(p for p in kept() if p.estimator not in fresh), *points]
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Point._fields)
        writer.writerows(sorted(rows, key=lambda p: order[p.estimator]))


def by_curve(points: list[Point]) -> dict[tuple[str, str], list[Point]]:
    """Points by estimator and curve."""
    found: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        found.setdefault((point.estimator, point.curve), []).append(point)
    return found


@style.styled
def draw(points: list[Point]) -> None:
    """Draw the figure: seconds above, memory below, one panel for each curve."""
    figure = style.new_figure(7.2, 5.4)
    axes = figure.subplots(2, len(CURVES), sharex="col", sharey="row")
    names = list(dict.fromkeys(p.estimator for p in points))
    curves = by_curve(points)
    for column, curve in enumerate(CURVES):
        for row, what in enumerate(("seconds", "mb")):
            panel = axes[row, column]
            panel.set_xscale("log")
            panel.set_yscale("log")
            for position, name in enumerate(names):
                told = [p for p in curves.get((name, curve), []) if getattr(p, what) > 0]
                sizes, values = [p.size for p in told], [getattr(p, what) for p in told]
                look = style.look(position)
                panel.plot(sizes, values, label=name, markersize=2.6, lw=0.8, **look)
        axes[1, column].set_xlabel(
            {"n": f"inputs n, d = {D}", "d": f"units d, n = {N:,}"}.get(
                curve, f"networks of {N:,} × {D}"
            )
        )
    axes[0, 0].set_ylabel("CPU seconds")
    axes[1, 0].set_ylabel("memory in addition to the samples, MB")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=9)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE)


def tabulate(points: list[Point], measured: bool) -> None:
    """Write the table in the docs: exponents, and where each curve ended.

    measured : whether now; otherwise machine and date stay
    """
    head = ["estimator"]
    for curve in CURVES:
        head += [f"{curve}: seconds, MB", f"largest {curve}"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    curves = by_curve(points)
    for name in dict.fromkeys(p.estimator for p in points):
        cells = [name]
        for curve in CURVES:
            cells += _cells(curves.get((name, curve), []))
        lines.append(f"| {' | '.join(cells)} |")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    on = old.split("\n\n")[0].strip()
    if measured:
        on = f"{table.processor()}, {datetime.date.today().isoformat()}, one thread."
    PAGE.write_text(f"{before}{BEGIN}\n{on}\n\n" + "\n".join(lines) + f"\n{END}{after}")


def _cells(points: list[Point]) -> list[str]:
    told = [p for p in points if not p.why]
    if not told:
        return ["", points[0].why if points else ""]
    powers = [exponent(told, what) for what in ("seconds", "mb")]
    shown = ", ".join("–" if math.isnan(power) else f"{power:.1f}" for power in powers)
    last = told[-1]
    return [shown, f"{last.size:,}: {table.duration(last.seconds)}, {last.mb:.0f} MB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("estimators", nargs="*", choices=[*ESTIMATORS, []])
    parser.add_argument("--limit", type=float, default=LIMIT, help="CPU seconds of a point")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    chosen = parser.parse_args()
    for name in ESTIMATORS:
        ESTIMATORS[name]  # imported once, before the forks
    for name in [] if chosen.draw else chosen.estimators or ESTIMATORS:
        points = []
        for curve in CURVES:
            for point in curve_of(name, curve, chosen.limit):
                said = point.why or f"{point.seconds:.3g} s {point.mb:.0f} MB"
                print(f"{name:<12} {curve:<9} {point.size:>7} {said}", flush=True)
                points.append(point)
        keep(points)
    draw(kept())
    tabulate(kept(), measured=not chosen.draw)


if __name__ == "__main__":
    main()
