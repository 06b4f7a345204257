"""Caps: the largest I(X;T) that an estimator could return for a layer, in bits.

The cap of most layers is H(X), so figures and captions name only those that deviate.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from infoplane.figures.style import bits
from infoplane.figures.tables import level

SAME = 1e-3
"""Relative difference below which two caps are one."""
NAMED = 2
"""Deviating caps that are named at their lines; of more, only the small print has room."""


class Caps(NamedTuple):
    """Caps of one figure, grouped.

    common : the cap of the layers that no text names, NaN if there is none;
    is_entropy : whether it equals H(X);
    deviating : every other cap, with its layers, in order of the layers
    """

    common: float
    is_entropy: bool
    deviating: tuple[tuple[float, tuple[str, ...]], ...]


def grouped(numbers: pd.DataFrame) -> Caps | None:
    """Groups the caps of tables.by_epoch_and_layer's table; None if it holds no cap.

    The common one is H(X) if any layer has that cap, else the one that most layers share,
    if more than one layer does or there is only one cap.
    """
    groups: list[tuple[float, list[str]]] = []
    # an estimator without a cap may give an infinite one
    limits = numbers.ixt_cap.where(np.isfinite(numbers.ixt_cap)).groupby(
        numbers.layer, sort=False
    )
    for layer, cap in limits.max().dropna().items():
        for value, layers in groups:
            if same(value, cap):
                layers.append(str(layer))
                break
        else:
            groups.append((float(cap), [str(layer)]))
    if not groups:
        return None
    entropy_x = level(numbers, "entropy_x")
    common = next((group for group in groups if same(group[0], entropy_x)), None)
    is_entropy = common is not None
    if common is None:
        most = max(groups, key=lambda group: len(group[1]))
        common = most if len(most[1]) > 1 or len(groups) == 1 else None
    rest = tuple(
        (value, tuple(layers)) for value, layers in groups if (value, layers) != common
    )
    return Caps(common[0] if common else math.nan, is_entropy, rest)


def same(one: float, other: float) -> bool:
    """Whether two caps, or a cap and H(X), are the same for a reader."""
    return bool(np.isclose(one, other, rtol=SAME, atol=0))


def lines(caps: Caps | None) -> dict[str, float]:
    """Reference lines by name; those without room for a name have one that starts with "_"."""
    if caps is None:
        return {}
    values = {}
    if math.isfinite(caps.common) and not (caps.is_entropy and caps.deviating):
        values["cap"] = caps.common
    named = len(caps.deviating) <= NAMED
    for i, (value, layers) in enumerate(caps.deviating):
        of = layers[0] if len(layers) == 1 else f"{len(layers)} layers"
        values[f"cap of {of}" if named else f"_cap{i}"] = value
    return values


def note(caps: Caps) -> str:
    """For the small print; explains dotted lines without names."""
    return f"{'dotted: ' if len(caps.deviating) > NAMED else ''}cap {text(caps)}"


def text(caps: Caps) -> str:
    """ "12 bits (= H(X)), of output 9.81 bits": the common cap, then those that deviate."""
    rest = ", ".join(
        f"{' and '.join(layers)} {bits(value)}" for value, layers in caps.deviating
    )
    if not math.isfinite(caps.common):
        return f"of {rest} bits"
    common = f"{bits(caps.common)} bits{' (= H(X))' if caps.is_entropy else ''}"
    return f"{common}, of {rest} bits" if rest else common
