"""Claims about phases of training, tried on every network with every estimator."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from infoplane.claims.settings import NO_INTERVAL, STATISTICS, PhaseClaim
from infoplane.information import FLAGS, why_none_in_words
from infoplane.phases.layers import last_hidden
from infoplane.phases.networks import Curves, Of, statistics_of

WITHOUT_VALUE = ("training_failed", "set_aside", "needs_noise", "needs_x")
"""Flags that explain a missing value."""
CHOOSES = "the first network only chooses where the next one is judged"
RATIO = "a ratio of gradients is not an estimate of information"
"""Why a ratio of gradients has no interval."""


def tried(claim: PhaseClaim, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One record per layer and network: layer, seed, quantity, value, low, high, interval_kind,
    and note, the reason for no value or no interval. Values are in the unit of the claim's
    statistic.

    table : of one run and one estimator, as figures.material measures it, with gradient_snr if
    the claim is about it. Networks are in the order of their seeds, at the epochs at which each
    of them has a value.
    Raises ValueError if a layer of the claim was not measured.
    """
    quantity = STATISTICS[claim.statistic].quantity
    words = str(table[f"quantity_{quantity}"].iloc[0]) if quantity else "the layer's gradient"
    for layer in layers_of(claim, list(dict.fromkeys(table.layer))):
        part = table[table.layer == layer]
        found, seeds = _statistic(claim.statistic, part)
        without_value = _why_no_value(part, seeds, found)
        places = {} if found is None else {seeds[at]: i for i, at in enumerate(found.at)}
        for seed in sorted(part.seed.unique()):
            numbers = {"value": np.nan, "low": np.nan, "high": np.nan, "interval_kind": "none"}
            note = ""
            if (i := places.get(seed)) is not None:
                fields = found.value[i], found.low[i], found.high[i], found.kind[i]
                numbers = dict(zip(numbers, fields, strict=True))
                note = _why_no_interval(claim.statistic, part, found, i)
            if not np.isfinite(numbers["value"]):
                note = without_value[seed]
            yield {
                "layer": layer,
                "seed": int(seed),
                "quantity": words,
                **numbers,
                "note": note,
            }


def _why_no_interval(statistic: str, part: pd.DataFrame, found: Of, i: int) -> str:
    """Why a network's statistic has no interval, as a note; "" if it has one.

    i : number of the network in `found`
    """
    if found.kind[i] != "none":
        return ""
    if statistic == "gradient_snr":
        return f"{NO_INTERVAL}{RATIO}"
    failed = str(part.not_calibrated.iloc[0]) if "not_calibrated" in part else ""
    words = [why_none_in_words(name, failed) for name in found.why[i].split("|")]
    return f"{NO_INTERVAL}{'; '.join(words)}"


def layers_of(claim: PhaseClaim, measured: list[str]) -> list[str]:
    """The layers of a claim. measured : names in the network's order

    Raises ValueError if one of them was not measured.
    """
    if claim.layers == "last_hidden":
        return [last_hidden(measured)]
    if claim.layers == "hidden":
        return measured[:-1] or measured
    if missing := [layer for layer in claim.layers if layer not in measured]:
        raise ValueError(
            f"layer '{missing[0]}' is not measured. Measured: {', '.join(measured)}"
        )
    return list(claim.layers)


def _statistic(name: str, part: pd.DataFrame) -> tuple[Of | None, list[int]]:
    """A statistic of one layer, and its seeds; None if no seed has values."""
    needed = STATISTICS[name].quantity or "gradient_snr"
    wide = {of: part.pivot(index="seed", columns="epoch", values=of) for of in ("ixt", "ity")}
    there = wide["ixt"].dropna(how="all").dropna(axis="columns")
    if needed == "ity":  # the statistic does not exist for a seed without labels
        there = there.loc[there.index.intersection(wide["ity"].dropna(how="all").index)]
    if there.empty:
        return None, []
    at = {"index": there.index, "columns": there.columns}
    curves = {of: _curves(part, of, at) for of in ("ixt", "ity")}
    snr = None
    if needed == "gradient_snr":
        snr = part.pivot(index="seed", columns="epoch", values="gradient_snr")
        snr = snr.reindex(**at).to_numpy(np.float64)
        snr = np.where(snr > 0, snr, np.nan)
    found = statistics_of(there.columns.to_numpy(), curves["ixt"], curves["ity"], snr)
    return found[name], there.index.tolist()


def _curves(part: pd.DataFrame, of: str, at: dict[str, pd.Index]) -> Curves:
    names = (of, *(f"{of}_interval_{end}" for end in ("low", "high", "kind")))
    *numbers, kinds, whys = (
        part.pivot(index="seed", columns="epoch", values=name).reindex(**at)
        for name in (*names, f"{of}_why_none")
    )
    kinds, whys = kinds.to_numpy(object), whys.fillna("").to_numpy(object)
    return Curves(*(one.to_numpy(np.float64) for one in numbers), kinds, whys)


def _why_no_value(part: pd.DataFrame, seeds: list[int], found: Of | None) -> dict[int, str]:
    """Why a seed has no value, by seed, for those without one."""
    judged = set() if found is None else {seeds[at] for at in found.at}
    why = {}
    for seed, rows in part.groupby("seed"):
        carried = {name for text in rows["flags"] for name in text.split("|")}
        flags = [FLAGS[name] for name in WITHOUT_VALUE if name in carried]
        if seed in seeds and seed not in judged:
            why[seed] = CHOOSES
        else:
            why[seed] = flags[0] if flags else "the quantity has no value here"
    return why
