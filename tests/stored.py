"""Small stores of information, as a workflow leaves them."""

from pathlib import Path

import numpy as np

from infoplane.information import Information, Interval, LayerInformation
from infoplane.stores.information import write_information

LAYERS = ("hidden1", "hidden2", "output")
ABOUT = {
    "estimator": {"estimator": "binned", "n_bins": 30},
    "quantity_ixt": "I(X; bins of T), 30 bins",
    "quantity_ity": "I(bins of T; Y), 30 bins",
    "symbol_ixt": r"I(X;\mathrm{Bin}(T))",
    "symbol_ity": r"I(\mathrm{Bin}(T);Y)",
    "measure": {"y": "label", "epochs": {"schedule": "list"}},
    "after": {"hidden1": ["input"], "hidden2": ["hidden1"], "output": ["hidden2"]},
    "read": "",
    "remarks": {},
    "n_kept": 4,
}
"""Attributes of a store, as far as figures and tables read them."""


def store_information(
    path, seeds=(0, 1, 2), epochs=(0, 1, 10, 100), estimator="binned", **attributes
):
    """Write a store of three layers; I(X;T) falls with depth, and rises over training."""
    random, records = np.random.default_rng(0), {}
    for seed in seeds:
        for epoch in epochs:
            for i, layer in enumerate(LAYERS):
                ixt = 9 - 2 * i + np.log1p(epoch) / 4 + random.normal(0, 0.1)
                ity = 0.9 - 0.2 * i + random.normal(0, 0.01)
                flags = ("saturated",) if layer == "hidden1" and epoch == 100 else ()
                interval = Interval(ixt - 0.5, ixt + 0.5, "calibrated")
                records[seed, epoch, layer] = LayerInformation(
                    Information(ixt, interval, cap=12.0, flags=flags),
                    Information(ity, why_none="sample"),
                )
    entropies = {(seed, epoch): (12.0, 1.0) for seed in seeds for epoch in epochs}
    about = {**ABOUT, "estimator": {"estimator": estimator}, **attributes}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_information(
        records, list(seeds), list(epochs), LAYERS, about, Path(path), entropies=entropies
    )
