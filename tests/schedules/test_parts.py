"""Measurements in parts: together they are the whole, bit by bit, in however many parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.estimators import ESTIMATORS
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure_scheduled, why_whole
from infoplane.probes.dataset import DatasetProbe, Settings
from infoplane.schedules import DeltaApproximate, DeltaExact
from infoplane.schedules.parts import WHOLE, Part
from infoplane.stores.information import numbers_of
from infoplane.stores.weights import WeightsStore
from infoplane.training.loop import train

SEEDS = [3, 4]
LAST = 40
OF_ESTIMATOR = {
    "binned": {"n_bins": 10, "range": "layer_over_training"},
    "kde": {"noise_variance": 1e-2},
    **{n: {"max_steps": 60, "width": 8} for n in ("mine", "nwj", "infonce", "smile", "js")},
    "compressed": {"max_steps": 30},
}
LOGARITHMIC = {"schedule": "logarithmic", "number": 9}
DELTA = {"schedule": "delta_exact", "delta": 0.05}


@given(n=st.integers(0, 200), of=st.integers(1, 50))
def test_parts_of_a_range_are_its_things_once_and_in_order(n, of):
    shares = [range(n)[Part(i, of).of_range(n)] for i in range(1, of + 1)]
    assert [thing for share in shares for thing in share] == list(range(n))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_names_of_parts_are_read_back_and_others_refused():
    assert Part.parse(Part(3, 12).name) == (3, 12)
    for wrong in ("0-of-3", "4-of-3", "1-of-04", "1-of", "1of3", "whole"):
        with pytest.raises(ValueError, match="is not the name of a part"):
            Part.parse(wrong)


@given(
    data=st.data(),
    n=st.integers(1, 60),
    of=st.integers(2, 9),
    first_skip=st.integers(1, 5),
)
def test_parts_of_delta_exact_measure_together_what_the_whole_measures(data, n, of, first_skip):
    heights = st.floats(0, 1, width=32)
    curve = 12 * np.array(data.draw(st.lists(heights, min_size=n, max_size=n)))
    curves = np.stack([curve, np.zeros(n)], axis=-1)[:, None, None, :]
    schedule = DeltaExact(schedule="delta_exact", delta=0.1, first_skip=first_skip)

    def follow(part):
        return schedule.follow(range(n), lambda wanted: curves[wanted], (12.0, 1.0), part)

    whole = follow(WHOLE)
    parts = [follow(Part(i, of)) for i in range(1, of + 1)]
    assert sorted({e for part in parts for e in part.epochs}) == whole.epochs
    assert max(part.rounds for part in parts) == whole.rounds
    # only the ends of neighbouring gaps are measured twice
    assert sum(len(part.epochs) for part in parts) < len(whole.epochs) + of


def test_a_walk_has_no_parts():
    schedule = DeltaApproximate(schedule="delta_approximate")
    with pytest.raises(ValueError, match="has no parts: it takes one step after another"):
        schedule.follow([0, 1], None, (12.0, 1.0), Part(1, 2))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "w.zarr.zip"


@pytest.fixture
def measured(path, trainer_of, network_settings, data):
    """A function: what an estimator finds on a trained network, in parts or given records."""
    if not path.exists():  # once for all tests
        optimizer = {"method": "adam", "learning_rate": 0.02}
        trainer = trainer_of(SEEDS, epochs=LAST, optimizer=optimizer)
        train(trainer, path, "same")
    weights = WeightsStore(path)

    def find(name, epochs, part=WHOLE, known=None):
        settings = Settings.model_validate({"epochs": epochs, "device": "cpu"})
        activations = Activations(weights, DatasetProbe(settings, data))
        estimator = ESTIMATORS[name](**OF_ESTIMATOR.get(name, {}))
        return measure_scheduled(
            activations, settings.epochs, estimator, part=part, known=known
        )

    return find


def bits(records):
    """Every number of every record as its bytes."""
    found = {}
    for key, record in records.items():
        numbers = numbers_of(record)
        values = np.array([numbers[name] for name in sorted(numbers)])
        found[key] = values.tobytes(), record.ixt.flags, record.ity.flags
    return found


def in_parts(measured, name, epochs, of):
    found = [measured(name, epochs, Part(i, of)) for i in range(1, of + 1)]
    known = {key: record for part in found for key, record in part.records.items()}
    return known, measured(name, epochs, known=known)


# sp and certified need a noisy network; lga, which treats one layer after another, takes
# minutes.
@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n not in ("sp", "certified", "lga")])
def test_the_bits_do_not_depend_on_the_number_of_parts(measured, name):
    whole = measured(name, LOGARITHMIC)
    known, joined = in_parts(measured, name, LOGARITHMIC, 4)
    assert joined.epochs == whole.epochs and joined.rounds == whole.rounds
    assert bits(known) == bits(joined.records) == bits(whole.records)


@pytest.mark.parametrize("name", ["binned", "kde", "ksg"])
@pytest.mark.parametrize("of", [2, 5, 40])
def test_the_bits_of_delta_exact_do_not_depend_on_the_number_of_parts(measured, name, of):
    whole = measured(name, DELTA)
    assert 4 < len(whole.epochs) < LAST
    _, joined = in_parts(measured, name, DELTA, of)
    assert joined.epochs == whole.epochs and joined.rounds == whole.rounds
    assert bits(joined.records) == bits(whole.records)


def test_known_epochs_are_not_measured_again(measured):
    made_up = measured("kde", LOGARITHMIC, Part(2, 3)).records
    key = next(iter(made_up))
    made_up = {**made_up, key: made_up[key].with_flag("not_converged")}
    found = measured("kde", LOGARITHMIC, known=made_up)
    assert found.records[key].flags == made_up[key].flags
    assert len(found.epochs) == 9


def test_what_goes_on_from_the_epoch_before_is_measured_whole():
    mine = ESTIMATORS["mine"]
    adaptive = DeltaExact(schedule="delta_exact")
    assert why_whole(adaptive, mine(warm_start=True)).startswith("continues")
    assert not why_whole(None, mine())
