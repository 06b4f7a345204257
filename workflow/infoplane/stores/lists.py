"""Lists of violations: a CSV to be read by anyone, and beside it a JSON with what was compared
and a digest of both, so that a damaged list is never drawn."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from infoplane.stores.archive import damaged

DIGEST = "sha256"


def write_list(table: pd.DataFrame, about: Mapping, csv: Path) -> None:
    """Write a list to `csv`, and what it is about beside it."""
    table.to_csv(csv, index=False)
    said = {**about, DIGEST: _digest(csv, about)}
    csv.with_suffix(".json").write_text(json.dumps(said, indent=1), encoding="utf-8")


def read_list(csv: Path) -> tuple[pd.DataFrame, dict]:
    """The list and what it is about. Raises StoreError where one of them is damaged."""
    try:
        about = json.loads(csv.with_suffix(".json").read_text(encoding="utf-8"))
        digest = about.pop(DIGEST)
        if digest == _digest(csv, about):
            return pd.read_csv(csv), about
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(csv, f"it or its json cannot be read ({error})") from error
    raise damaged(csv, "it or its json has changed")


def _digest(csv: Path, about: Mapping) -> str:
    content = csv.read_bytes() + json.dumps(about, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()
