"""How far an estimator's values move when a layer is written in other coordinates.

True information does not change under an invertible map of a layer: I(X;T) = I(X;f(T)). An
estimate changes if it depends on scales, axes or distances. The audit finds the spread on the
user's own layers, without any truth.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.interface import Estimator
from infoplane.information import (
    FLAGS,
    QUANTITIES,
    SATURATION,
    LayerInformation,
    entropy_of_counts,
)
from infoplane.invariance.maps import mapped
from infoplane.invariance.moves import moves_of, sentences
from infoplane.invariance.settings import MapSettings
from infoplane.samples import Samples
from infoplane.settings import mistakes

LIMITS = ("ixt_at_limit", "ity_at_limit")
COLUMNS = ("seed", "epoch", "layer", "map", "repeat", "ixt", "ity", *LIMITS, "refused")
"""Columns of a table of values in bits. map : "none" for the unchanged layer; at_limit :
whether a value is within 2 % of its largest possible value, its cap or H(Y), so that it can
hardly increase; refused : why there is no value."""
AS_IT_IS = "none"


@dataclass(frozen=True)
class Audit:
    """An estimator's values for a layer in other coordinates.

    estimator : its name
    exempt : why its quantity is not invariant; empty if it is
    table : every value in bits; columns COLUMNS
    """

    estimator: str
    exempt: str
    table: pd.DataFrame

    @property
    def moves(self) -> pd.DataFrame:
        """How far values move under each map, in bits; columns `moves.COLUMNS`."""
        return moves_of(self.table)

    def __str__(self) -> str:
        return "\n".join(sentences(self.estimator, self.exempt, self.moves))


def audit(
    t,
    y,
    *,
    x=None,
    centres=None,
    sigma=None,
    draws: bool = False,
    shape: Sequence[int] = (),
    shape_x: Sequence[int] = (),
    estimator: str = "kde",
    maps: Sequence[str] | None = None,
    repeats: int = 3,
    factor: float = 10.0,
    seed: int = 0,
    **settings: Any,
) -> Audit:
    """Measure how far, in bits, an estimator's values for a layer move under invertible maps.

    t, y, x, centres, sigma, draws, shape, shape_x : as in `infoplane.estimate`; noise is part
    of t, and the maps are applied after it
    maps : any of rescale, rotate, monotone, permute; None: all
    repeats : random maps of each kind
    factor : the largest factor of a unit under rescale
    seed : seed of the maps
    settings : settings of the estimator, for example n_bins=30
    Raises KeyError for an unknown estimator, ValueError for wrong settings and samples, and for
    estimators that give no information.

    Examples
    --------
    >>> import numpy as np
    >>> import infoplane
    >>> random = np.random.default_rng(0)
    >>> t = random.normal(size=(500, 2))
    >>> y = (t.sum(axis=1) > 0).astype(int)
    >>> found = infoplane.audit(t, y, estimator="binned", n_bins=5, maps=["permute"])
    >>> print(found)
    binned: no value moves by more than 0.1 bit under permutations
    """
    own = {"repeats": repeats, "factor": factor, "seed": seed}
    own |= {} if maps is None else {"maps": list(maps)}
    method = ESTIMATORS[estimator]
    chosen = [
        _validated("audit", MapSettings, own),
        _validated(f"estimator {estimator}", method.Settings, settings, estimator),
    ]
    places = {"draws": draws, "shape": shape, "shape_x": shape_x}
    samples = Samples.of(t, y, x, centres=centres, sigma=sigma, **places)
    asked = method(chosen[1])
    if asked.without_information:
        raise ValueError(f"estimator {estimator} gives no information, so it cannot be audited")
    return Audit(estimator, asked.not_invariant, values_of(asked, [samples], chosen[0]))


def values_of(
    estimator: Estimator, layers: Iterable[Samples], settings: MapSettings
) -> pd.DataFrame:
    """Every value for these layers, unchanged and under every map; columns COLUMNS.

    Each layer is measured by itself: nothing is remembered, and a bin range over the training
    becomes the range of the layer as it is measured here.
    """
    alone = type(estimator)(estimator.without_memory())
    rows: list[dict] = []
    for samples in layers:
        rows += [_row(samples, AS_IT_IS, 0, _told(alone, samples))]
        for name in settings.maps:
            for repeat in range(settings.repeats):
                key = (settings.seed, zlib.crc32(name.encode()), repeat, samples.seed or 0)
                random = np.random.default_rng([*key, zlib.crc32(samples.layer.encode())])
                needs = bool(alone.needs_noise)
                given = name, random, settings.factor, needs and samples.sigma is not None
                try:
                    told = _told(alone, mapped(samples, *given))
                except ValueError as error:
                    told = " ".join(str(error).split())
                rows.append(_row(samples, name, repeat, told))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _told(estimator: Estimator, samples: Samples):
    """The record for these samples alone."""
    survey = estimator.survey([samples]) if estimator.needs_survey else None
    return estimator.session(survey)([samples])[0]


def _row(samples: Samples, name: str, repeat: int, told: LayerInformation | str) -> dict:
    where = {"seed": samples.seed, "epoch": samples.epoch, "layer": samples.layer}
    row = {**where, "map": name, "repeat": repeat}
    if isinstance(told, str):
        return row | dict.fromkeys(QUANTITIES, np.nan) | {"refused": told}
    values = {of: getattr(told, of).value for of in QUANTITIES}
    of_y = entropy_of_counts(np.bincount(samples.y.numpy())) if samples.is_labelled else np.inf
    limits = told.ixt.cap, np.fmin(told.ity.cap, of_y)
    near = {
        f"{of}_at_limit": bool(value >= SATURATION * limit)
        for (of, value), limit in zip(values.items(), limits, strict=True)
    }
    without = np.isnan([*values.values()]).all()
    flags = [FLAGS[flag] for flag in told.flags] if without else []
    return row | values | near | {"refused": "; ".join(flags)}


def _validated(what: str, kind, written: dict, estimator: str = ""):
    """Settings of this kind; ValueError names each wrong one."""
    try:
        return kind(**written, **({"estimator": estimator} if estimator else {}))
    except ValidationError as error:
        known = [key for key in kind.model_fields if key != "estimator"]
        raise ValueError(
            "\n".join(f"{what}: {line}" for line in mistakes(error, known))
        ) from None
