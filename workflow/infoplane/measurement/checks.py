"""Checks of the inequalities that every information plane must satisfy, for any estimator.

The data processing inequality (Cover & Thomas, theorem 2.8.1): if a layer T is computed from
another layer U alone, then X → U → T, and for one network at one epoch
    H(X) ≥ I(X;U) ≥ I(X;T)      H(Y) ≥ I(U;Y) ≥ I(T;Y)
The true plane obeys these. An estimate that violates them is wrong in at least one of the two
layers, by more than its stated error. A layer may be computed from several others at once, or
from unmeasured ones; then only H(X) and H(Y) bound its information.

If Y is the network's reconstruction X̂, then X → U → T → X̂. Among layers that every path from
input to output passes through, a later one has more information about X̂: I(U;X̂) ≤ I(T;X̂).
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from infoplane.information import SATURATION, tolerance
from infoplane.networks.network import OUTPUT

SIGMAS = 3.0
"""A difference of two estimates must exceed zero by this many standard errors."""
FLAG = "violates_dpi"
COLUMNS = [
    "run", "estimator", "seed", "epoch", "quantity", "layer", "before", "value",
    "value_before", "excess", "tolerance", "proven",
]  # fmt: skip
SOURCES = {
    "ixt": ("H(X)", "entropy_x", "ixt_stderr"),
    "ity": ("H(Y)", "entropy_y", "ity_stderr"),
}
"""For each quantity, its bound from the data and the column of its standard error."""

After = Mapping[str, Sequence[str]]
"""For each layer, the measured layers, or the input, that alone determine it."""


def violations(information: pd.DataFrame, after: After, y: str = "label") -> pd.DataFrame:
    """Every case in which a layer seems to have more information than the layer from which it
    is computed; for I(T;Y) with a reconstruction as Y, than the layer computed from it.

    information : table of one run and one estimator, with entropy_x and entropy_y in bits
    y : `measure.y`
    Returns one row for each violating seed, epoch, quantity (ixt or ity) and layer, in bits:
        value, value_before : of this layer and the layer before (H(X) or H(Y) of this seed and
            epoch if there is none)
        excess : value − value_before, which exceeds the tolerance
        tolerance : SIGMAS standard errors of the difference or, without a standard error, the
            error of an accurate estimate
        proven : whether the two intervals rule out the right order; else the violation is
            suspected. If both values are at the ceiling (within 2 % of H(X), H(Y) or the cap),
            and this value exceeds the entropy by no more than its error, only a proven
            violation counts
    """
    layers = information.layer.unique()
    edges = {quantity: edges_of(layers, after) for quantity in SOURCES}
    if y == "reconstruction":
        edges["ity"] = edges_to_output(layers, after)
    parts = [_of_quantity(information, quantity, edges[quantity]) for quantity in SOURCES]
    table = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS)])
    return table[COLUMNS].sort_values(["seed", "epoch"], kind="stable").reset_index(drop=True)


def violations_of(information: pd.DataFrame, about: Mapping, exempt: str) -> pd.DataFrame:
    """The same for a store's table and attributes; none if the estimator is exempt."""
    table = information[:0] if exempt else information
    return violations(table, about["after"], about["measure"]["y"])


def n_compared(information: pd.DataFrame, about: Mapping) -> int:
    """The number of pairs of values that violations_of() compares."""
    compared = information[list(SOURCES)].notna()
    if about["measure"]["y"] == "reconstruction":  # H(X̂) is unknown
        edges = edges_to_output(information.layer.unique(), about["after"])
        compared["ity"] &= information.layer.isin(edges)
    return int(compared.sum().sum())


def edges_of(layers: Iterable[str], after: After) -> dict[str, str]:
    """For each layer that is computed from one measured layer alone, that layer."""
    layers = list(map(str, layers))
    return {
        layer: after[layer][0]
        for layer in layers
        if len(after.get(layer, ())) == 1 and after[layer][0] in layers
    }


def edges_to_output(layers: Iterable[str], after: After) -> dict[str, str]:
    """For each layer that every path from input to output passes through, the next such
    layer."""
    before, found, layer = edges_of(layers, after), {}, OUTPUT
    while layer in before:
        found[before[layer]] = layer
        layer = before[layer]
    return found


def without_edge(after: After) -> str:
    """The layers that are compared with H(X) and H(Y) because they have no edge, in words;
    empty if every layer is computed from one other, or from the input."""
    reasons = [
        f"{layer} ({'of ' + ' and '.join(before) + ' at once' if before else 'no known edge'})"
        for layer, before in after.items()
        if len(before) != 1
    ]
    head = "compared only with H(X) and H(Y), because no single layer determines them: "
    return head + ", ".join(reasons) if reasons else ""


def flagged(information: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The information table, with FLAG in the rows of violations `found`."""
    where = set(zip(found.seed, found.epoch, found.layer, strict=True))
    keys = zip(information.seed, information.epoch, information.layer, strict=True)
    at = np.array([key in where for key in keys], dtype=bool)
    flags = information["flags"].fillna("")
    joined = np.where(flags == "", FLAG, flags + "|" + FLAG)
    return information.assign(flags=np.where(at, joined, flags))


def _of_quantity(
    information: pd.DataFrame, quantity: str, edges: Mapping[str, str]
) -> pd.DataFrame:
    source, entropy, stderr = SOURCES[quantity]
    rank = {layer: i for i, layer in enumerate(dict.fromkeys(information.layer))}
    table = information.assign(
        rank=information.layer.map(rank),
        quantity=quantity,
        value=information[quantity],
        error=_errors(information[quantity], information.get(stderr)),
        low=information.get(f"{quantity}_interval_low", np.nan),
        high=information.get(f"{quantity}_interval_high", np.nan),
        before=information.layer.map(edges).astype(object),
    ).sort_values(["seed", "epoch", "rank"], kind="stable")
    previous = table[["seed", "epoch", "layer", "value", "error", "high"]]
    previous = previous.rename(columns={"layer": "before"})
    where = ["seed", "epoch", "before"]
    table = table.merge(previous, "left", on=where, suffixes=("", "_before"))
    # the first layer comes after the data, whose entropies have no error
    first = table.before.isna()
    table.loc[first, "value_before"] = table.loc[first, entropy]
    table.loc[first, "high_before"] = table.loc[first, entropy]
    table.loc[first, "error_before"] = 0.0
    table.loc[first, "before"] = source
    table["excess"] = table.value - table.value_before
    table["tolerance"] = np.hypot(table.error, table.error_before)
    table["proven"] = table.low > table.high_before
    ceiling = table[entropy].fillna(np.inf)
    caps = information.get(f"{quantity}_cap")
    least = ceiling if caps is None else np.fmin(ceiling, table[f"{quantity}_cap"])
    both = np.fmin(table.value, table.value_before) >= SATURATION * least
    at_ceiling = both & ~first & (table.value <= ceiling + table.error)
    return table[(table.excess > table.tolerance) & (table.proven | ~at_ceiling)]


def _errors(value: pd.Series, stderr: pd.Series | None) -> pd.Series:
    """The possible error of each value, in bits."""
    granted = tolerance(value)
    if stderr is None:
        return granted
    return (SIGMAS * stderr).where(stderr.notna(), granted)
