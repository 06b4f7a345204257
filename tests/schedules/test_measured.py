"""Adaptive schedules on a trained network: what they measure is what measuring all gives."""

import math

import numpy as np
import pytest

from infoplane.estimators import from_written
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure, measure_scheduled, values_of
from infoplane.probes.dataset import DatasetProbe, Settings
from infoplane.schedules.distances import between
from infoplane.stores.weights import WeightsStore
from infoplane.training.loop import train
from infoplane.training.trainer import Lost

LAST = 150
OVER_TRAINING = {"estimator": "binned", "n_bins": 10, "range": "layer_over_training"}
KDE = {"estimator": "kde", "noise_variance": 1e-2}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "w.zarr.zip"


@pytest.fixture
def weights(path, trainer_of, network_settings):
    if not path.exists():  # once for all tests
        optimizer = {"method": "adam", "learning_rate": 0.02}
        trainer = trainer_of([3, 4], epochs=LAST, optimizer=optimizer)
        train(trainer, path, "same")
    return WeightsStore(path)


@pytest.fixture
def scheduled(weights, data):
    """A function: what a schedule finds by an estimator, and all activations it may see."""

    def find(epochs, estimator, at_once=None, memory=10**9):
        settings = Settings.model_validate({"epochs": epochs, "device": "cpu"})
        activations = Activations(weights, DatasetProbe(settings, data))
        activations.at_once = at_once or activations.at_once
        activations.memory = memory
        chosen = from_written(estimator)
        return measure_scheduled(activations, settings.epochs, chosen), activations

    return find


def delta(value=0.05, **settings):
    return {"schedule": "delta_exact", "delta": value, **settings}


@pytest.mark.parametrize("estimator", [OVER_TRAINING, KDE], ids=["binned", "kde"])
def test_measured_epochs_have_the_values_of_measuring_all(scheduled, estimator):
    complete, _ = scheduled({"schedule": "all"}, estimator)
    survey = {"schedule": "all"}
    some, _ = scheduled(delta(survey=survey), estimator, at_once=7)
    assert complete.epochs == list(range(LAST + 1)) and complete.rounds == 1
    assert len(some.records) == len(some.epochs) * 2 * 3
    for key, record in some.records.items():
        # sums run over other blocks of epochs: the last digits differ
        assert record.ixt.value == pytest.approx(complete.records[key].ixt.value, abs=1e-5)
        assert record.ity.value == pytest.approx(complete.records[key].ity.value, abs=1e-5)
    if estimator is OVER_TRAINING:  # counts are counts
        assert all(record == complete.records[key] for key, record in some.records.items())


@pytest.mark.parametrize("estimator", [OVER_TRAINING, KDE], ids=["binned", "kde"])
@pytest.mark.parametrize("over", ["seed", "mean"])
def test_the_guarantee_holds_on_real_curves(scheduled, estimator, over):
    found, activations = scheduled(delta(over=over), estimator)
    assert found.epochs[0] == 0 and found.epochs[-1] == LAST
    assert 8 < len(found.epochs) < LAST
    values = values_of(found.records, found.epochs, activations.seeds, activations.layers)
    (entropies,) = set(activations.entropies(found.epochs).values())
    scale = np.array(entropies)
    apart = between(values[:-1], values[1:], scale, over)
    assert ((apart <= 0.05) | (np.diff(found.epochs) == 1)).all()
    assert found.rounds <= 1 + math.ceil(math.log2(LAST))


def test_bins_do_not_depend_on_the_way_of_the_schedule(scheduled):
    fine, _ = scheduled(delta(0.01), OVER_TRAINING)
    coarse, _ = scheduled(delta(0.2), OVER_TRAINING)
    walked, _ = scheduled({"schedule": "delta_approximate"}, OVER_TRAINING)
    assert len(coarse.epochs) < len(fine.epochs)
    for other in (coarse, walked):
        shared = fine.records.keys() & other.records.keys()
        assert len({epoch for _, epoch, _ in shared}) > 5
        assert all(fine.records[key] == other.records[key] for key in shared)


def test_bins_are_those_of_the_epochs_that_are_surveyed(scheduled):
    epochs = {"schedule": "list", "epochs": [0, 20, LAST]}
    listed, _ = scheduled(epochs, OVER_TRAINING)
    found, _ = scheduled(delta(survey=epochs), OVER_TRAINING)
    for key in [(3, 0, "hidden1"), (4, LAST, "hidden2")]:
        assert found.records[key] == listed.records[key]


@pytest.mark.parametrize(("memory", "passes"), [(10**9, 1), (0, 2)])
def test_a_survey_takes_no_pass_of_its_own_where_memory_has_room(
    scheduled, monkeypatch, memory, passes
):
    begun, readings = [], Activations._readings

    def watched(self, epochs, seeds, draws):
        begun.extend(epochs)
        return readings(self, epochs, seeds, draws)

    monkeypatch.setattr(Activations, "_readings", watched)
    found, _ = scheduled({"schedule": "every", "n": 50}, OVER_TRAINING, memory=memory)
    assert sorted(begun) == sorted(passes * found.epochs)


def test_a_fixed_schedule_is_measured_at_once(scheduled):
    found, activations = scheduled({"schedule": "every", "n": 50}, KDE)
    assert found.epochs == [0, 50, 100, 150] and found.rounds == 1
    assert found.records == measure(activations, from_written(KDE))


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        ({"estimator": "mine", "warm_start": True}, "mine continues from the epoch before"),
        ({"estimator": "clustering"}, "clustering gives no information"),
    ],
)
def test_estimators_that_need_epochs_in_order_are_refused(scheduled, estimator, why):
    with pytest.raises(ValueError, match=why):
        scheduled(delta(), estimator)


def test_failed_seeds_take_no_part(scheduled, weights):
    both, _ = scheduled(delta(), KDE)
    weights.lost = {4: Lost("the loss became NaN")}
    one, _ = scheduled(delta(), KDE)
    assert {seed for seed, _, _ in one.records} == {3}
    assert len(one.epochs) <= len(both.epochs)
    weights.lost = dict.fromkeys([3, 4], Lost("the loss became NaN"))
    none, _ = scheduled(delta(), KDE)
    assert none.records == {} and none.epochs[0] == 0 and none.epochs[-1] == LAST
