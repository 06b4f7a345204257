"""Memory and time of what is measured: activations, estimates, pools."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infoplane.costs.cost import ESTIMATING_MB, GFLOPS, IMPORT_SECONDS, Cost, speed_of
from infoplane.datasets.source import Shape
from infoplane.estimators.interface import Estimator
from infoplane.estimators.tables import costs as table
from infoplane.measurement.activations import bytes_each, reader_of
from infoplane.measurement.readings import Reader
from infoplane.networks.network import Network
from infoplane.probes.probe import ProbeSettings

VALUE_SECONDS = 6e-9
"""Of one activation in a forward pass, and of one number of noise, ten times as much."""
RECORD_BYTES = 4000
"""Of one record, until all are written."""
CHECKED_SECONDS = 5e-4
"""Of one record: samples made and checked, the record judged and written."""


@dataclass(frozen=True)
class Work:
    """What a job measures.

    n_seeds, n_epochs : networks; memory_mb : the run's bound on activations held at once
    """

    network: Network
    measure: ProbeSettings
    data: Shape
    n_seeds: int
    n_epochs: int
    memory_mb: int
    threads: int = 1

    @cached_property
    def n_inputs(self) -> int:
        """Inputs that are measured."""
        return self.measure.n_inputs(self.data)

    @property
    def n_networks(self) -> int:
        """Seeds times epochs."""
        return self.n_seeds * self.n_epochs

    @cached_property
    def at_once(self) -> int:
        """Networks whose activations are held at once (`Activations.at_once`)."""
        return max(1, min(self.n_networks, int(self.memory_mb * 1e6 / self.bytes_each)))

    @cached_property
    def bytes_each(self) -> int:
        """Of the activations of one network that are held at once."""
        return bytes_each(self.network, self.n_inputs * self.measure.draws)

    def layers(self, n_draws: int = 1) -> list[table.Layer]:
        """Its layers with so many networks as draws of each input."""
        rows = self.n_inputs * self.measure.draws * n_draws
        return [table.Layer(rows, d, self.data.d) for d in self.read.values()]

    @cached_property
    def read(self) -> dict[str, int]:
        """Numbers of each layer that is measured, as it is read."""
        return planned_reader(self.network, self.measure).widths


def planned_reader(network: Network, measure: ProbeSettings) -> Reader:
    """What is measured of a network, as far as it is known: what stands in for one whose inputs
    are not known yet may not have the layers that are chosen."""
    try:
        return reader_of(network, measure)
    except ValueError:
        return Reader(network.layers, network.by_default, None, measure.reading)


def n_measured(measure: ProbeSettings, training, n_epochs: int | None = None) -> int:
    """Most epochs that are measured of those that the training keeps.

    n_epochs : of a job that measures only so many
    """
    most = measure.epochs.most(training.keep.most(len(training.numbers)))
    return most if n_epochs is None else min(most, n_epochs)


def of_activations(work: Work) -> Cost:
    """Peak memory and seconds of regenerating all activations into a store."""
    written = 4 * work.n_networks * work.n_inputs * sum(work.read.values())
    mb = _common_mb(work) + _held_mb(work, together=False)
    seconds = IMPORT_SECONDS + _forward(work, work.n_networks) + written / 50e6
    return Cost(mb, seconds)


def of_estimation(work: Work, estimator: Estimator) -> Cost:
    """Peak memory and seconds of measuring all layers of all networks by one estimator.

    An adaptive schedule may measure every kept epoch, and is counted so.
    """
    costs = [table.of_layer(estimator, layer, work.at_once) for layer in work.layers()]
    survey = estimator.needs_survey
    records = work.n_networks * len(costs)
    mb = (
        _common_mb(work)
        + _held_mb(work, estimator.together)
        + _pairs_mb(work, estimator)
        + max(cost.mb for cost in costs)
        + RECORD_BYTES * records / 1e6
    )
    estimating = work.n_networks * sum(cost.seconds for cost in costs)
    seconds = (
        IMPORT_SECONDS
        + (1 + survey) * (_forward(work, work.n_networks) + CHECKED_SECONDS * records)
        + estimating / speed_of(work.threads)
    )
    return Cost(mb, seconds)


def of_pool(work: Work, pool: Any, estimator: Estimator, n_kept: int) -> Cost:
    """Peak memory and seconds of a pool: windows of several lengths, each one large layer.

    work.n_seeds : seeds of the whole run; n_kept : kept epochs
    """
    n_ends = 1 if pool.ends == "last" else pool.ends.most(n_kept)
    seeds = work.n_seeds
    mb, seconds = 0.0, 0.0
    for length in pool.lengths:
        draws, windows = {
            "epochs": (length, seeds),
            "noise": (length, seeds),
            "seeds": (length, seeds // length),
            "both": (length * seeds, 1),
        }[pool.over]
        if pool.over == "noise":  # in place of measure.draws
            draws = max(1, draws // work.measure.draws)
        costs = [table.of_layer(estimator, layer) for layer in work.layers(draws)]
        mb = max(mb, *(cost.mb for cost in costs))
        seconds += n_ends * windows * sum(cost.seconds for cost in costs)
    survey = estimator.needs_survey
    networks = n_ends * seeds * pool.lengths[-1]
    held = min(work.memory_mb * 1e6, work.bytes_each * seeds * pool.lengths[-1])
    return Cost(
        _common_mb(work) + 1.5 * held / 1e6 + _pairs_mb(work, estimator, pool.lengths[-1]) + mb,
        IMPORT_SECONDS
        + (1 + survey) * _forward(work, networks)
        + seconds / speed_of(work.threads),
    )


def _common_mb(work: Work) -> float:
    """The process, the data, the measured inputs, the weights of networks held at once."""
    data, draws = work.data, work.measure.draws
    inputs = 4 * data.d * (1.1 * data.n + (2 + draws) * work.n_inputs)
    weights = 2.5 * 4 * work.at_once * work.network.n_parameters
    return ESTIMATING_MB + (inputs + weights) / 1e6


def _held_mb(work: Work, together: bool) -> float:
    """Activations; where the estimator takes all layers together, of one epoch at a time."""
    widths = work.network.widths.values()
    each = 4 * work.n_inputs * work.measure.draws
    held = work.bytes_each
    if work.network.n_drawn:
        held += 2 * each * max(widths)  # with their own noise added, and that noise
    if together:
        held += each * sum(work.read.values()) * (2 if work.network.n_drawn else 1)
    return (min(work.at_once, work.n_seeds) if together else work.at_once) * held / 1e6


def _pairs_mb(work: Work, estimator: Estimator, n_draws: int = 1) -> float:
    """Inputs beside each draw, for estimators of two variables."""
    if estimator.takes_layers:
        return 0.0
    rows = work.n_inputs * work.measure.draws * n_draws
    return 8 * rows * max(0, work.data.d - table.FEATURES) / 1e6


def _forward(work: Work, n_networks: int) -> float:
    """Seconds of the forward passes of so many networks, their weights read."""
    rows = work.n_inputs * work.measure.draws
    widths, noisy = sum(work.network.widths.values()), work.network.n_drawn
    products = 2 * rows * work.network.n_products / (GFLOPS * 1e9)
    values = VALUE_SECONDS * rows * (widths + 10 * noisy)
    return n_networks * ((products + values) / speed_of(work.threads) + 2e-3)
