"""One self-contained HTML page of a calibration: figures, errors, refusals, truths."""

from collections.abc import Mapping, Sequence

import pandas as pd
import yaml

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables.calibration import GROUPS
from infoplane.figures.calibration import KINDS
from infoplane.figures.page import Drawing, template
from infoplane.information import QUANTITIES
from infoplane.truth.coverage import by_family, families_of
from infoplane.truth.page import Page

SHOWN_REFUSALS = 40
"""Reasons that the page lists; the file of errors has all."""


def render(
    page: Page,
    errors: pd.DataFrame,
    tasks: pd.DataFrame,
    drawings: Sequence[Drawing],
    missing: Mapping[str, str],
    versions: Mapping[str, str],
    errors_file: str,
    covered: pd.DataFrame,
    held: pd.DataFrame,
    measured: Sequence[tuple[str, str]],
) -> str:
    """The page as HTML, all images inside it.

    errors : from truth.errors; tasks : from truth.run.listed; missing : why a problem could not
    be prepared, by its name; errors_file : path of the errors, for the command on the page;
    covered : from truth.coverage.read; held : from truth.coverage.held, for the page's answers;
    measured : from truth.measured.in_words
    """
    written = page.model_dump(mode="json")
    return template("calibration.html.j2").render(
        page=page,
        summary=summary(errors),
        quantities=quantities(page),
        intervals=_intervals(by_family(covered)),
        held=_intervals([row for row in by_family(held) if row["overall"] != "no interval"]),
        measured=measured,
        left_out=left_out(page, missing),
        refusals=refusals(errors),
        drawings=drawings,
        tasks=list(tasks.itertuples()),
        kinds=KINDS,
        errors=errors_file,
        settings=yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=90),
        versions=versions,
    )


def quantities(page: Page) -> list[tuple[str, str, str]]:
    """Each estimator with the quantities of its I(X;T) and I(T;Y), in words."""
    found = []
    for name, settings in page.estimators.items():
        estimator = ESTIMATORS[settings.estimator](settings)
        found.append((name, *(estimator.quantity_of(of).words for of in QUANTITIES)))
    return found


def _intervals(entries: list[dict]) -> list[dict]:
    """A table for each group of variables: how often calibrated intervals were right.

    entries : from truth.coverage.by_family
    """
    found = {name: [e for e in entries if e["kind"] == name] for name in GROUPS}
    return [
        {"of": name, "families": families_of(rows), "rows": rows}
        for name, rows in found.items()
        if rows
    ]


def summary(errors: pd.DataFrame) -> list[dict[str, str]]:
    """How often each estimator is right, in words and numbers: one row per estimator and
    kind."""
    rows = []
    for (estimator, kind), part in errors.groupby(["estimator", "kind"], sort=False):
        answered = part[part["mean"].notna()]
        judged = answered[answered.truth.notna()]
        right = judged.right.astype(bool)
        off = judged.error.abs()
        apart = (judged.truth - judged.information).abs()
        rows.append(
            {
                "estimator": str(estimator),
                "of": KINDS[str(kind)],
                "answers": str(len(answered)),
                "judged": str(len(judged)),
                "right": f"{100 * right.mean():.0f} %" if len(judged) else "–",
                "median": f"{off.median():.3f} bit" if len(judged) else "–",
                "largest": f"{off.max():.2f} bit" if len(judged) else "–",
                "apart": f"{apart.median():.2f} bit" if len(judged) else "–",
                "refused": str(int(part["mean"].isna().sum())),
                "seconds": f"{part.seconds.median():.2g}",
            }
        )
    return rows


def left_out(page: Page, missing: Mapping[str, str]) -> list[str]:
    """A sentence for everything that the page does not ask."""
    sentences = [f"{problem}: {reason}" for problem, reason in missing.items()]
    for name, limits in page.limits.items():
        of_reason: dict[str, list[str]] = {}
        for problem, reason in limits.without.items():
            of_reason.setdefault(reason, []).append(problem)
        sentences += [
            f"{name} on {', '.join(of)}: {reason}" for reason, of in of_reason.items()
        ]
        numbers = {"samples": limits.largest_n, "dimensions": limits.largest_d}
        sentences += [
            f"{name} on more than {largest:,} {what}: {limits.reason}"
            for what, largest in numbers.items()
            if largest is not None
        ]
        if limits.seeds is not None and limits.seeds < page.seeds:
            sentences.append(f"{name} on more than {limits.seeds} of {page.seeds} draws")
    return sentences


def refusals(errors: pd.DataFrame) -> list[str]:
    """The reasons of estimators that refused, each once with its count."""
    refused = errors[errors.refused != ""]
    groups = refused.groupby(["estimator", "family"], sort=False)
    sentences = []
    for (estimator, family), part in groups:
        tasks = "1 task" if len(part) == 1 else f"{len(part)} tasks"
        sentences.append(
            f"{estimator} on {tasks} of {family}, the first: {part.refused.iloc[0]}"
        )
    more = len(sentences) - SHOWN_REFUSALS
    return sentences[:SHOWN_REFUSALS] + (
        [f"and {more} more, in errors.csv"] if more > 0 else []
    )
