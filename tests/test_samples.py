"""The records: what they take in and what they refuse."""

import numpy as np
import pytest
import torch

from infoplane.samples import Information, Samples, entropy_of_counts, label_codes


def test_samples_take_arrays_and_tensors_with_and_without_draws():
    plain = Samples.of(np.ones((5, 3), np.float32), [0, 1, 0, 1, 1])
    assert (plain.n_inputs, plain.n_draws, plain.n_units) == (5, 1, 3)
    assert plain.t.dtype == torch.float32
    drawn = Samples.of(torch.ones(5, 2, 3, dtype=torch.float64), torch.arange(5))
    assert (drawn.n_inputs, drawn.n_draws, drawn.n_units) == (5, 2, 3)
    assert Samples.of(np.ones((5, 3), int), np.zeros(5)).t.is_floating_point()


def test_labels_of_any_discrete_type_become_codes():
    assert label_codes(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert label_codes(np.array([True, False])).tolist() == [1, 0]
    assert label_codes(torch.tensor([7.0, 3.0, 7.0])).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("t", "y", "message"),
    [
        (np.ones(5), np.zeros(5), r"shape is \(5,\)"),
        (np.ones((0, 3)), np.zeros(0), "not empty"),
        (np.ones((5, 3)), np.zeros(4), "y has 4 rows, t has 5"),
        (np.ones((5, 3)), np.zeros((5, 1)), "one label an input"),
        (np.ones((5, 3)), np.full(5, 0.5), "class labels"),
        (np.full((5, 3), np.nan), np.zeros(5), "15 of 15 activations are NaN"),
        (np.full((5, 3), np.inf), np.zeros(5), "layer hidden2, seed 1, epoch 9"),
    ],
)
def test_wrong_samples_are_refused_by_name(t, y, message):
    with pytest.raises(ValueError, match=message):
        Samples.of(t, y, layer="hidden2", seed=1, epoch=9)


def test_saturation_starts_two_percent_below_the_cap():
    assert Information(9.81, 0, cap=10.0).with_saturation().flags == ("saturated",)
    assert Information(9.79, 0, cap=10.0).with_saturation().flags == ()
    assert Information(9.79, 0).with_saturation().flags == ()


def test_entropy_of_counts_is_in_bits():
    assert entropy_of_counts([1, 1, 1, 1]) == 2.0
    assert entropy_of_counts([3, 0, 1]) == pytest.approx(0.8112781)
    assert str(entropy_of_counts([4])) == "0.0"


@pytest.mark.parametrize("noise", [{"sigma": 0.1}, {"sigma": 0, "centres": [[1.0], [2.0]]}])
def test_noise_is_centres_and_a_sigma_above_zero(noise):
    with pytest.raises(ValueError, match="noise is given by centres and by a sigma > 0"):
        Samples.of([[1.0], [2.0]], [0, 1], **noise)
