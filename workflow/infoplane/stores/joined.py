"""The blocks of seeds of one run, read like one store of weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from infoplane.stores.weights import WeightsStore


class JoinedWeights:
    """Finished stores of the same run, opened for reading.

    attributes : those of the first store; seeds : of all stores, in order; epochs : kept in
        every store
    networks, declared : also of the first; lost : seeds that are not measured
    """

    def __init__(self, paths: Sequence[Path]):
        self.stores = sorted((WeightsStore(p) for p in paths), key=lambda s: int(s.seeds[0]))
        first = self.stores[0]
        self.attributes, self.networks = first.attributes, first.networks
        self.declared = first.declared
        self.seeds = np.concatenate([store.seeds for store in self.stores])
        self.lost = {seed: why for store in self.stores for seed, why in store.lost.items()}
        # a stopping rule may have ended one block before the others
        self.epochs = self.stores[0].epochs
        for store in self.stores[1:]:
            self.epochs = np.intersect1d(self.epochs, store.epochs)

    def read(
        self, epochs: Sequence[int], seeds: Sequence[int], network: str | None = None
    ) -> dict[str, np.ndarray]:
        """Weights (n_seeds, n_epochs, *shape) by name, seeds in the order of the stores."""
        parts = []
        for store in self.stores:
            own = [int(s) for s in seeds if s in store.seeds]
            if own:
                parts.append(store.read(epochs, own, network))
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def metrics(self) -> xr.Dataset:
        """Metrics of all seeds; NaN after the epoch at which a block ended."""
        return xr.concat([s.metrics() for s in self.stores], "seed", join="outer")
