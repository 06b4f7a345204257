"""Properties of every estimator of two variables."""

import numpy as np
import pytest
import torch

from infoplane.estimators import ESTIMATORS
from infoplane.estimators.interface import Pair

CASES = [
    ("ksg", {}),
    ("kl", {}),
    ("sliced", {"n_projections": 4}),
    ("edge", {}),
    ("edge", {"bandwidth": "rule", "correction": "miller_madow"}),
    ("renyi", {"width": "median"}),
    ("renyi", {"width": "median", "standardise": False}),
    ("lnn", {}),
    ("lga", {}),
    ("compressed", {"max_steps": 100}),
]


def between(name, options, a, b, n_draws=1):
    a, b = (torch.as_tensor(v) for v in (a, b))
    return ESTIMATORS[name](**options).between(Pair(a, b, n_draws=n_draws))


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_draws_make_the_input_a_label(name, options):
    rng = np.random.default_rng(0)
    x = np.repeat(rng.standard_normal((4, 3)), 40, axis=0)
    t = x[:, :2] + 0.3 * rng.standard_normal((160, 2))
    as_draws = between(name, options, t, x, n_draws=40).value
    assert as_draws == between(name, options, t, np.repeat(np.arange(4), 40)).value


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_what_never_varies_says_nothing(name, options):
    varying = np.random.default_rng(0).standard_normal((50, 6))
    for constant in (np.full((50, 6), 0.1), np.full((50, 6), 1e-300)):
        for a, b in [
            (constant, varying), (constant, np.arange(50) % 2), (varying, constant),
            (varying, np.zeros(50, int)),
        ]:  # fmt: skip
            record = between(name, options, a, b)
            assert record.value == 0 and record.cap > -1e-12  # a sum of 50 rounds
