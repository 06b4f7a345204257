"""Long calls are announced before they start, and no others."""

import numpy as np
import pytest

import infoplane
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.tables import expected


def said(name, n, d, features):
    return expected.warning(ESTIMATORS[name](), n, d, features)


@pytest.mark.parametrize("name", ["ksg", "kl", "sliced", "mine", "nwj", "smile", "js"])
def test_what_takes_long_says_how_long_and_what_to_do(name):
    message = said(name, 100_000, 2, 50)
    assert message.startswith(f"{name} for 100000 samples of 2 dimensions and 50 takes about ")
    assert "10000 samples chosen at random would take about" in message


@pytest.mark.parametrize("name", ESTIMATORS)
def test_usual_sizes_say_nothing(name):
    assert said(name, 4096, 10, 12) == said(name, 4096, 10, 0) == ""


def test_where_no_subset_is_named_fewer_samples_are_advised():
    assert "fewer samples or another estimator" in said("lga", 9000, 10, 12)


@pytest.mark.parametrize("name", ["ksg", "kl"])
@pytest.mark.parametrize(("d", "features"), [(1, 0), (2, 0), (5, 0), (1, 1), (2, 2)])
def test_few_dimensions_are_searched_in_trees_and_say_nothing(name, d, features):
    assert said(name, 100_000, d, features) == ""


def test_labels_alone_take_less_than_labels_and_inputs():
    for name in ("ksg", "sliced", "js"):
        alone, both = (
            expected.seconds(ESTIMATORS[name](), 10_000, 20, features) for features in (0, 12)
        )
        assert 0 < alone < both


def test_warnings_come_before_the_call(monkeypatch):
    z = np.random.default_rng(0).standard_normal((60, 3))
    monkeypatch.setattr(expected, "LONG", 0.0)

    def not_yet(*_):
        raise RuntimeError("started")

    monkeypatch.setattr(ESTIMATORS["ksg"], "between", not_yet)
    with (
        pytest.warns(UserWarning, match="ksg for 60 samples") as found,
        pytest.raises(RuntimeError, match="started"),
    ):
        infoplane.estimate(z, z[:, 0] > 0, x=z, estimator="ksg")
    assert [warning.filename for warning in found] == [__file__]
    with pytest.warns(UserWarning, match="ksg for 60 samples"), pytest.raises(RuntimeError):
        infoplane.mutual_information(z, z, estimator="ksg")
