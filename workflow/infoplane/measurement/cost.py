"""What it is expected to need to measure networks: activations, estimates, pools."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from infoplane.costs import ESTIMATING_MB, GFLOPS, IMPORT_SECONDS, Cost, speed_of
from infoplane.datasets.source import Shape
from infoplane.estimators.interface import Estimator
from infoplane.estimators.tables.costs import FEATURES
from infoplane.measurement.activations import bytes_each, reader_of
from infoplane.measurement.readings import Reader
from infoplane.networks.network import Network
from infoplane.probes.probe import ProbeSettings

if TYPE_CHECKING:
    from infoplane.measurement.pooling import Settings as Pool

VALUE_SECONDS, NOISE_SECONDS = 6e-9, 6e-8
"""Of one activation in a forward pass, of one number of noise."""
PASS_SECONDS = 2e-3
"""Of one network, its weights read."""
RECORD_BYTES, RECORD_SECONDS = 4000, 5e-4
"""Of one record: samples made and checked, the record judged, held and written."""
WRITTEN_SECONDS = 8e-8
"""Of one activation that is written."""


@dataclass(frozen=True, eq=False)
class Work:
    """What a job measures: all seeds at so many epochs.

    memory_mb : the run's bound on activations held at once
    """

    network: Network
    measure: ProbeSettings
    data: Shape
    n_seeds: int
    n_epochs: int
    memory_mb: int
    threads: int = 1

    @cached_property
    def n_rows(self) -> int:
        """Inputs that are measured, times draws."""
        return self.measure.n_inputs(self.data) * self.measure.draws

    @cached_property
    def read(self) -> list[int]:
        """Units of each layer that is measured, as it is read."""
        return [*planned_reader(self.network, self.measure).widths.values()]

    @cached_property
    def at_once(self) -> int:
        """Networks whose activations are held at once (`Activations.at_once`)."""
        most = int(self.memory_mb * 1e6 / bytes_each(self.network, self.n_rows))
        return max(1, min(self.n_seeds * self.n_epochs, most))

    def activations(self) -> Cost:
        """Of regenerating all activations into a store."""
        networks = self.n_seeds * self.n_epochs
        written = networks * self.n_rows / self.measure.draws * sum(self.read)
        seconds = IMPORT_SECONDS + self._forward(networks) + written * WRITTEN_SECONDS
        return Cost(self._mb(self.at_once), seconds)

    def estimation(self, by: Estimator) -> Cost:
        """Of measuring all layers of all networks by one estimator."""
        networks, n = self.n_seeds * self.n_epochs, self.n_rows
        layers = [by.cost(n, d, self.data.d, self.at_once) for d in self.read]
        records = networks * len(layers)
        held = min(self.at_once, self.n_seeds) if by.together else self.at_once
        mb = self._mb(held, by) + max(c.mb for c in layers) + RECORD_BYTES * records / 1e6
        passes = (1 + by.needs_survey) * (self._forward(networks) + RECORD_SECONDS * records)
        estimates = networks * sum(c.seconds for c in layers) / speed_of(self.threads)
        return Cost(mb, IMPORT_SECONDS + passes + estimates)

    def pool(self, pool: Pool, by: Estimator, n_kept: int) -> Cost:
        """Of windows of several lengths, each one large layer. n_kept : epochs"""
        n_ends = 1 if pool.ends == "last" else pool.ends.most(n_kept)
        mb, seconds = 0.0, 0.0
        for length in pool.lengths:
            draws = length * (self.n_seeds if pool.over == "both" else 1)
            if pool.over == "noise":  # in place of measure.draws
                draws = max(1, draws // self.measure.draws)
            windows = {"both": 1, "seeds": self.n_seeds // length}.get(pool.over, self.n_seeds)
            layers = [by.cost(self.n_rows * draws, d, self.data.d) for d in self.read]
            mb = max(mb, *(c.mb for c in layers))
            seconds += n_ends * windows * sum(c.seconds for c in layers)
        longest = pool.lengths[-1]
        networks = self.n_seeds * longest
        held = min(self.memory_mb * 1e6, networks * bytes_each(self.network, self.n_rows))
        passes = (1 + by.needs_survey) * self._forward(n_ends * networks)
        seconds = IMPORT_SECONDS + passes + seconds / speed_of(self.threads)
        return Cost(self._mb(0, by, longest) + 1.5 * held / 1e6 + mb, seconds)

    def _mb(self, held: int, by: Estimator | None = None, n_draws: int = 1) -> float:
        """The process, data, weights, activations of networks that are held, and the inputs
        beside each draw for estimators of two variables."""
        data, noisy, n = self.data, bool(self.network.n_drawn), self.n_rows
        n_bytes = 4.4 * data.d * data.n + 4 * data.d * (1 + 2 / self.measure.draws) * n
        n_bytes += 10 * self.at_once * self.network.n_parameters
        each = bytes_each(self.network, n)
        each += noisy * 8 * n * max(self.network.widths.values())  # with noise added, and it
        if by and by.together:
            each += 4 * n * sum(self.read) * (1 + noisy)
        if by and not by.takes_layers:
            n_bytes += 8 * n * n_draws * max(0, data.d - FEATURES)
        return ESTIMATING_MB + (n_bytes + held * each) / 1e6

    def _forward(self, n_networks: int) -> float:
        """Seconds of the forward passes of so many networks."""
        products = 2 * self.network.n_products / (GFLOPS * 1e9)
        values = VALUE_SECONDS * sum(self.network.widths.values())
        each = self.n_rows * (products + values + NOISE_SECONDS * self.network.n_drawn)
        return n_networks * (each / speed_of(self.threads) + PASS_SECONDS)


def planned_reader(network: Network, measure: ProbeSettings) -> Reader:
    """What is measured of a network, as far as it is known: what stands in for one whose inputs
    are not known yet may not have the layers that are chosen."""
    try:
        return reader_of(network, measure)
    except ValueError:
        return Reader(network.layers, network.by_default, None, measure.reading)
