"""Against the facts of field-notes section 2."""

import numpy as np
import pytest
from pydantic import ValidationError

from infoplane.datasets import prepare, szt
from infoplane.datasets.contents import information_of
from infoplane.datasets.shwartz_ziv_tishby import (
    VERTICES,
    gamma_of,
    invariant,
    label_probabilities,
)

NEIGHBOURS = [
    [1, 3, 5, 10, 11],
    [0, 2, 3, 4, 11],
    [1, 3, 4, 8, 9],
    [0, 1, 2, 8, 10],
    [1, 2, 6, 9, 11],
    [0, 6, 7, 10, 11],
    [4, 5, 7, 9, 11],
    [5, 6, 8, 9, 10],
    [2, 3, 7, 9, 10],
    [2, 4, 6, 7, 8],
    [0, 3, 5, 7, 8],
    [0, 1, 4, 5, 6],
]


def orbits():
    """(4096, 3): weight, adjacent pairs, antipodal pairs, out of the table of neighbours."""
    x = szt()[0].astype(int)
    adjacent = np.zeros((12, 12), dtype=int)
    for bit, others in enumerate(NEIGHBOURS):
        adjacent[bit, others] = 1
    # the antipode is the one vertex that is neither a neighbour nor a neighbour's neighbour
    antipodal = (adjacent + adjacent @ adjacent == 0).astype(int)
    assert (antipodal.sum(axis=1) == 1).all()
    pairs = [np.einsum("ni,ij,nj->n", x, m, x) // 2 for m in (adjacent, antipodal)]
    return np.stack([x.sum(axis=1), *pairs], axis=1)


def test_vertices_have_published_neighbours():
    cosines = VERTICES @ VERTICES.T
    np.testing.assert_allclose(np.diag(cosines), 1, atol=1e-15)
    for bit, others in enumerate(NEIGHBOURS):
        assert np.flatnonzero(np.isclose(cosines[bit], 1 / np.sqrt(5))).tolist() == others


def test_szt_is_in_published_order():
    x, y = szt()
    assert x.shape == (4096, 12) and x.dtype == y.dtype == np.uint8
    assert x[:3].tolist() == [[0] * 12, [0] * 11 + [1], [0] * 10 + [1, 0]]
    assert x[2048].tolist() == [1] + [0] * 11
    assert (x @ (1 << np.arange(11, -1, -1)) == np.arange(4096)).all()


def test_szt_labels_have_published_counts(settings):
    y = szt()[1]
    assert y.sum() == 2118
    # f(0) = 0 and f(all ones) = 12 lie on either side of the threshold
    assert y[0] == 0 and y[4095] == 1
    attributes = prepare(settings("szt")).attributes
    assert attributes["entropy_x"] == 12
    assert attributes["entropy_y"]["y"] == pytest.approx(0.99916, abs=5e-6)
    assert attributes["information_xy"]["y"] == attributes["entropy_y"]["y"]


def test_szt_invariant_is_equal_on_each_of_64_orbits():
    y = szt()[1]
    classes, codes = np.unique(orbits(), axis=0, return_inverse=True)
    assert len(classes) == 64
    for k in range(64):
        assert np.ptp(invariant()[codes == k]) < 1e-13  # some ulps of a number below 16
        assert len(set(y[codes == k])) == 1


def test_szt_threshold_has_no_pattern_between_its_limits():
    f = invariant()
    assert not ((f > 7.5628) & (f < 7.7013)).any()


# the three digits that the field quotes
@pytest.mark.parametrize(("gamma", "bits"), [(40, 0.980), (60, 0.993)])
def test_stochastic_labels_have_quoted_information(settings, gamma, bits):
    assert information_of(label_probabilities(gamma)) == pytest.approx(bits, abs=5e-4)
    data = prepare(settings("szt", labels="stochastic", gamma=gamma))
    assert data.attributes["information_xy"]["y"] == information_of(label_probabilities(gamma))


def test_information_of_agrees_with_the_definition():
    p = label_probabilities(3.0)
    joint = p / len(p)
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    direct = (joint * np.log2(joint / product)).sum()
    assert information_of(p) == pytest.approx(direct, abs=1e-12)


@pytest.mark.parametrize("bits", [0.01, 0.5, 0.99])
def test_target_information_is_met(settings, bits):
    assert information_of(label_probabilities(gamma_of(bits))) == pytest.approx(bits, abs=1e-9)
    data = prepare(settings("szt", labels="stochastic", information=bits))
    assert data.attributes["information_xy"]["y"] == pytest.approx(bits, abs=1e-9)


def test_stochastic_labels_follow_their_probabilities(settings):
    p = label_probabilities(2.0)[:, 1]
    draws = np.array(
        [
            prepare(settings("szt", labels="stochastic", gamma=2, seed=seed)).y
            for seed in range(20)
        ]
    )
    assert not (draws[0] == draws[1]).all()
    z = (draws.mean(axis=0) - p).sum() / np.sqrt((p * (1 - p)).sum() / 20)
    assert abs(z) < 4
    # inputs of p < 0.2 and of p > 0.8 separately: labels depend on x
    for chosen in (p < 0.2, p > 0.8):
        assert draws[:, chosen].mean() == pytest.approx(p[chosen].mean(), abs=0.02)


def test_stochastic_information_of_a_subset_is_that_of_its_inputs(settings):
    data = prepare(settings("szt", labels="stochastic", gamma=2, size=500))
    rows = data.x.astype(int) @ (1 << np.arange(11, -1, -1))
    exact = information_of(label_probabilities(2.0)[rows])
    assert data.attributes["information_xy"]["y"] == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"gamma": 40}, "gamma needs labels: stochastic"),
        ({"information": 0.9}, "information needs labels: stochastic"),
        ({"labels": "stochastic"}, "either gamma or information, and neither is given"),
        ({"labels": "stochastic", "gamma": 1, "information": 0.9}, "not both"),
        ({"labels": "stochastic", "information": 1.2}, "1.2 bit.*between 0 and 0.99916 bit"),
        ({"labels": "stochastic", "gamma": -1}, "greater than 0"),
        ({"threshold": 7.5}, "greater than 7.5628"),
    ],
)
def test_szt_settings_that_contradict_are_refused(settings, keys, message):
    with pytest.raises(ValidationError, match=message):
        settings("szt", **keys)
