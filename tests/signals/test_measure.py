"""Signals of many networks: what comes out, and that nothing of test inputs goes in."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from infoplane.signals import by_default, from_written
from infoplane.signals.interface import LayerSignal, NetworkSignal, NotMeasurable, Value
from infoplane.signals.known import MADE_FROM, known, made_from
from infoplane.signals.measure import Chosen, measure
from infoplane.signals.settings import Settings
from infoplane.stores.signals import COLUMNS, TARGET_COLUMNS, read_signals, write_signals

CPU = Settings(device="cpu")
CHOSEN = [
    Chosen("own", 3, "last", 8),
    Chosen("own", 5, "last", 8),
    Chosen("own", 5, "matched", 4),
    Chosen("own", 3, "same", 8),
    Chosen("elsewhere", 0, "last", 8),
]


class Spread(LayerSignal):
    """Largest less smallest activation."""

    better = "higher"

    def of_layer(self, samples, trained):
        if samples.layer == "hidden1":
            raise NotMeasurable("it is the first")
        return Value(float(samples.t.max() - samples.t.min()), cap=2.0, flags=("saturated",))


class Seen(NetworkSignal):
    """Takes note of what it is given."""

    better = "lower"

    def of_network(self, trained):
        self.trained = trained
        return math.inf


def written(names):
    return {name: from_written({"signal": name}) for name in names}


def table(found):
    return {(*one, row.signal, row.layer): row for one, row in found.values}


def test_every_chosen_network_has_a_row_a_signal_and_layer(member, weights):
    signals = {**written(["training_loss", "random"]), "spread": Spread(signal="spread")}
    found = measure([member], CHOSEN, signals, CPU)
    rows = table(found)
    layers = ["hidden1", "hidden2", "output", "@last_hidden", "@mean"]
    assert len(rows) == len(found.values) == 4 * (2 + len(layers))
    metrics = weights.metrics().sel(seed=5, epoch=4)
    at = ("own", 5, "matched", 4)
    assert rows[*at, "training_loss", ""].value == float(metrics["loss_train"])
    assert rows[*at, "spread", "hidden1"].reason == "it is the first"
    assert rows[*at, "spread", "@mean"].reason == "layer hidden1: it is the first"
    assert rows[*at, "spread", "@last_hidden"][2:] == rows[*at, "spread", "hidden2"][2:]
    assert rows[*at, "spread", "output"].flags == "saturated"
    targets = dict(found.targets)[Chosen(*at)]
    gap = metrics["accuracy_train"] - metrics["accuracy_test"]
    assert targets["gap"] == float(gap) and targets["lost"] == ""
    assert 1 <= targets["n_predicted"] <= 2 and targets["dead"] == 0


def test_a_network_in_two_strata_is_measured_once_and_written_twice(member):
    seen = Seen(signal="seen")
    asked = []
    seen.of_network = lambda trained: asked.append(trained.place) or 1.0
    found = measure([member], CHOSEN, {"seen": seen}, CPU)
    assert len(asked) == 3 and len(found.values) == 4


def test_what_a_signal_is_given_holds_nothing_of_test_inputs(member, data, weights):
    """Every array and number that can be reached, through any attribute, key or item."""
    test = data.x[data.test]
    of_test = {
        float(v)
        for name in ("accuracy_test", "loss_test")
        for v in weights.metrics()[name].values.ravel()
    } - {float(v) for v in weights.metrics()["accuracy_train"].values.ravel()}
    signals = {name: from_written({"signal": name}) for name in by_default()}
    seen = Seen(signal="seen")
    found = measure([member], CHOSEN[:1], {**signals, "seen": seen}, CPU)
    rows, numbers, kinds = [], [], set()
    for value in _reachable(seen.trained):
        kinds.add(type(value).__name__)
        if isinstance(value, torch.Tensor | np.ndarray):
            array = np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)
            if array.shape[-1:] == test.shape[1:]:
                rows.append(array.reshape(-1, test.shape[1]))
            numbers.extend(array.ravel().tolist() if array.size < 100 else ())
        elif isinstance(value, float):
            numbers.append(value)
    assert {"Trained", "TrainingInputs", "MLP"} <= kinds
    assert not kinds & {"Data", "WeightsStore", "DataTree", "Dataset", "PosixPath", "Path"}
    every = np.concatenate(rows)
    assert (every[:, None] == data.x[data.train][:3]).all(2).any()  # it does find inputs
    assert not (every[:, None] == test).all(2).any()
    assert numbers and not of_test & set(numbers)
    assert len(found.targets) == 1 and found.targets[0][1]["accuracy_test"] in of_test


def _reachable(value, known=None):
    known = {} if known is None else known
    if id(value) in known or isinstance(value, type | str | bytes | int) or callable(value):
        return
    known[id(value)] = value
    yield value
    if isinstance(value, torch.Tensor | np.ndarray | float):
        return
    inside = list(value.items()) if isinstance(value, Mapping) else []
    if isinstance(value, list | tuple | set | frozenset):
        inside = list(value)
    inside += list(getattr(value, "__dict__", {}).items())
    for one in inside:
        yield from _reachable(one, known)


def test_a_value_that_is_no_number_has_its_reason(member):
    found = measure([member], CHOSEN[:1], {"seen": Seen(signal="seen")}, CPU)
    (_, row), *_ = found.values
    assert math.isnan(row.value) and row.reason == "it is infinite"


def test_an_error_in_a_signal_says_where_it_came_up(member):
    seen = Seen(signal="seen")
    seen.of_network = lambda trained: 1 / 0
    with pytest.raises(ZeroDivisionError) as error:
        measure([member], CHOSEN[:1], {"mine": seen}, CPU)
    assert error.value.__notes__ == ["signal mine of run own, seed 3, epoch 8"]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Chosen("own", 9, "last", 8), "run own has no weights of seeds"),
        (Chosen("own", 3, "last", 99), "run own has no weights of epoch 99"),
    ],
)
def test_a_network_that_there_is_not_is_named(member, one, said):
    with pytest.raises(ValueError, match=said):
        measure([member], [one], written(["random"]), CPU)


def test_the_random_number_depends_on_the_network_alone(member):
    found = measure([member], CHOSEN, written(["random"]), CPU)
    values = {(one.seed, one.stratum): row.value for one, row in found.values}
    assert values[5, "last"] == values[5, "matched"] != values[3, "last"]


def test_a_store_gives_back_what_was_written(member, tmp_path):
    signals = {"spread": Spread(signal="spread"), **written(["random"])}
    found = measure([member], CHOSEN, signals, CPU)
    path = tmp_path / "signals.zarr.zip"
    write_signals(
        [{**one._asdict(), **row._asdict()} for one, row in found.values],
        [{**one._asdict(), **targets} for one, targets in found.targets],
        {"recipe": "of a test"},
        path,
    )
    values, targets, attributes = read_signals(path)
    assert tuple(values) == COLUMNS and tuple(targets) == TARGET_COLUMNS
    assert attributes["recipe"] == "of a test"
    assert len(values) == len(found.values) and len(targets) == 4
    for (one, row), (_, read) in zip(found.values, values.iterrows(), strict=True):
        assert tuple(read[["run", "seed", "stratum", "epoch"]]) == tuple(one)
        np.testing.assert_equal(tuple(read[[*row._fields]]), tuple(row))


@pytest.fixture
def stored(member, tmp_path):
    """Measures what is asked for, taking over what an earlier call found; values, and how often
    the signal `spread` was asked."""
    path = tmp_path / "kept.zarr.zip"

    def again(signals, chosen=CHOSEN, settings=CPU, members=(member,)):
        asked = []
        spread = signals.get("spread")
        if spread:
            own = type(spread).of_layer.__get__(spread)
            spread.of_layer = lambda samples, trained: asked.append(1) or own(samples, trained)
        source = made_from(signals, members, settings)
        found = measure(members, chosen, signals, settings, known=known(path, source))
        path.unlink(missing_ok=True)  # as Snakemake does
        rows = [{**one._asdict(), **row._asdict()} for one, row in found.values]
        targets = [{**one._asdict(), **beside} for one, beside in found.targets]
        write_signals(rows, targets, {MADE_FROM: source}, path)
        path.unlink()
        return found, len(asked)

    return again


def test_what_is_known_is_not_measured_again(stored):
    def signals(**more):
        return {"spread": from_written({"signal": f"{__name__}:Spread"}), **written(more or [])}

    first, asked = stored(signals())
    assert asked == 9  # three networks of three layers, one of which is in two strata
    second, asked = stored(signals())
    assert asked == 0
    np.testing.assert_equal(second.values, first.values)
    np.testing.assert_equal(second.targets, first.targets)
    third, asked = stored(signals(random=0))
    assert asked == 0 and len(third.values) == len(first.values) + 4
    _, asked = stored(signals(), [*CHOSEN, Chosen("own", 4, "last", 8)])
    assert asked == 3
    _, asked = stored(signals(), settings=Settings(device="cpu", subset=50))
    assert asked == 9


def test_an_empty_store_can_be_read(tmp_path):
    write_signals([], [], {}, tmp_path / "s.zarr.zip")
    values, targets, _ = read_signals(tmp_path / "s.zarr.zip")
    assert len(values) == len(targets) == 0
