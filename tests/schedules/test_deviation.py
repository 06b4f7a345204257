"""What a schedule would lose on complete curves."""

import numpy as np
import pytest

from infoplane.schedules import DeltaExact, Every
from infoplane.schedules.deviation import joined, loss, outcome

ENTROPIES = 10.0, 1.0
EPOCHS = np.array([0, 1, 2, 4, 8])


def bump(at, height_x, height_y, seeds=2):
    """Curves of seed 0 that are 0 but at one place, in bits; the other seeds' are 0."""
    values = np.zeros((len(EPOCHS), seeds, 1, 2))
    values[at, 0, 0] = height_x, height_y
    return values


def test_curves_are_joined_on_the_axis_of_epochs():
    values = bump(4, 8.0, 0.4)
    line = joined(EPOCHS, values, [0, 8])[:, 0, 0]
    assert line[:, 0].tolist() == [0, 1, 2, 4, 8]
    assert line[:, 1] == pytest.approx([0, 0.05, 0.1, 0.2, 0.4])
    assert (joined(EPOCHS, values, [0, 1, 2, 4, 8]) == values).all()


def test_loss_is_the_largest_of_any_seed_and_of_the_mean():
    found = loss(EPOCHS, bump(2, 3.0, 0.2), [0, 8], ENTROPIES)
    assert found.largest_bits == 3.0 and found.largest_scaled == pytest.approx(0.3)
    assert found.mean_largest_scaled == pytest.approx(0.15)
    assert found.p99_bits == 3.0  # 99 % of five epochs are all five
    assert loss(EPOCHS, bump(2, 3.0, 0.2), EPOCHS.tolist(), ENTROPIES) == (0,) * 6


def test_outcome_follows_adaptive_and_fixed_schedules():
    values = bump(4, 8.0, 0.0)
    exact = outcome(DeltaExact(schedule="delta_exact", delta=0.5), EPOCHS, values, ENTROPIES)
    assert exact.epochs == [0, 1, 4, 8] and exact.rounds == 1
    fixed = outcome(Every(schedule="every", n=4), EPOCHS, values, ENTROPIES)
    assert fixed.epochs == [0, 4, 8] and fixed.rounds == 1
    assert fixed.loss == exact.loss == (0,) * 6


def test_what_is_lost_cannot_be_joined_over():
    values = bump(2, 3.0, 0.2)
    values[2, 1] = np.nan
    assert loss(EPOCHS, values, [0, 8], ENTROPIES).largest_bits == np.inf
