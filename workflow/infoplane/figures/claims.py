"""How often claims hold: one figure of all, and one of each with every analysis."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.claims.verdicts import ANALYSIS, where
from infoplane.figures import style

HOLDS, FAILS = style.COLOURS[0], style.COLOURS[1]
SHARES = {
    "holds_decided": ("holds, decided", HOLDS, 1.0),
    "holds_open": ("holds, open", HOLDS, 0.35),
    "fails_open": ("fails, open", FAILS, 0.35),
    "fails_decided": ("fails, decided", FAILS, 1.0),
}
"""Parts of a bar: label, colour and strength."""
LABELS = {
    "compression": "fall of $I(X;T)$, turn to last epoch  [bits]",
    "rise": "rise of $I(X;T)$, first epoch to turn  [bits]",
    "fitting": "rise of $I(T;Y)$, first epoch to turn  [bits]",
    "ity_end": "$I(T;Y)$ at the last epoch  [bits]",
    "turn": "epoch at which $I(X;T)$ is highest",
    "gradient_snr": "signal-to-noise ratio of the gradient at the turn",
}
"""Labels of axes, by statistic; scores have their own names."""
MOST_LINES, MOST_NAMED = 60, 12
"""The largest numbers of analyses in a figure, and in a caption."""
LINE, HEAD = 0.17, 0.25
"""Inches for an analysis, and for the name of its subject."""


def save(
    table: pd.DataFrame, said: Sequence[Mapping[str, Any]], folder: Path, recipe: str
) -> None:
    """Write png, pdf, csv and json of all claims together and of each into a folder.

    table, said : see `claims.verdicts`
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = shares_of(said)
    rows = [list(HEADINGS), *([str(cell) for cell in _cells(one)] for one in said)]
    about = {"caption": _caption_of_all(numbers), "alt": _alt_of_all(said), "table": rows}
    _save(draw_all(numbers), numbers, folder / "claims", "All claims", about, recipe)
    for one in said:
        own = table[table.claim == one["claim"]]
        about = {"caption": caption_of(one, own), "alt": f"{one['sentence']} {one['verdict']}."}
        name = f"claim-{one['claim']}"
        _save(draw_one(own, one), own, folder / name, one["sentence"], about, recipe)


def shares_of(said: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per claim: its name and sentence, analyses, and how many of each of SHARES."""
    rows = []
    for one in said:
        n, holds = one["analyses"], one["holds"]
        counts = {
            "holds_decided": one["holds_decided"],
            "holds_open": holds - one["holds_decided"],
            "fails_open": n - holds - one["fails_decided"],
            "fails_decided": one["fails_decided"],
        }
        names = {"claim": one["claim"], "sentence": one["sentence"]}
        rows.append({**names, "analyses": n, "holds": holds, **counts})
    return pd.DataFrame(rows)


@style.styled
def draw_all(numbers: pd.DataFrame) -> Drawn:
    """One bar per claim, divided into analyses in which it holds or fails, decided or open."""
    sentences = [textwrap.wrap(text, 46) for text in numbers.sentence]
    tall = sum(max(2, len(lines)) for lines in sentences)
    figure = style.new_figure(6.9, 0.65 + 0.16 * tall)
    axes = figure.subplots()
    at, places = 0.0, []
    for lines in sentences:
        height = max(2, len(lines))
        places.append(at + height / 2)
        at += height
    for place, row in zip(places, numbers.to_dict("records"), strict=True):
        left = 0.0
        for name, (_, colour, alpha) in SHARES.items():
            width = 100 * row[name] / max(row["analyses"], 1)
            axes.barh(place, width, 1.1, left, color=colour, alpha=alpha, lw=0)
            left += width
        many = f"{row['holds']} of {row['analyses']}"
        axes.text(102, place, many, va="center", ha="left", fontsize=8)
    axes.set_yticks(places, ["\n".join(lines) for lines in sentences])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(at, 0)
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of analyses  [%]")
    axes.tick_params(axis="y", length=0)
    for label, colour, alpha in SHARES.values():
        axes.barh(0, 0, color=colour, alpha=alpha, label=label)
    figure.legend(loc="outside upper center", ncols=len(SHARES))
    return figure


@style.styled
def draw_one(rows: pd.DataFrame, said: Mapping[str, Any]) -> Drawn:
    """One line per analysis: each network at its statistic, with its interval."""
    with_value = rows[rows.holds.notna()]
    if with_value.empty:
        return style.blank(style.new_figure(4.4, 2.0), "no analysis has a value")
    by_head: dict[str, list[tuple[str, pd.DataFrame]]] = {}
    for names, part in list(with_value.groupby(ANALYSIS, sort=False, dropna=False))[
        :MOST_LINES
    ]:
        cell = dict(zip(ANALYSIS, names, strict=True))
        head = ", ".join(filter(None, where(cell)))
        name = _name(cell["quantity"], cell["estimator"], with_value)
        by_head.setdefault(head, []).append((name, part))
    heads, places, at = {}, [], 0.0
    for head, lines in by_head.items():
        heads[head] = at
        at += HEAD
        for name, part in lines:
            places.append((at, name, part))
            at += LINE
    figure = style.new_figure(6.9, 0.75 + at)
    axes = figure.subplots()
    threshold = float(with_value.threshold.iloc[0])
    low, high = _limits(with_value, threshold)
    beyond = high if with_value.direction.iloc[0] == "above" else low
    axes.axvspan(threshold, beyond, color=HOLDS, alpha=0.06, lw=0)
    axes.axvline(threshold, color=style.QUIET, lw=0.8)
    for place, _, part in places:
        offsets = np.linspace(-0.3, 0.3, len(part)) * LINE if len(part) > 1 else [0.0]
        for offset, row in zip(offsets, part.itertuples(), strict=True):
            colour = HOLDS if row.holds else FAILS
            ends = np.clip([row.low, row.high], low, high)
            axes.plot(ends, [place + offset] * 2, color=colour, lw=0.5, alpha=0.5)
            face = colour if row.decided else "white"
            axes.plot(row.value, place + offset, "o", ms=2.6, color=colour, mfc=face, mew=0.6)
    axes.set_yticks([p for p, _, _ in places], [name for _, name, _ in places])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(at, -0.06)
    axes.set_xlim(low, high)
    axes.set_xlabel(LABELS.get(rows.statistic.iloc[0], said["axis"]))
    axes.tick_params(axis="y", length=0)
    for head, place in heads.items():
        axes.annotate(
            head, (0, place + 0.12), (-4, 0), ha="right", va="center", weight="bold",
            xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=7.5,
            parse_math=False,
        )  # fmt: skip
    style.note(figure, [
        "blue: the claim holds, orange: it fails",
        "filled: the interval decides it, hollow: it is open",
        "shaded: where the claim holds",
        f"{_more(with_value)}",
    ])  # fmt: skip
    return figure


def caption_of(said: Mapping[str, Any], rows: pd.DataFrame) -> str:
    """The claim and its source, when it holds, how often, and which analyses disagree."""
    named = said["disagree"][:MOST_NAMED]
    more = len(said["disagree"]) - len(named)
    against = "; ".join(named) + (f"; and {more} more" if more > 0 else "")
    texts = [
        f"Claimed by {said['source']}." if said["source"] else "",
        f"It holds where {said['rule']}: it {said['verdict']}.",
        said["intervals"],
        f"Against it: {against}." if against else "",
        f"Without an interval: {said['without_interval']}." if said["without_interval"] else "",
        f"Without a value: {said['left_out']}." if said["left_out"] else "",
    ]
    if (rows.interval_kind == "resampled").any():
        texts.append("Intervals are of resampled networks.")
    return " ".join(filter(None, texts))


HEADINGS = (
    *("claim", "who says so", "holds where", "holds in"),
    *("decided for", "decided against", "open", "without an interval"),
)


def _cells(said: Mapping[str, Any]) -> tuple:
    n, decided = said["analyses"], said["holds_decided"] + said["fails_decided"]
    many = f"{said['holds']} of {n}" if n else "not tried"
    counts = said["holds_decided"], said["fails_decided"], n - decided
    names = said["sentence"], said["source"] or "–", said["rule"]
    return *names, many, *counts, said["without_interval"] or "–"


def _caption_of_all(numbers: pd.DataFrame) -> str:
    return (
        f"{len(numbers)} claims and in how many analyses each holds. Dark: the interval of the "
        "analysis excludes the opposite; light: it does not, or there is none."
    )


def _alt_of_all(said: Sequence[Mapping[str, Any]]) -> str:
    return "Bars: " + " ".join(f"{one['sentence']} {one['verdict']}." for one in said)


def _save(figure: Drawn, numbers, stem: Path, heading: str, about: dict, recipe: str) -> None:
    paths = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "pdf", "csv"))
    style.save(figure, numbers, *paths)
    text = {**about, "heading": heading, "recipe": recipe}
    json_file = stem.with_name(f"{stem.name}.json")
    json_file.write_text(json.dumps(text, indent=1), encoding="utf-8")


def _limits(rows: pd.DataFrame, threshold: float) -> tuple[float, float]:
    """Ends of the axis: all values and the threshold, and intervals that are not far wider."""
    values = np.append(rows.value.to_numpy(np.float64), threshold)
    span = max(np.ptp(values), 0.1)
    ends = rows[["low", "high"]].to_numpy(np.float64).ravel()
    ends = np.clip(ends[np.isfinite(ends)], values.min() - span, values.max() + span)
    every = np.append(values, ends)
    room = 0.04 * max(np.ptp(every), 0.1)
    return every.min() - room, every.max() + room


def _name(quantity: str, by: str, rows: pd.DataFrame) -> str:
    """The subject of a line, with its estimator if another one has the same quantity."""
    alike = rows[rows.quantity == quantity].estimator.nunique() > 1
    return f"{quantity} [{by}]" if alike else quantity


def _more(rows: pd.DataFrame) -> str:
    n = rows.groupby(ANALYSIS, dropna=False).ngroups - MOST_LINES
    return f"{n} more analyses are in the table" if n > 0 else ""
