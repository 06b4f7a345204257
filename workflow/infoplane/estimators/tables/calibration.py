"""Calibrated intervals, from an estimator's errors on similar problems with a known answer.

`infoplane.truth.calibrate` fits calibration.json, in this folder, to the errors of the
calibration page; its docstring says how, and how intervals are tested on families of problems
that the fit has not seen. For fits that failed this test, the table says by how much. A fit is
for one estimator with its settings and one of GROUPS. Next to the value v it uses
second opinions from the same samples (opinions.py). `start` lists the value or opinions from
which distances are counted:
    low = min(start) − (exp(f_low) − NEAR),    high = max(start) + (exp(f_high) − NEAR)
where f_low and f_high are sums of coefficients times `features`, including the margin. No
information is below 0. With labels none is above H(B) or, if A takes few values, above what is
counted. Intervals are cut at these limits.

An interval is given where the fit has evidence: the tested settings; numbers of samples,
numbers of dimensions, values and H(B) within the range that was tested, for values the range
that at least two families reached; and continuous T if the second variable is continuous.
Elsewhere there is none.
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
"""Settings that do not affect an estimator's accuracy. An estimator adds, in `chosen_by`, the
settings that choose which quantity is estimated, and not how well."""

CONTINUOUS, LABELS = "continuous", "labels"
FEW = 3
"""Two continuous variables have few dimensions if the wider one has at most this many.
Estimators err differently with more, so fits and tests are separate."""
OF_FEW, OF_MANY = f"continuous, up to {FEW} dimensions", f"continuous, over {FEW} dimensions"
GROUPS = (OF_FEW, OF_MANY, LABELS)
"""What a fit is for: two continuous variables with few or many dimensions, or labels."""


def group(d_a: float, d_b: float) -> str:
    """The group of variables with these dimensions; d_b is 0 for labels."""
    return LABELS if d_b == 0 else OF_FEW if max(d_a, d_b) <= FEW else OF_MANY


OPINIONS = ("linear", "coarse", "entropy", "neighbours", "lines", "counted")
"""Columns of a table of errors, in bits: for two continuous variables linear and coarse, for
labels H(B), neighbours, lines and counted (opinions.py); NaN for the other kind."""

NEAR = 0.02
"""Bits that are added to distances before their logarithm is fitted, so that smaller distances
count as equal."""
OF_SECOND = {"coarse", "beyond", "told", "told middle", "gap", "most", "most middle"}
"""Features that use the second opinion."""
FAR = 15.0
"""Values and distances above this many bits count as equal."""


class Asked(NamedTuple):
    """A value and what is known about it; numbers, or arrays of one length, in bits.

    kind : the group, one of GROUPS
    n : number of samples; d_a, d_b : dimensions of A and of B, d_b is 0 for labels
    stderr : NaN if the estimator has none
    reference : for continuous variables the opinion `linear`, for labels H(B)
    second : for continuous variables the opinion `coarse`; for labels the larger of
        `neighbours` and `lines`, between 0 and H(B)
    counted : for labels the opinion of this name
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
    """A fit to the errors of one estimator with its settings, for one group.

    ranges : smallest and largest n, d_a, d_b and value with evidence, for labels of reference
        too
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
        """Whether it uses the second opinion."""
        return "second" in self.start or bool(OF_SECOND & {*self.low, *self.high})

    def covers(self, asked: Asked):
        """Whether there is evidence for a value; an array if `asked` holds arrays."""
        inside = True
        for name, (least, most) in self.ranges.items():
            number = getattr(asked, name)
            inside = inside & (number >= least) & (number <= most)
        return inside

    def why_none(self, asked: Asked) -> str:
        """Why there is no evidence for a value, a key of information.WHY_NONE; empty if there
        is. asked : numbers; its reference is NaN while it is not known"""
        for name, (least, most) in self.ranges.items():
            number = getattr(asked, name)
            if not least <= number <= most and not (name == "reference" and math.isnan(number)):
                side = "below" if number < least else "above"
                words = {"n": "samples", "value": side, "reference": "entropy"}
                return words.get(name, "dimensions")
        return ""

    def interval_of(self, asked: Asked) -> Interval:
        """The interval of the estimator's quantity, in bits; NO_INTERVAL without evidence, if
        all labels are equal, or if T is not continuous (a reference of 0 or NaN)."""
        known = asked.reference > 0 if self.kind == LABELS else asked.reference >= 0
        if not known or self.why_none(asked):
            return NO_INTERVAL
        low, high = self.ends(asked)
        return Interval(float(low), float(high), "calibrated")

    def ends(self, asked: Asked) -> tuple:
        """The lower and upper ends of intervals, in bits."""
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
    """An estimator with its settings whose intervals for one group failed the test.
    why : by how much, in words"""

    estimator: str
    settings: str
    kind: str
    why: str


class Known(NamedTuple):
    """What the table says about an estimator with its settings, by group.
    fits : the fits; why : for groups without a fit, the key of information.WHY_NONE"""

    fits: Mapping[str, Fit]
    why: Mapping[str, str]


def known(estimator: Estimator) -> Known:
    """What the table says about an estimator with its settings."""
    mine, without = of(estimator), failures(estimator)
    tested = {one.kind for one in (*fits(), *failed()) if one.estimator == estimator.name}
    why = {
        kind: "not_calibrated" if kind in without else "settings" if kind in tested else ""
        for kind in GROUPS
        if kind not in mine
    }
    return Known(mine, {kind: said or "not_tested" for kind, said in why.items()})


def of(estimator: Estimator) -> Mapping[str, Fit]:
    """The fits of an estimator with these settings, by group; none if it is not calibrated."""
    return {fit.kind: fit for fit in _those_of(estimator, fits())}


def _those_of(estimator: Estimator, rows: Sequence) -> Iterator:
    """The rows of the table for this estimator with these settings."""
    asked = told_apart_by(estimator)
    for row in rows:
        idle = estimator.idle_with_labels if row.kind == LABELS else frozenset()
        if row.estimator == estimator.name and _less(row.settings, idle) == _less(asked, idle):
            yield row


def failures(estimator: Estimator) -> dict[str, str]:
    """By how much, in words, an estimator with these settings failed the test of calibrated
    intervals, for each group that failed."""
    return {one.kind: one.why for one in _those_of(estimator, failed())}


def _less(settings: str, idle: frozenset[str]) -> dict:
    """The settings, from their text, without the idle ones."""
    return {key: v for key, v in json.loads(settings).items() if key not in idle}


def digest_of(estimator: str) -> str:
    """Digest of what the table says about the estimator of this name. Results depend on it:
    they carry intervals, or the reason why there is none."""
    rows = [row for row in (*fits(), *failed()) if row.estimator == estimator]
    return digest_of_text(json.dumps(rows))


def told_apart_by(estimator: Estimator) -> str:
    """The settings that affect an estimator's accuracy, as text: equal for equal accuracy."""
    free = FREE | estimator.chosen_by | estimator.idle
    chosen: Mapping = estimator.settings.model_dump(mode="json")
    return json.dumps({k: v for k, v in chosen.items() if k not in free}, sort_keys=True)


@cache
def fits() -> tuple[Fit, ...]:
    """The fits of the table that ships."""
    return tuple(Fit(**row) for row in _rows("fits"))


@cache
def failed() -> tuple[Failed, ...]:
    """The failed fits of the table that ships."""
    return tuple(Failed(**row) for row in _rows("failed"))


def _rows(part: str) -> list[dict]:
    return json.loads(TABLE.read_text(encoding="utf-8"))[part]


def features(asked: Asked) -> dict[str, np.ndarray | float]:
    """The features that errors are fitted to; with labels, some are shares of H(B)."""
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
    """The most that A can tell about labels: H(B), or `counted` plus its scatter if that is
    less."""
    return np.fmin(asked.reference, asked.counted + 1 / np.sqrt(asked.n))


def around(asked: Asked, start: Sequence[str]) -> tuple:
    """Where distances below and above are counted from: the smallest and the largest of the
    fields in `start`, without NaN."""
    numbers = [np.asarray(getattr(asked, name), dtype=float) for name in start]
    return np.fmin.reduce(numbers), np.fmax.reduce(numbers)


def log_distance(found: Mapping, side: Mapping[str, float]):
    """The fitted logarithm of a distance + NEAR. found : result of `features`"""
    return sum(coefficient * found[name] for name, coefficient in side.items())


def _log(bits):
    return np.log(bits + 0.05)
