"""The expected cost of measuring networks: activations, estimates, pools."""

from __future__ import annotations

from dataclasses import dataclass

from infoplane.costs import GFLOPS, IMPORT_SECONDS, TORCH_MB, Cost, speed_of
from infoplane.datasets.source import Shape
from infoplane.estimators.interface import Estimator
from infoplane.measurement.activations import REUSED_BYTES, bytes_each, bytes_held, reader_of
from infoplane.networks.network import Network
from infoplane.probes.probe import ProbeSettings

PASS_SECONDS, VALUE_SECONDS, SLOW_SECONDS = 2e-3, 6e-9, 8e-8
"""Seconds to read one network's weights; for one activation in a pass; for one random number or
one written activation."""
RECORD_BYTES, RECORD_SECONDS = 4000, 5e-4
"""Cost of one record: its samples are made and checked; it is checked, kept and written."""


@dataclass(eq=False)
class Work:
    """The networks that a job measures: all seeds at n_epochs epochs.

    draws : of a pool, which holds one window at a time; 0 for no pool
    memory_mb : the run's limit for activations in memory
    read : number of units of each measured layer, as it is read
    at_once : number of networks whose weights are in memory at once
    block : number of networks whose activations are in memory at once on a CPU
        (`Activations.at_once`); the memory of a GPU does not count
    """

    network: Network
    measure: ProbeSettings
    data: Shape
    n_seeds: int
    n_epochs: int
    draws: int
    memory_mb: int
    threads: int

    def __post_init__(self):
        self.n_networks, self.speed = self.n_seeds * self.n_epochs, speed_of(self.threads)
        self.n_inputs = self.measure.n_inputs(self.data)
        self.n_rows = self.n_inputs * (self.draws or self.measure.draws)
        try:
            self.read = [*reader_of(self.network, self.measure).widths.values()]
        except ValueError:  # the stand-in for an unknown network lacks these layers
            self.read = [*self.network.widths.values()]
        self.each = bytes_each(self.network, self.n_rows, self.measure)
        self.at_once = self._networks_in(self.memory_mb * 10**6)
        self.block = min(self.at_once, self._networks_in(REUSED_BYTES))
        if self.measure.device == "cpu":
            self.at_once = self.block

    def activations(self) -> Cost:
        """The cost of regenerating all activations into a store."""
        written = self.n_networks * self.n_rows * sum(self.read) * SLOW_SECONDS
        return Cost(self._mb(), IMPORT_SECONDS + self._passes + written)

    def estimation(self, by: Estimator) -> Cost:
        """The cost of measuring all layers of all networks by one estimator."""
        layers = [by.cost(self.n_rows, d, self.data.d) for d in self.read]
        records = self.n_networks * len(layers)
        n_passes = 1 + (by.needs_survey and not self._held(by))
        passes = n_passes * (self._passes + RECORD_SECONDS * records)
        estimates = self.n_networks * sum(c.seconds for c in layers) / self.speed
        mb = self._mb(by) + max(c.mb for c in layers) + RECORD_BYTES * records / 1e6
        times = 1 + (self.measure.y == "reconstruction")  # one more pass, of the same width
        return Cost(mb, IMPORT_SECONDS + times * (passes + estimates))

    def _mb(self, by: Estimator | None = None) -> float:
        """Memory in MB: of the process, data, weights, activations of the networks in memory
        and, for estimators of two variables, a copy of the inputs for each draw."""
        network, noisy, block = self.network, bool(self.network.n_drawn), self.block
        n_bytes = self.data.d * (5 * self.data.n + 12 * self.n_inputs)
        n_bytes += 10 * self.at_once * max(1, self.draws) * network.n_parameters
        n_bytes += self._held(by) if by else 0
        each = self.each * (2.5 if self.draws else 1)  # windows of several lengths
        each += noisy * 8 * self.n_rows * max(network.widths.values())
        if by and by.together:
            block = min(block, self.n_seeds)
            each += 4 * self.n_rows * sum(self.read) * (1 + noisy)
        if by and not by.takes_layers:
            n_bytes += 8 * self.n_rows * self.data.d
        return TORCH_MB + (n_bytes + block * each) / 1e6

    def _held(self, by: Estimator) -> int:
        """Bytes of all samples, if they are held because a survey goes through them first
        (`Activations.held`); else 0."""
        if not by.needs_survey or by.together or self.draws:
            return 0
        widths = dict(enumerate(self.read))
        n_bytes = self.n_networks * bytes_held(self.network, widths, self.n_rows, self.measure)
        return n_bytes if n_bytes + REUSED_BYTES <= self.memory_mb * 10**6 else 0

    def _networks_in(self, n_bytes: int) -> int:
        return 1 if self.draws else max(1, min(self.n_networks, n_bytes // self.each))

    @property
    def _passes(self) -> float:
        """Seconds of the forward passes of all networks."""
        products = 2 * self.network.n_products / (GFLOPS * 1e9)
        values = VALUE_SECONDS * sum(self.network.widths.values())
        each = self.n_rows * (products + values + SLOW_SECONDS * self.network.n_drawn)
        return self.n_networks * (each / self.speed + max(1, self.draws) * PASS_SECONDS)
