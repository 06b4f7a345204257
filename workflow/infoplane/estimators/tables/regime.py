"""Where an estimator was shown to be accurate: its tested regime, from the calibration page.

`snakemake estimator_truth` runs every estimator on problems whose answer is known;
`infoplane.truth.regimes` derives from its errors one small table an estimator,
regimes/<file>.csv beside this file (of an estimator of the user's own, beside its file). A row
says: on n samples in d dimensions every error stayed below 0.1 bit or 10 %, whichever is more,
for true values up to `information` bits.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infoplane.information import ERROR
from infoplane.provenance import digest_of_text

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

FREE = frozenset({"estimator", "memory_mb", "batch", "seed", "device", "curves"})
"""Settings that leave an estimator's accuracy as it is. An estimator adds to them, in
`chosen_by`, what chooses the quantity that is estimated, and not how well."""

KINDS = ("continuous", "labels", "inputs")
"""What the second variable is: continuous, a label, or the index of the input itself."""

COLUMNS = ("settings", "kind", "n", "d", "information")


class Row(NamedTuple):
    """Accurate up to `information` bits, on n samples of d dimensions."""

    settings: str
    kind: str
    n: int
    d: int
    information: float


class Regime(NamedTuple):
    """Where one estimator with its settings was shown to be accurate."""

    rows: tuple[Row, ...]

    def contains(self, kind: str, n: int, d: int, value: float) -> bool:
        """Whether an estimate in bits lies within.

        More samples and fewer dimensions than tested count as tested. Information is never
        negative: an estimate below 0 by more than ERROR is wrong, wherever it is. What is
        not a number needs no test.
        """
        if value != value:
            return True
        return value >= -ERROR and any(
            row.kind == kind and row.n <= n and row.d >= d and row.information >= value
            for row in self.rows
        )


def of(estimator: Estimator) -> Regime:
    """The tested regime of an estimator; of one without a table, an empty one."""
    asked = told_apart_by(estimator)
    tested = rows(str(path_of(type(estimator).__module__)))
    return Regime(tuple(row for row in tested if row.settings == asked))


def told_apart_by(estimator: Estimator) -> str:
    """The settings that decide an estimator's accuracy, as text: equal for equal accuracy."""
    free = FREE | estimator.chosen_by | estimator.idle
    chosen: Mapping = estimator.settings.model_dump(mode="json")
    return json.dumps({k: v for k, v in chosen.items() if k not in free}, sort_keys=True)


def path_of(module: str) -> Path:
    """Where the table of the module of this import path stands; it need not exist."""
    if module.startswith("infoplane."):
        return Path(__file__).parent / "regimes" / f"{module.rpartition('.')[2]}.csv"
    found = importlib.util.find_spec(module)
    place = Path(found.origin) if found and found.origin else Path(module.replace(".", "/"))
    return place.parent / "regimes" / f"{place.stem}.csv"


def digest_of(module: str) -> str:
    """Digest of the table of the module of this import path; results carry flags from it."""
    path = path_of(module)
    return digest_of_text(path.read_bytes()) if path.is_file() else "not tested"


@cache
def rows(path: str) -> tuple[Row, ...]:
    """The rows of a table; none where there is no such file."""
    if not Path(path).is_file():
        return ()
    with Path(path).open(newline="", encoding="utf-8") as file:
        return tuple(
            Row(r["settings"], r["kind"], int(r["n"]), int(r["d"]), float(r["information"]))
            for r in csv.DictReader(file)
        )
