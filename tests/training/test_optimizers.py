"""Learning rates from step to step."""

import itertools
import math

import pytest

from infoplane.training.optimizers import SGD


def shares(steps: int, epochs: int, **settings) -> list[float]:
    optimizer = SGD(method="sgd", learning_rate=1.0, **settings)
    return [optimizer.share(step, steps, epochs) for step in range(steps * epochs)]


def test_rate_is_constant_where_nothing_is_said():
    assert shares(3, 4) == [1.0] * 12


def test_steps_are_counted_from_the_end_of_the_warm_up():
    found = shares(2, 5, warm_up=1, schedule={"decay": "step", "every": 2, "factor": 0.1})
    assert found == pytest.approx([0.5, 1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1])


def test_cosine_falls_to_its_last_share():
    found = shares(10, 5, warm_up=1, schedule={"decay": "cosine", "last": 0.2})
    assert found[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert found[10] == 1
    assert found[30] == pytest.approx(0.6)
    assert found[-1] == pytest.approx(0.2 + 0.4 * (1 + math.cos(math.pi * 39 / 40)))
    assert all(a > b for a, b in itertools.pairwise(found[10:]))
