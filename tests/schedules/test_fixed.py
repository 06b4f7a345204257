"""Schedules of epochs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from infoplane.schedules import Schedule, kept_epochs

read = TypeAdapter(Schedule).validate_python


def select(last, **settings):
    return read(settings).select(np.arange(last + 1)).tolist()


def test_all_is_every_epoch():
    assert select(4, schedule="all") == [0, 1, 2, 3, 4]


def test_every_takes_each_nth_and_the_last():
    assert select(10, schedule="every", n=4) == [0, 4, 8, 10]


def test_list_takes_what_it_names_and_refuses_what_is_not_there():
    assert select(10, schedule="list", epochs=[7, 3, 3]) == [3, 7]
    with pytest.raises(ValueError, match=r"epochs \[11\] were not kept"):
        select(10, schedule="list", epochs=[3, 11])


def test_logarithmic_spreads_evenly_over_decades():
    chosen = np.array(select(10_000, schedule="logarithmic", number=100))
    assert len(chosen) in (99, 100) and chosen[0] == 0 and chosen[-1] == 10_000
    steps = np.diff(np.log(chosen[chosen > 100]))
    assert steps.max() < 1.2 * steps.min()


@given(st.integers(1, 5000), st.integers(2, 300))
def test_logarithmic_has_no_more_than_asked_and_both_ends(last, number):
    chosen = select(last, schedule="logarithmic", number=number)
    assert len(chosen) <= number and chosen == sorted(set(chosen))
    assert chosen[0] == 0 and chosen[-1] == last
    if last + 1 <= number:
        assert chosen == list(range(last + 1))


def test_selection_is_among_the_kept_epochs():
    kept = np.array([0, 10, 20, 30, 100])
    assert read({"schedule": "every", "n": 25}).select(kept).tolist() == [0, 20, 30, 100]
    chosen = read({"schedule": "logarithmic", "number": 4}).select(kept)
    assert set(chosen) <= set(kept) and {0, 100} <= set(chosen)


def test_kept_epochs_hold_the_first_and_the_last():
    assert kept_epochs(read({"schedule": "list", "epochs": [5]}), np.arange(10)).tolist() == [
        0,
        5,
        9,
    ]
