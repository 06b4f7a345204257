"""Counting equal rows: compared with np.unique and with bins on the same grid; edge cases."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import infoplane
from infoplane.estimators import binned, exact
from infoplane.estimators.kernels import counting, counting_cpu
from infoplane.networks.quantisation import on_grid
from infoplane.samples import Samples
from infoplane.truth import quantised, trained
from infoplane.truth.run import run

SETTINGS = exact.ExactSettings()
COUNTS = 1e-9
"""Entropies are sums of integers in steps of 2⁻³⁰, divided by the number of rows."""


def entropy(*columns):
    """Entropy of equal rows by np.unique, in bits."""
    rows = np.column_stack([np.unique(c, axis=0, return_inverse=True)[1] for c in columns])
    p = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    return -(p * np.log2(p)).sum()


def by_unique(t, y):
    """I(X;T) and I(T;Y) of t (n_inputs, n_draws, n_units)."""
    n, r, d = t.shape
    rows, x = t.reshape(-1, d) + 0.0, np.repeat(np.arange(n), r)[:, None]
    labels = np.repeat(y, r)[:, None]
    h = entropy(rows)
    return h + entropy(x) - entropy(rows, x), h + entropy(labels) - entropy(rows, labels)


def layers(n_samples=4, n=300, d=3, bits=2, draws=1):
    generator = torch.Generator().manual_seed(0)
    t = torch.randn(n_samples, n, draws, d, generator=generator)
    t = on_grid(torch.tanh(t), -1.0, 1.0, bits)
    y = torch.arange(n) % 3
    return [Samples(one, y, epoch=i) for i, one in enumerate(t)]


@given(
    values=arrays.arrays(
        np.float32,
        st.tuples(st.integers(2, 12), st.integers(1, 3), st.integers(1, 4)),
        elements=st.sampled_from([-1.0, -0.0, 0.0, 0.25, 1e-30, 3.0]),
    ),
    n_classes=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_counts_are_those_of_unique_rows(values, n_classes):
    y = np.arange(len(values)) % n_classes
    found = exact.Exact(SETTINGS).estimate(Samples.of(values, y, draws=True))
    ixt, ity = by_unique(values, y)
    assert found.ixt.value == pytest.approx(ixt, abs=COUNTS)
    assert found.ity.value == pytest.approx(ity, abs=COUNTS)
    assert found.ixt.value <= found.ixt.cap + COUNTS


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("draws", [1, 5])
def test_bins_of_the_same_grid_say_the_same(bits, draws):
    batch = layers(bits=bits, draws=draws)
    cells = binned.BinnedSettings(n_bins=2**bits, range="fixed", low=-1, high=1)
    ours = exact.Exact(SETTINGS).estimate_batch(batch)
    for found, theirs in zip(ours, binned.Binned(cells).estimate_batch(batch), strict=True):
        assert found.ixt.value == pytest.approx(theirs.ixt.value, abs=COUNTS)
        assert found.ity.value == pytest.approx(theirs.ity.value, abs=COUNTS)
        assert found.extra["entropy"] == pytest.approx(theirs.extra["entropy_binned"])
        assert draws > 1 or found.ixt.value == pytest.approx(found.extra["entropy"], abs=COUNTS)


def test_zeros_of_both_signs_are_one_value():
    t = np.array([[0.0], [-0.0], [1.0], [1.0]], np.float32)
    for rows in (t, t.astype(np.float64)):
        assert infoplane.estimate(rows, [0, 0, 1, 1], estimator="exact").ixt.value == 1.0


def test_neighbouring_floats_are_two_values():
    near = np.nextafter(np.float32(0.5), np.float32(1))
    t = np.array([[0.5], [near]], np.float32)
    assert infoplane.estimate(t, [0, 1], estimator="exact").ixt.value == 1.0
    t = np.array([[0.5], [0.5 + 2**-50]])  # different in float64, equal in float32
    assert infoplane.estimate(t, [0, 1], estimator="exact").ixt.value == 1.0


def test_draws_of_an_input_take_from_what_is_known_of_it():
    t = np.zeros((8, 4, 2), np.float32)
    t[:, :, 0] = np.arange(8)[:, None]  # says which input
    t[:, :, 1] = np.arange(4)  # says which draw alone
    found = infoplane.estimate(t, np.arange(8) % 2, draws=True, estimator="exact")
    assert found.ixt.value == pytest.approx(3, abs=COUNTS)
    assert found.ity.value == pytest.approx(1, abs=COUNTS)
    assert found.extra["entropy"] == pytest.approx(5, abs=COUNTS)
    assert found.ixt.cap == 3


def test_a_network_that_is_not_quantised_saturates():
    t = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    found = infoplane.estimate(t, np.arange(1000) % 2, estimator="exact")
    assert found.ixt.value == pytest.approx(math.log2(1000), abs=COUNTS)
    assert found.flags == ("saturated",)
    few = infoplane.estimate(np.round(t), np.arange(1000) % 2, estimator="exact")
    assert few.flags == () and few.ixt.value < few.ixt.cap - 3


def test_batches_of_mixed_shapes_and_labels_keep_their_order():
    batch = [*layers(2, d=3), *layers(2, d=5), *layers(1, n=200)]
    other = Samples(batch[0].t, (batch[0].t[:, 0, 0] > 0).long())
    mixed = [batch[3], other, batch[0], batch[4], batch[1], batch[2]]
    together = exact.Exact(SETTINGS).estimate_batch(mixed)
    assert together == [exact.Exact(SETTINGS).estimate(one) for one in mixed]
    assert together[1].ity.value > together[2].ity.value


def test_many_units_on_few_levels_share_no_hash():
    """All rows of 16 units with 2 levels: 2¹⁶ rows of values whose bits end in 23 zeros."""
    t = ((np.arange(2**16)[:, None] >> np.arange(16)) & 1).astype(np.float32)
    for values in (t, 2 * t - 1):
        found = infoplane.estimate(values, np.zeros(2**16, int), estimator="exact")
        assert found.ixt.value == pytest.approx(16, abs=COUNTS)


@pytest.mark.parametrize("word", [torch.int32, torch.int64])
def test_hashes_of_the_device_are_those_of_the_compiled_loop(word):
    t = layers(1, d=7, bits=8)[0].t
    words = (t.double() if word == torch.int64 else t).contiguous().view(word)
    minus_zero = torch.iinfo(word).min
    words[:40, 0, 2] = minus_zero
    words[40:50, 0, 2] = -1  # all bits
    out = np.empty(len(words), np.int64)
    flat = words.numpy().reshape(-1).view(f"u{words.itemsize}")
    last = flat.dtype.type(minus_zero % 2 ** (8 * words.itemsize))
    counting_cpu.hash_words(flat, last, counting.odd_multipliers(7), out)
    assert np.array_equal(out, counting.row_hashes(words)[:, 0].numpy())
    assert len(set(out[:40])) == len(
        np.unique(words[:40, 0].where(words[:40, 0] != minus_zero, 0), axis=0)
    )


def test_counted_truths_of_quantised_layers_are_found():
    chosen = trained.Training(epochs=[0, 2], layers=["hidden4", "hidden5"])
    family = quantised.Quantised(network=chosen, bits=[3])
    tasks = family.tasks(family.prepare())
    table = run("exact", exact.Exact(SETTINGS), "quantised", tasks, [4096], 1)
    assert set(table.kind) == {"inputs", "labels"}
    np.testing.assert_allclose(table.truth, table.information, atol=1e-9)
    np.testing.assert_allclose(table.value, table.truth, atol=1e-6)


@pytest.mark.parametrize("method", [exact.Exact(), binned.Binned(n_bins=5)])
def test_an_interval_is_exact_of_all_inputs_without_chance_alone(method):
    rng = np.random.default_rng(1)
    t, y = rng.integers(0, 5, (64, 2)) / 4.0, rng.integers(0, 2, 64)

    def kinds(t=t, **more):
        (record,) = method.session()([Samples.of(t, y, **more)])
        for information in (record.ixt, record.ity):
            if information.interval.kind == "exact":
                assert information.interval[:2] == (information.value, information.value)
        return record.ixt.interval.kind, record.ity.interval.kind

    assert kinds(whole=True) == ("exact", "exact")
    assert kinds() == ("none", "none")
    assert kinds(np.stack([t, t], axis=1), draws=True, whole=True) == ("none", "none")
    assert kinds(t + 0.1, whole=True, sigma=0.1, centres=t) == ("none", "none")


def test_what_is_corrected_is_not_counted():
    corrected = binned.Binned(n_bins=5, correction="miller_madow")
    samples = Samples.of(np.arange(20.0)[:, None], np.arange(20) % 2, whole=True)
    assert corrected.estimate(samples).ixt.interval.kind == "none"
