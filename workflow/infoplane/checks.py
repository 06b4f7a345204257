"""What every information plane has to satisfy, whatever the estimator: checked, not assumed.

The data processing inequality (Cover & Thomas, theorem 2.8.1): a layer is computed from the
one before, X → T1 → T2 → …, so that along the layers of one network at one epoch
    H(X) ≥ I(X;T1) ≥ I(X;T2) ≥ …      H(Y) ≥ I(T1;Y) ≥ I(T2;Y) ≥ …
A true plane obeys; an estimate that does not is wrong in at least one of the two layers, by
more than its own error says.
"""

import numpy as np
import pandas as pd

from infoplane.information import ERROR

SIGMAS = 3.0
"""Standard errors by which a difference of two estimates has to exceed zero."""
FLAG = "violates_dpi"
COLUMNS = [
    "run", "estimator", "seed", "epoch", "quantity", "layer", "before", "value",
    "value_before", "excess", "tolerance", "proven",
]  # fmt: skip
SOURCES = {
    "ixt": ("H(X)", "entropy_x", "ixt_stderr"),
    "ity": ("H(Y)", "entropy_y", "ity_stderr"),
}
"""Of each quantity what bounds the first layer, and the column of its standard error."""


def violations(information: pd.DataFrame, entropy_x: float, entropy_y: float) -> pd.DataFrame:
    """Every place where a layer seems to know more than the one it is computed from.

    information : table of one run and one estimator; its layers in order from the input on
    entropy_x, entropy_y : H(X) and H(Y) of the measured inputs, bits
    Returns a row a seed, epoch, quantity (ixt or ity) and layer, in bits: its value and that
    of the layer before (for the first layer H(X) or H(Y)); excess = value − value_before,
    which is more than the tolerance. tolerance : SIGMAS standard errors of the difference,
    or, of an estimate without one, ERROR or a tenth of it. proven : bounds that the estimator
    gives rule out that the two are in order.
    """
    entropies = {"entropy_x": entropy_x, "entropy_y": entropy_y}
    parts = [
        _of_quantity(information, quantity, source, entropies[entropy], stderr)
        for quantity, (source, entropy, stderr) in SOURCES.items()
    ]
    found = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS)])
    return found[COLUMNS].sort_values(["seed", "epoch"], kind="stable").reset_index(drop=True)


def violations_of(information: pd.DataFrame, about: dict, exempt: str) -> pd.DataFrame:
    """The same of a store's table and attributes; none where the estimator is exempt."""
    table = information[:0] if exempt else information
    return violations(table, float(about["entropy_x"]), float(about["entropy_y"]))


def n_compared(information: pd.DataFrame) -> int:
    """How many pairs of values violations() compares."""
    return int(information[list(SOURCES)].notna().sum().sum())


def flagged(information: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The information table with FLAG where a row is among the violations."""
    where = set(zip(found.seed, found.epoch, found.layer, strict=True))
    keys = zip(information.seed, information.epoch, information.layer, strict=True)
    at = np.array([key in where for key in keys], dtype=bool)
    flags = information["flags"].fillna("")
    joined = np.where(flags == "", FLAG, flags + "|" + FLAG)
    return information.assign(flags=np.where(at, joined, flags))


def _of_quantity(
    information: pd.DataFrame, quantity: str, source: str, entropy: float, stderr: str
) -> pd.DataFrame:
    rank = {layer: i for i, layer in enumerate(dict.fromkeys(information.layer))}
    table = information.assign(rank=information.layer.map(rank))
    table = table.sort_values(["seed", "epoch", "rank"], kind="stable")
    table = table.assign(
        quantity=quantity,
        value=table[quantity],
        error=_errors(table[quantity], table.get(stderr)),
        lower=table.get(f"{quantity}_lower", np.nan),
        upper=table.get(f"{quantity}_upper", np.nan),
    )
    previous = table.groupby(["seed", "epoch"], sort=False)[
        ["layer", "value", "error", "upper"]
    ]
    previous = previous.shift()
    # the data come before the first layer, and their entropies have no error
    first = table["rank"] == 0
    previous.loc[first, ["value", "error", "upper"]] = entropy, 0.0, entropy
    table["before"] = previous.layer.where(~first, source)
    table["value_before"] = previous.value
    table["excess"] = table.value - previous.value
    table["tolerance"] = np.hypot(table.error, previous.error)
    table["proven"] = table.lower > previous.upper
    return table[table.excess > table.tolerance]


def _errors(value: pd.Series, stderr: pd.Series | None) -> pd.Series:
    """How far each value may be off, in bits."""
    granted = np.maximum(ERROR, ERROR * value.abs())
    if stderr is None:
        return granted
    return (SIGMAS * stderr).where(stderr.notna(), granted)
