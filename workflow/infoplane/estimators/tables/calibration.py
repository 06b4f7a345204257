"""Calibrated intervals: how far off an estimator was on problems alike whose answer is known.

`infoplane.truth.calibrate` fits the table beside this file, calibration.json, to the errors of
the calibration page; it says there how, and how intervals are tested on families of problems
that the fit has not seen. What failed this test stands in the table with by how much. A fit is
of one estimator with its settings and one kind of second variable. Beside the value v there are
second opinions of the same samples (opinions.py). With
`start` those of v and of the opinions that distances are counted from,
    low = min(start) − (exp(f_low) − NEAR),    high = max(start) + (exp(f_high) − NEAR)
where f_low and f_high are sums of coefficients times `features`, the margin among them. No
information lies below 0, and with a label none above H(B), or where A takes few values above
what is counted: intervals end there.

An interval is given where the fit has evidence: settings as tested, no more and no fewer
samples, no more dimensions, values between those that at least two families reached, no
larger H(B), T continuous where the second variable is. Elsewhere there is none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infoplane.information import NO_INTERVAL, Interval
from infoplane.provenance import digest_of_text

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

TABLE = Path(__file__).with_name("calibration.json")

FREE = frozenset({"estimator", "memory_mb", "batch", "seed", "device", "curves"})
"""Settings that leave an estimator's accuracy as it is. An estimator adds to them, in
`chosen_by`, what chooses the quantity that is estimated, and not how well."""

CONTINUOUS, LABELS = "continuous", "labels"

OPINIONS = ("linear", "coarse", "entropy", "neighbours", "lines", "counted")
"""Beside a value, in a table of errors: of two continuous variables linear and coarse, of
labels H(B), neighbours, lines and counted (opinions.py); bits, NaN of the other kind."""

NEAR = 0.02
"""Bits that are added to distances before their logarithm is fitted: smaller ones are alike."""
OF_SECOND = {"coarse", "beyond", "told", "told middle", "gap", "most", "most middle"}
"""Features that are made of the second opinion."""
FAR = 15.0
"""Bits from which on values and distances are alike."""


class Asked(NamedTuple):
    """A value and what is known of it; numbers, or arrays of one length, in bits.

    kind : CONTINUOUS or LABELS
    n : samples; d_a, d_b : dimensions of A and of B, d_b 0 of labels
    stderr : NaN where the estimator has none
    reference : the opinion `linear` of continuous variables, H(B) of labels
    second : the opinion `coarse` of continuous variables; of labels the larger of `neighbours`
        and `lines`, between 0 and H(B)
    counted : the opinion of this name, of labels
    """

    kind: str
    n: float
    d_a: float
    d_b: float
    value: float
    stderr: float
    reference: float
    second: float
    counted: float


class Fit(NamedTuple):
    """The errors of one estimator with its settings, of one kind.

    ranges : smallest and largest n, d_a, d_b and value, and reference of labels, with evidence
    start : fields of Asked that distances are counted from
    low, high : coefficients of the features, by name
    """

    estimator: str
    settings: str
    kind: str
    ranges: Mapping[str, tuple[float, float]]
    start: Sequence[str]
    low: Mapping[str, float]
    high: Mapping[str, float]

    @property
    def takes_second(self) -> bool:
        """Whether it takes the second opinion."""
        return "second" in self.start or bool(OF_SECOND & {*self.low, *self.high})

    def covers(self, asked: Asked):
        """Whether there is evidence for a value; an array where `asked` holds arrays."""
        inside = True
        for name, (least, most) in self.ranges.items():
            number = getattr(asked, name)
            inside = inside & (number >= least) & (number <= most)
        return inside

    def why_none(self, asked: Asked) -> str:
        """Why there is no evidence for a value, of information.WHY_NONE; empty: there is.
        asked : of numbers, the reference NaN while it is not known"""
        for name, (least, most) in self.ranges.items():
            number = getattr(asked, name)
            if not least <= number <= most and not (name == "reference" and math.isnan(number)):
                side = "below" if number < least else "above"
                words = {"n": "samples", "value": side, "reference": "entropy"}
                return words.get(name, "dimensions")
        return ""

    def interval_of(self, asked: Asked) -> Interval:
        """Where the estimator's quantity lies by the evidence, in bits; NO_INTERVAL without
        it, and where labels are all one or T is not continuous (a reference of 0 or NaN)."""
        known = asked.reference > 0 if self.kind == LABELS else asked.reference >= 0
        if not known or self.why_none(asked):
            return NO_INTERVAL
        low, high = self.ends(asked)
        return Interval(float(low), float(high), "calibrated")

    def ends(self, asked: Asked) -> tuple:
        """Both ends of intervals, bits."""
        found = features(asked)
        below, above = (
            np.exp(np.clip(log_distance(found, side), math.log(NEAR), math.log(FAR))) - NEAR
            for side in (self.low, self.high)
        )
        least, most = around(asked, self.start)
        limit = most_of(asked) if asked.kind == LABELS else np.inf
        top = np.clip(most + above, 0, limit)
        return np.minimum(np.maximum(least - below, 0), top), top


class Failed(NamedTuple):
    """An estimator with its settings whose intervals, of one kind, failed the test; why : by
    how much, in words."""

    estimator: str
    settings: str
    kind: str
    why: str


class Known(NamedTuple):
    """What the table says of an estimator with its settings, by kind: fits, and why there is
    none, of information.WHY_NONE."""

    fits: Mapping[str, Fit]
    why: Mapping[str, str]


def known(estimator: Estimator) -> Known:
    """What the table says of an estimator with its settings."""
    mine, without = of(estimator), failures(estimator)
    tested = {one.kind for one in (*fits(), *failed()) if one.estimator == estimator.name}
    why = {
        kind: "not_calibrated" if kind in without else "settings" if kind in tested else ""
        for kind in (CONTINUOUS, LABELS)
        if kind not in mine
    }
    return Known(mine, {kind: said or "not_tested" for kind, said in why.items()})


def of(estimator: Estimator) -> Mapping[str, Fit]:
    """The fits of an estimator with these settings by kind; none where it is not calibrated."""
    return {fit.kind: fit for fit in _those_of(estimator, fits())}


def _those_of(estimator: Estimator, rows: Sequence) -> Iterator:
    """Of rows of the table those of this estimator with these settings."""
    asked = told_apart_by(estimator)
    for row in rows:
        idle = estimator.idle_with_labels if row.kind == LABELS else frozenset()
        if row.estimator == estimator.name and _less(row.settings, idle) == _less(asked, idle):
            yield row


def failures(estimator: Estimator) -> dict[str, str]:
    """Of each kind of which an estimator with these settings failed the test of calibrated
    intervals, by how much, in words."""
    return {one.kind: one.why for one in _those_of(estimator, failed())}


def _less(settings: str, idle: frozenset[str]) -> dict:
    """The settings, from text, without those that are idle."""
    return {key: v for key, v in json.loads(settings).items() if key not in idle}


def digest_of(estimator: str) -> str:
    """Digest of what the table says of the estimator of this name: results carry intervals
    from it, or why there is none."""
    rows = [row for row in (*fits(), *failed()) if row.estimator == estimator]
    return digest_of_text(json.dumps(rows))


def told_apart_by(estimator: Estimator) -> str:
    """The settings that decide an estimator's accuracy, as text: equal for equal accuracy."""
    free = FREE | estimator.chosen_by | estimator.idle
    chosen: Mapping = estimator.settings.model_dump(mode="json")
    return json.dumps({k: v for k, v in chosen.items() if k not in free}, sort_keys=True)


@cache
def fits() -> tuple[Fit, ...]:
    """The fits of the table that ships."""
    return tuple(Fit(**row) for row in _rows("fits"))


@cache
def failed() -> tuple[Failed, ...]:
    """What failed, in the table that ships."""
    return tuple(Failed(**row) for row in _rows("failed"))


def _rows(part: str) -> list[dict]:
    return json.loads(TABLE.read_text(encoding="utf-8"))[part]


def features(asked: Asked) -> dict[str, np.ndarray | float]:
    """What errors are fitted by; those of labels are shares of H(B)."""
    size = np.log(np.asarray(asked.n) / 4000)
    wide = np.log(np.maximum(asked.d_a, asked.d_b))
    spread = np.log(np.clip(np.nan_to_num(asked.stderr, nan=0.05), 0.003, 3))
    value, reference = np.asarray(asked.value, dtype=float), asked.reference
    second = np.asarray(asked.second, dtype=float)
    common = {"constant": np.ones_like(value), "n": size, "d": wide, "stderr": spread}
    if asked.kind == LABELS:
        share, told = (np.clip(bits / reference, 0, 1) for bits in (value, second))
        most = np.maximum(share, told)
        return common | {
            "entropy": np.log(reference),
            "share": share,
            "log share": _log(share),
            "middle": share * (1 - share),
            "told": told,
            "told middle": told * (1 - told),
            "gap": _log(np.clip(np.abs(value - second), 0, FAR)),
            "most": most,
            "most middle": most * (1 - most),
            "negative": _log(np.clip(-value, 0, FAR)),
            "above": _log(np.clip(value - reference, 0, FAR)),
        }
    return common | {
        "larger": _log(np.clip(np.maximum(value, reference), 0, FAR)),
        "apart": _log(np.clip(np.abs(value - reference), 0, FAR)),
        "above linear": _log(np.clip(value - reference, 0, FAR)),
        "below linear": _log(np.clip(reference - value, 0, FAR)),
        "coarse": _log(np.clip(second, 0, FAR)),
        "beyond": _log(np.clip(second - np.maximum(value, reference), 0, FAR)),
    }


def most_of(asked: Asked):
    """The most that A can tell of labels: H(B), or what is counted and its scatter."""
    return np.fmin(asked.reference, asked.counted + 1 / np.sqrt(asked.n))


def around(asked: Asked, start: Sequence[str]) -> tuple:
    """What distances below and above are counted from: the smallest and the largest of the
    fields of this name that are numbers."""
    numbers = [np.asarray(getattr(asked, name), dtype=float) for name in start]
    return np.fmin.reduce(numbers), np.fmax.reduce(numbers)


def log_distance(found: Mapping, side: Mapping[str, float]):
    """The fitted logarithm of a distance + NEAR; found : of `features`"""
    return sum(coefficient * found[name] for name, coefficient in side.items())


def _log(bits):
    return np.log(bits + 0.05)
