"""Expected time and memory of measuring all signals of a network."""

from __future__ import annotations

from collections.abc import Iterable

from infoplane.costs import GFLOPS, TORCH_MB, Cost
from infoplane.datasets.source import Shape
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.binned import Binned
from infoplane.measurement.readings import Reader
from infoplane.networks.network import Network
from infoplane.settings import Settings as Chosen
from infoplane.signals.settings import Settings

PASSES, BESIDE = 2, 60 * 256
"""Passes of all inputs, for scores and for layers; passes of single inputs, for the signals
that use a subset (sharpness, gradient noise)."""
PARAMETER_SECONDS, VALUE_SECONDS, NETWORK_SECONDS = 5e-7, 1e-7, 0.1
"""Seconds for a parameter (to move, draw and differentiate it), for an activation (in all
clusters and ranks), and for a network (to read its weights and write its rows)."""


def of_network(
    network: Network, data: Shape, settings: Settings, signals: Iterable[Chosen]
) -> Cost:
    """The cost of one network in one stratum: memory of its job, and seconds.

    data : shape of its training data; signals : settings of the measured signals
    """
    n = min(settings.subset or data.n_train or data.n, data.n_train or data.n)
    try:
        reader = Reader(network.layers, network.by_default, settings.layers, settings.reading)
        widths = [*reader.widths.values()]
    except ValueError:  # names layers that the substitute of an unknown network lacks
        widths = [*network.widths.values()]
    estimators = {"": Binned()} | {
        one.estimator.model_dump_json(): ESTIMATORS[one.estimator.estimator](one.estimator)
        for one in signals
        if getattr(one, "estimator", None) is not None
    }
    estimates = [by.cost(n, d, data.d) for by in estimators.values() for d in widths]
    products = 2 * network.n_products * (PASSES * n + BESIDE) / (GFLOPS * 1e9)
    values = VALUE_SECONDS * n * sum(widths)
    seconds = NETWORK_SECONDS + products + values + PARAMETER_SECONDS * network.n_parameters
    seconds += sum(cost.seconds for cost in estimates)
    n_bytes = 3 * 4 * data.n * data.d + 30 * n * max(network.widths.values())
    n_bytes += 60 * network.n_parameters
    most = max((cost.mb for cost in estimates), default=0.0)
    return Cost(TORCH_MB + n_bytes / 1e6 + most, seconds)
