"""The coverage of calibrated intervals, family by family, from the test of calibrate.py.

The test leaves out a family and everything that depends on it. An estimator is called
calibrated for one group of variables if CLAIM of all its intervals contain the truth, and
CLAIM_WORST of those in the worst family; families with fewer than MANY intervals count as one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

COVERAGE = Path(__file__).with_name("coverage.csv")
"""The table that ships: one row per estimator, kind and family, with `calibrated`."""
COVERED = ["estimator", "kind", "family", "values", "given", "inside", "width"]
"""Columns of a table of coverage."""
SUMMARY = ("estimator", "second variable", "claimed", "given", "inside", "worst family")
SUMMARY += ("median", "widths")
"""Columns of a summary."""
CLAIM, CLAIM_WORST = 0.88, 0.75
"""The least coverage of all values, and of the worst family, of a calibrated estimator."""
MANY = 10
"""A family with at least this many values has full weight."""
FEWEST = 3
"""A margin needs this many families, so that two are left for each fit."""


def coverage(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per estimator, kind and family: numbers of values and of intervals (given), the
    share of these that contain the truth (inside), and their median width in bits.
    trials : from `calibrate.tested`"""
    rows = []
    for key, part in trials.groupby(["estimator", "kind", "family"], sort=False):
        there = part[part.given]
        width = (there.high - there.low).median()
        rows.append((*key, len(part), len(there), there.inside.mean(), width))
    return pd.DataFrame(rows, columns=COVERED)


def read(path: Path = COVERAGE) -> pd.DataFrame:
    """The table that ships."""
    return pd.read_csv(path)


def is_calibrated(table: pd.DataFrame) -> bool:
    """Whether intervals may be claimed. table : from `coverage`, for one estimator and kind"""
    return not failure(table)


def failure(table: pd.DataFrame) -> str:
    """Why intervals of one estimator and kind may not be claimed, in words with numbers; empty
    if they may. table : from `coverage`"""
    there = table[table.given > 0]
    if len(there) < FEWEST:
        return f"intervals in {families(len(there))} left out, and {FEWEST} are required"
    overall, worst, name = _shares(there)
    said = []
    if overall < CLAIM:
        said.append(_short(overall, "all intervals", CLAIM))
    if worst < CLAIM_WORST:
        said.append(_short(worst, f"the intervals of {name}", CLAIM_WORST))
    return "; ".join(said)


def _short(share: float, of: str, least: float) -> str:
    held, needed = (f"{100 * one:.0f} %" for one in (share, least))
    return f"{held} of {of} contain the truth, and {needed} are required"


def families(n: int) -> str:
    """ "1 family", "2 families"."""
    return "1 family" if n == 1 else f"{n} families"


def _shares(there: pd.DataFrame) -> tuple[float, float, str]:
    """Coverage of all intervals and of the worst family, and the name of this family."""
    few = there.given < MANY
    name = there.family.where(~few, " and ".join(there.family[few]))
    parts = pd.DataFrame({"hits": there.inside * there.given, "given": there.given})
    parts = parts.groupby(name.to_numpy()).sum()
    shares = parts.hits / parts.given
    return parts.hits.sum() / parts.given.sum(), float(shares.min()), str(shares.idxmin())


def by_family(table: pd.DataFrame) -> list[dict]:
    """For a page: one entry for each estimator and kind with `estimator`, `kind`, `said`
    (calibrated, or why not), `overall` and `families`, {name: text}.

    table : the table of the file that ships
    """
    entries = []
    for (estimator, kind), part in table.groupby(["estimator", "kind"], sort=False):
        there = part[part.given > 0]
        why = failure(part)
        hits, given = (there.inside * there.given).sum(), there.given.sum()
        entries.append(
            {
                "estimator": estimator,
                "kind": kind,
                "said": f"not calibrated: {why}" if why else "calibrated",
                "overall": f"{100 * hits / given:.0f} % of {given}" if given else "no interval",
                "families": {row.family: _cell(row) for row in part.itertuples()},
            }
        )
    return entries


def _cell(row) -> str:
    if not row.given:
        return f"none of {row.values}"
    return f"{100 * row.inside:.0f} % of {row.given}, {row.width:.2f} bit"


def summary(table: pd.DataFrame) -> str:
    """A table in Markdown for a page, one row per estimator and kind. table : the table of the
    file that ships

    Coverage is over all intervals; the numbers in brackets are its 2.5 and 97.5 % over families
    drawn with replacement, which indicates what another page might have shown.
    """
    lines = [
        f"| {' | '.join(SUMMARY)} |",
        f"|{len(SUMMARY) * '---|'}",
    ]
    for (estimator, kind), part in table.groupby(["estimator", "kind"], sort=False):
        there = part[part.given > 0]
        if there.empty:
            continue
        worst = there.loc[there.inside.idxmin()]
        cells = (
            f"`{estimator}`",
            kind,
            "no" if failure(part) else "yes",
            f"{100 * there.given.sum() / part['values'].sum():.0f} %",
            _with_range(there),
            f"{100 * worst.inside:.0f} % of {worst.given} ({worst.family})",
            f"{np.median(np.repeat(there.width, there.given)):.2f}",
            f"{there.width.min():.2f}–{there.width.max():.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_range(there: pd.DataFrame) -> str:
    given, hits = there.given.to_numpy(), (there.inside * there.given).to_numpy()
    drawn = np.random.default_rng(0).integers(len(there), size=(2000, len(there)))
    shares = 100 * hits[drawn].sum(axis=1) / given[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return f"{100 * hits.sum() / given.sum():.0f} % ({low:.0f}–{high:.0f})"


def families_of(entries: Sequence[dict]) -> list[str]:
    """The columns of a page's table, in the order in which they first appear."""
    return list(dict.fromkeys(name for entry in entries for name in entry["families"]))
