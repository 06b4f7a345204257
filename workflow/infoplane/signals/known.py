"""Values of an earlier measurement of the same networks that are still valid.

A store of signals holds many signals of many networks. An edited signal, a new stratum or one
more network should not cause all others to be measured again. So each store records what every
signal and every run was made from; a value is reused if both are unchanged.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infoplane.estimators import ESTIMATORS
from infoplane.networks import FAMILIES
from infoplane.networks.description import rebuild
from infoplane.provenance import digest_of_text, package_versions, source_digest
from infoplane.signals import SIGNALS
from infoplane.signals.interface import Signal
from infoplane.signals.measure import Found, Member, Row, the_network_of
from infoplane.signals.settings import Settings
from infoplane.stores.archive import StoreError
from infoplane.stores.signals import kept_signals
from infoplane.stores.weights import WeightsStore

log = logging.getLogger(__name__)

MADE_FROM = "made_from"
"""Attribute: digests of what each signal and each run was made from."""
OF_LAYERS = ("n_predicted", "dead", "lost")
"""Targets that were measured with the signals."""

Known = Mapping[tuple[str, int, int], Found]
"""Earlier results by run, seed and epoch."""


def made_from(
    signals: Mapping[str, Signal], members: Sequence[Member], settings: Settings
) -> dict[str, dict[str, str]]:
    """Digests of what signals and runs are made from: a signal's settings and sources, a run's
    weights and network."""
    around = [settings.canonical(), package_versions(), source_digest(*AROUND)]
    runs = {}
    for member in members:
        made = [_of_weights(WeightsStore(path)) for path in member.weights]
        runs[member.run] = digest_of_text(json.dumps(made))
    return {
        "signals": {name: _of_signal(signal, around) for name, signal in signals.items()},
        "runs": runs,
    }


def known(path: Path, asked: Mapping[str, Mapping[str, str]]) -> Known:
    """The values in the earlier store at `path` of those signals and runs whose digests equal
    the `asked` ones (`made_from`)."""
    try:
        values, targets, attributes = kept_signals(path)
    except StoreError as error:
        log.info("no earlier value is reused: %s", error)
        return {}
    made = attributes.get(MADE_FROM, {"signals": {}, "runs": {}})
    same = {
        kind: {name for name, digest in asked[kind].items() if made[kind].get(name) == digest}
        for kind in ("signals", "runs")
    }
    values = values[values.signal.isin(same["signals"]) & values.run.isin(same["runs"])]
    key = ["run", "seed", "epoch"]
    # a network in several strata appears in the tables several times
    values = values.drop_duplicates([*key, "signal", "layer"])
    measured = targets.drop_duplicates(key).set_index(key)
    found = {}
    for where, rows in values.groupby(key, sort=False):
        of_network = measured.loc[where]
        found[where] = Found(
            [Row(*one) for one in rows[[*Row._fields]].itertuples(index=False, name=None)],
            {name: of_network[name] for name in OF_LAYERS},
        )
    return found


AROUND = ("infoplane.signals.measure", "infoplane.stores.signals")
"""Modules that every value depends on."""


def _of_signal(signal: Signal, around: Sequence[Any]) -> str:
    modules = [SIGNALS.path(signal.name)]
    estimator = getattr(signal.settings, "estimator", None)
    if estimator is not None:
        modules.append(ESTIMATORS.path(estimator.estimator))
    return digest_of_text(
        json.dumps([signal.settings.canonical(), source_digest(*modules), *around])
    )


def _of_weights(store: WeightsStore) -> list[str]:
    network = rebuild(the_network_of(store))
    family = type(network)
    source = source_digest(FAMILIES.path(network.settings.family))
    return [str(store.attributes.get("identity")), source, family.made_of(network.settings)]
