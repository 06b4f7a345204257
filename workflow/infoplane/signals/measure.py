"""Measure signals of many networks: from weights and training inputs to one row per number.

Signals never see test inputs: their material (`Trained`) consists of training inputs and of
metrics on them. Test accuracy and the gap are targets; the store holds them next to the
signals.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from infoplane.isolated import isolated
from infoplane.machine import device_of
from infoplane.measurement.readings import Reader
from infoplane.networks.arrays import to_tensor
from infoplane.networks.description import rebuild
from infoplane.networks.dtypes import PLAIN
from infoplane.networks.network import OUTPUT
from infoplane.probes.dataset import rows_of
from infoplane.progress import Progress
from infoplane.signals.interface import NotMeasurable, Signal, Value
from infoplane.signals.layers import LAST_HIDDEN, MEAN
from infoplane.signals.layers import NETWORK as WHOLE
from infoplane.signals.settings import Settings
from infoplane.signals.trained import Trained, TrainingInputs
from infoplane.stores.datasets import read_data
from infoplane.stores.weights import WeightsStore, measured_network
from infoplane.training.trainer import NETWORK

if TYPE_CHECKING:
    from infoplane.networks.network import Weights

log = logging.getLogger(__name__)

TRAIN, TEST = "_train", "_test"
"""Endings of the names of metrics on training inputs and on test inputs."""


class Member(NamedTuple):
    """A run whose networks are measured.

    weights : stores of its blocks; dataset : its prepared data set
    axes : the values that distinguish it from the other runs of its family, by key
    """

    run: str
    weights: tuple[Path, ...]
    dataset: Path
    axes: Mapping[str, Any] = {}

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Member:
        """From JSON with run, weights, dataset, axes."""
        weights = tuple(map(Path, written["weights"]))
        return cls(written["run"], weights, Path(written["dataset"]), written.get("axes", {}))


class Chosen(NamedTuple):
    """A network that is measured in a stratum, and its epoch there."""

    run: str
    seed: int
    stratum: str
    epoch: int


class Row(NamedTuple):
    """One value of a signal; `reason` says why it is NaN, and is empty if it is a number."""

    signal: str
    layer: str
    value: float
    cap: float = math.nan
    flags: str = ""
    reason: str = ""


class Found(NamedTuple):
    """What is known about one network at one epoch.

    rows : values of all its signals, or of the requested ones
    targets : accuracies, losses and their gap, and the values that show a collapse
    """

    rows: list[Row]
    targets: dict[str, float | str]


NOTHING = Found([], {})


class Measured(NamedTuple):
    """All networks: (chosen, row) for each value, and the targets of each chosen network."""

    values: list[tuple[Chosen, Row]]
    targets: list[tuple[Chosen, dict[str, float | str]]]


@isolated()
def measure(
    members: Sequence[Member],
    chosen: Sequence[Chosen],
    signals: Mapping[str, Signal],
    settings: Settings,
    title: str = "measure signals",
    known: Mapping[tuple[str, int, int], Found] = MappingProxyType({}),
) -> Measured:
    """All signals of all chosen networks, by the signals' names in the experiment.

    chosen : networks of other runs than the members' are left out. A network with one epoch
        in several strata is measured once
    known : what need not be measured, by run, seed and epoch (known.py)
    Raises ValueError for a run, seed or epoch that does not exist.
    """
    by_run = {member.run: member for member in members}
    wanted: dict[str, dict[int, dict[int, list[Chosen]]]] = {run: {} for run in by_run}
    for one in chosen:
        if one.run in wanted:
            by_seed = wanted[one.run].setdefault(one.seed, {})
            by_seed.setdefault(one.epoch, []).append(one)
    n = sum(len(epochs) for seeds in wanted.values() for epochs in seeds.values())
    result = Measured([], [])
    inputs_of = cache(_training_inputs)
    with Progress(title, n, unit="network") as progress:
        for run, by_seed in wanted.items():
            for store in map(WeightsStore, by_run[run].weights):
                own = {s: by_seed.pop(s) for s in map(int, store.seeds) if s in by_seed}
                networks = _Networks(by_run[run], store, signals, settings, inputs_of)
                for seed, epochs in own.items():
                    for epoch, these in epochs.items():
                        before = known.get((run, seed, epoch), NOTHING)
                        found = networks.measured(seed, epoch, before)
                        result.values.extend((one, row) for one in these for row in found.rows)
                        result.targets.extend((one, found.targets) for one in these)
                        progress.advance()
            if by_seed:
                raise ValueError(f"run {run} has no weights of seeds {[*by_seed]}")
    return result


class _Networks:
    """The networks of one store, measured one by one."""

    def __init__(self, member, store: WeightsStore, signals, settings: Settings, inputs_of):
        self.member, self.store, self.signals = member, store, signals
        self.settings, self.inputs_of = settings, inputs_of
        self.network = rebuild(the_network_of(store))
        chosen = settings.layers, settings.reading
        self.reader = Reader(self.network.layers, self.network.by_default, *chosen)
        self.device = device_of(settings.device)
        self.needs = {need for signal in signals.values() for need in signal.needs}
        metrics = store.metrics()
        self.metrics = {
            m.name: metrics[m.name].values
            for m in store.declared
            if not m.by_layer and m.name.endswith((TRAIN, TEST))
        }
        self.all_epochs = metrics["epoch"].values

    def measured(self, seed: int, epoch: int, before: Found = NOTHING) -> Found:
        """All signals of one network at one epoch. before : known values"""
        store = self.store
        if epoch not in store.epochs:
            raise ValueError(
                f"run {self.member.run} has no weights of epoch {epoch}; training.keep decides "
                "which are kept"
            )
        metrics = self._metrics(seed, epoch)
        lost = store.lost.get(seed)
        targets = _targets(metrics, lost.reason if lost else "") | before.targets
        if lost:
            return Found(self._without(lost.reason), targets)
        rows: dict[str, list[Row]] = {name: [] for name in self.signals}
        for row in before.rows:
            rows[row.signal].append(row)
        missing = {name: self.signals[name] for name, own in rows.items() if not own}
        if not missing:
            return Found([row for own in rows.values() for row in own], targets)
        weights = self._weights(seed, epoch)
        if not all(_finite(array) for array in weights.values()):
            targets["lost"] = "its weights are not finite"
            return Found(self._without(targets["lost"]), targets)
        initial = None
        if "initial" in self.needs and store.epochs[0] == 0:
            initial = self._weights(seed, 0)
        trained = Trained(
            self.network,
            weights,
            self.inputs,
            self.reader,
            run=self.member.run,
            seed=seed,
            epoch=epoch,
            initial=initial,
            metrics={n: v for n, v in metrics.items() if n.endswith(TRAIN)},
            noise_seed=self.settings.noise_seed,
        )
        found, targets["dead"] = rows_of_network(trained, missing)
        targets["n_predicted"] = len(trained.logits.argmax(1).unique())
        for row in found:
            rows[row.signal].append(row)
        return Found([row for own in rows.values() for row in own], targets)

    @property
    def inputs(self) -> TrainingInputs:
        """The training inputs on which its networks are measured."""
        training = self.store.attributes["settings"]["training"]
        settings, where = self.settings, self.member.dataset
        own = (training.get("label"), settings.subset, settings.subset_seed, self.device)
        return self.inputs_of(where, *own)

    def _metrics(self, seed: int, epoch: int) -> dict[str, float]:
        i = int(np.searchsorted(self.store.seeds, seed))
        j = int(np.searchsorted(self.all_epochs, epoch))
        return {name: float(values[i, j]) for name, values in self.metrics.items()}

    def _weights(self, seed: int, epoch: int) -> Weights:
        dtypes = self.network.dtypes
        return {
            name: to_tensor(array[0], dtypes.get(name, PLAIN)).to(self.device)
            for name, array in self.store.read([epoch], [seed], NETWORK).items()
        }

    def _without(self, reason: str) -> list[Row]:
        """A row for each signal and layer of a network that cannot be measured."""
        return [
            Row(name, layer, math.nan, reason=reason)
            for name, signal in self.signals.items()
            for layer in (_layers(self.reader.names) if signal.by_layer else [WHOLE])
        ]


def the_network_of(store: WeightsStore) -> Mapping[str, Any]:
    """The description of the network whose signals are measured, if a training has several."""
    return store.networks[measured_network(store.networks, NETWORK)]


def declared(signal: Signal) -> dict[str, Any]:
    """A signal's declarations, for JSON."""
    return {
        "settings": signal.settings.model_dump(mode="json"),
        "label": signal.label,
        "unit": signal.unit,
        "better": signal.better,
        "by_layer": signal.by_layer,
        "control": signal.control,
    }


def rows_of_network(trained: Trained, signals: Mapping[str, Signal]) -> tuple[list[Row], float]:
    """The rows of all signals of one network, in the signals' order; and the largest share,
    over hidden layers, of units that are the same for every input, NaN without hidden layers.
    """
    by_layer = {name: s for name, s in signals.items() if s.by_layer}
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    dead = [math.nan]
    try:
        for samples in trained.layers():
            if samples.layer != OUTPUT:
                t = samples.t[:, 0]
                dead.append(float((t == t[0]).all(0).double().mean()))
            for name, signal in by_layer.items():
                layer = samples.layer
                ask = _asker(signal, trained, samples)
                found[name][layer] = _row(name, layer, ask, f"{trained.place}, layer {layer}")
    except NotMeasurable as why:  # one layer, and so all after it
        for name in by_layer:
            for layer in trained.reader.names:
                row = Row(name, layer, math.nan, reason=str(why))
                found[name].setdefault(layer, row)
    rows: list[Row] = []
    for name, signal in signals.items():
        if name not in by_layer:
            rows.append(_row(name, WHOLE, _asker(signal, trained), trained.place))
            continue
        rows += found[name].values()
        rows += _summaries(name, found[name], trained.reader.names)
    return rows, float(np.nanmax(dead)) if len(dead) > 1 else math.nan


def _asker(signal: Signal, trained: Trained, samples=None) -> Callable[[], Any]:
    if samples is None:
        return lambda: signal.of_network(trained)
    return lambda: signal.of_layer(samples, trained)


def _row(name: str, layer: str, ask: Callable[[], Any], place: str) -> Row:
    """A signal's value, or why it has none. Any other error gets a note on its place."""
    try:
        found = ask()
    except NotMeasurable as why:
        return Row(name, layer, math.nan, reason=str(why))
    except Exception as error:
        error.add_note(f"signal {name} of {place}")
        raise
    value, cap, flags = found if isinstance(found, Value) else Value(float(found))
    value, flags = float(value), "|".join(flags)
    if not math.isfinite(value):
        why = "it is infinite" if math.isinf(value) else "it is NaN"
        return Row(name, layer, math.nan, cap, flags, why)
    return Row(name, layer, value, cap, flags)


def _layers(names: Sequence[str]) -> list[str]:
    """The layers of a signal that has one value per layer, with the summaries."""
    return [*names, LAST_HIDDEN, MEAN]


def _summaries(name: str, rows: Mapping[str, Row], layers: Sequence[str]) -> Iterator[Row]:
    """The last hidden layer's value, and the mean over layers."""
    hidden = [layer for layer in layers if layer != OUTPUT]
    if hidden:
        yield rows[hidden[-1]]._replace(layer=LAST_HIDDEN)
    else:
        yield Row(name, LAST_HIDDEN, math.nan, reason="no hidden layer is measured")
    without = [row for row in rows.values() if row.reason]
    if without:
        why = f"layer {without[0].layer}: {without[0].reason}"
        yield Row(name, MEAN, math.nan, reason=why)
        return
    values = [row.value for row in rows.values()]
    flags = dict.fromkeys(f for row in rows.values() for f in row.flags.split("|") if f)
    yield Row(
        name,
        MEAN,
        float(np.mean(values)),
        float(np.mean([row.cap for row in rows.values()])),
        "|".join(flags),
    )


def _targets(metrics: Mapping[str, float], lost: str) -> dict[str, float | str]:
    """The targets that signals should predict, and the other metrics."""
    known = {
        name: metrics.get(name, math.nan)
        for name in ("accuracy_test", "accuracy_train", "loss_test", "loss_train")
    }
    gap = known["accuracy_train"] - known["accuracy_test"]
    return {**known, "gap": gap, "n_predicted": math.nan, "dead": math.nan, "lost": lost}


def _training_inputs(
    path: Path, label: str | None, subset: int | None, seed: int, device: torch.device
) -> TrainingInputs:
    """The training inputs of a prepared data set; none of its other inputs is kept."""
    data = read_data(path)
    rows = rows_of(data, "train", subset, seed)
    found = TrainingInputs.of(data.x[rows], data.label(label).codes[rows])
    return found._replace(x=found.x.to(device), y=found.y.to(device))


def _finite(array: torch.Tensor) -> bool:
    return not array.is_floating_point() or bool(torch.isfinite(array).all())
