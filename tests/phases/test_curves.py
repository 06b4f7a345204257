"""The numbers of a layer's phases, by curves whose phases are known."""

import numpy as np
import pytest

from infoplane.phases.curves import phases_of
from infoplane.phases.intervals import RESOLUTION

EPOCHS = np.array([0, 1, 10, 100, 1000])
IXT = np.array([5.0, 6.0, 8.0, 7.0, 4.0])
ITY = np.array([0.1, 0.5, 0.9, 0.95, 1.0])
SNR = np.array([np.nan, 8.0, 2.0, 0.5, 0.1])


def networks(curve, spread=0.0, n=6):
    """Curves of n networks, each another constant away from the mean one."""
    return curve + np.linspace(-spread, spread, n)[:, None]


def test_numbers_of_curves_without_noise():
    found = phases_of(EPOCHS, networks(IXT, 0.5), networks(ITY, 0.1), networks(SNR))
    assert found.turn == (10, 10, 10)
    assert found.compression == pytest.approx((4.0, 4.0, 4.0, 5))
    assert found.rise == pytest.approx((3.0, 3.0, 3.0, 5))
    assert found.fitting == pytest.approx((0.8, 0.8, 0.8, 5))
    assert found.ity_end.mean == pytest.approx(1.0) and found.ity_end.n == 6
    assert found.gradient_snr[:3] == pytest.approx((2.0, 2.0, 2.0))


def test_the_ratio_at_the_turn_is_a_geometric_mean():
    snr = networks(SNR) * np.exp(np.array([5.0, -1, 0, 1, -1, 1]))[:, None]
    found = phases_of(EPOCHS, networks(IXT), networks(ITY), snr)
    assert found.gradient_snr.mean == pytest.approx(2.0)
    assert found.gradient_snr.lower * found.gradient_snr.upper == pytest.approx(4.0)


def test_there_is_no_ratio_before_the_first_step():
    falling = networks(IXT[::-1].copy() - EPOCHS / 100)
    found = phases_of(EPOCHS, falling, networks(ITY), networks(SNR))
    assert found.turn.epoch == 10
    found = phases_of(EPOCHS, networks(-np.log1p(EPOCHS)), networks(ITY), networks(SNR))
    assert found.turn.epoch == 0 and np.isnan(found.gradient_snr.mean)
    assert found.rise.is_positive is False and found.fitting.is_positive is False


def test_time_turned_round_makes_a_rise_of_a_fall():
    rng = np.random.default_rng(0)
    curves = networks(IXT) + rng.normal(0, 0.1, (6, 5))
    there = phases_of(EPOCHS, curves, curves)
    back = phases_of(EPOCHS, curves[:, ::-1], curves[:, ::-1])
    assert back.compression == pytest.approx(there.rise)
    assert back.rise == pytest.approx(there.compression)


def test_differences_of_arithmetic_are_no_phase():
    """Layers at the cap differ in the last digits, in all networks alike."""
    cap = np.array([12, 12 + RESOLUTION / 2, 12, 12, 12])
    found = phases_of(EPOCHS, networks(cap), networks(ITY))
    assert found.compression.is_positive is False and found.rise.is_positive is False
    assert found.turn.last == 1000


def test_two_networks_judge_nothing():
    found = phases_of(EPOCHS, networks(IXT, n=2), networks(ITY, n=2))
    assert found.compression.mean == pytest.approx(4.0)
    assert found.compression.is_positive is None and found.turn == (10, 0, 1000)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ity": np.zeros((6, 4))}, "ity must have the shape"),
        ({"epochs": EPOCHS[:3]}, "epochs must have the shape"),
        ({"epochs": EPOCHS[::-1]}, "epochs must ascend"),
        ({"ixt": networks(np.where(EPOCHS == 1, np.nan, IXT))}, "ixt must be finite"),
        ({"ixt": IXT}, "ixt must be"),
    ],
)
def test_curves_that_do_not_fit_are_named(change, text):
    given = {"epochs": EPOCHS, "ixt": networks(IXT), "ity": networks(ITY)} | change
    with pytest.raises(ValueError, match=text):
        phases_of(**given)
