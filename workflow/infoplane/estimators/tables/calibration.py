"""Which settings decide how accurate an estimator is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infoplane.estimators.interface import Estimator

FREE = frozenset({"estimator", "memory_mb", "batch", "seed", "device", "curves"})
"""Settings that leave an estimator's accuracy as it is. An estimator adds to them, in
`chosen_by`, what chooses the quantity that is estimated, and not how well."""


def told_apart_by(estimator: Estimator) -> str:
    """The settings that decide an estimator's accuracy, as text: equal for equal accuracy."""
    free = FREE | estimator.chosen_by | estimator.idle
    chosen: Mapping = estimator.settings.model_dump(mode="json")
    return json.dumps({k: v for k, v in chosen.items() if k not in free}, sort_keys=True)
