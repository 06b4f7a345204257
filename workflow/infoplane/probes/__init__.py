"""Probes: the inputs and labels on which a network is measured, one class per file.

`measure.probe` chooses one, and its settings are keys of `measure`. A probe of your own has its
import path as its name, `probe: "myprobe:MyProbe"`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infoplane.table import Table

if TYPE_CHECKING:
    from infoplane.datasets.source import Data
    from infoplane.probes.probe import Probe

PROBES = Table(
    "probe",
    {
        "dataset": "infoplane.probes.dataset:DatasetProbe",
        "real_or_fake": "infoplane.probes.real_or_fake:RealOrFakeProbe",
        "positions": "infoplane.probes.positions:PositionsProbe",
    },
    open=True,
    base="infoplane.probes.probe:Probe",
)


def probe_of(written: str, data: Data) -> Probe:
    """The probe of a run's `measure`, from its settings as JSON."""
    settings = json.loads(written)
    kind = PROBES[settings["probe"]]
    return kind(kind.Settings.model_validate(settings), data)
