"""Signals of activations: information, entropy, classes, rank."""

import itertools
import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import entropy
from tests.signals.small import convolutional, drawn, inputs, perceptron

from infoplane import estimate
from infoplane.samples import Samples
from infoplane.signals import from_written
from infoplane.signals.interface import NotMeasurable


@pytest.fixture(params=[perceptron, convolutional])
def trained(request, trained_of):
    network = request.param()
    return trained_of(network, drawn(network), *inputs(network))


def values(trained, **settings):
    signal = from_written(settings)
    return {s.layer: (s, signal.of_layer(s, trained)) for s in trained.layers()}


def of(t, y, **settings):
    """Of activations t (n, units) with labels y, by no network."""
    samples = Samples.of(np.asarray(t, np.float64), np.asarray(y))
    return from_written(settings).of_layer(samples, None)


@pytest.mark.parametrize("quantity", ["ity", "ixt"])
def test_information_is_the_estimators(trained, quantity):
    written = {"estimator": "binned", "n_bins": 8}
    found = values(trained, signal="information", of=quantity, estimator=written)
    assert len(found) == 3
    for samples, value in found.values():
        t, y = samples.t[:, 0], samples.y
        record = getattr(estimate(t, y, estimator="binned", n_bins=8), quantity)
        assert (value.value, value.cap) == (record.value, record.cap)
        assert value.flags == record.flags


def test_both_informations_of_one_estimator_are_one_estimate(trained, monkeypatch):
    from infoplane.estimators.binned import Binned

    asked, before = [], Binned.estimate_batch

    def counted(self, batch, survey=None):
        asked.append(batch[0].layer)
        return before(self, batch, survey)

    monkeypatch.setattr(Binned, "estimate_batch", counted)
    for quantity in ("ity", "ixt"):
        values(trained, signal="information", of=quantity, estimator={"estimator": "binned"})
    values(trained, signal="binned_entropy")
    assert len(asked) == len(set(asked)) == 3


def test_what_an_estimator_does_not_give_has_its_reason(trained):
    written = {"signal": "information", "of": "ixt", "estimator": {"estimator": "sp"}}
    signal = from_written(written)
    with pytest.raises(NotMeasurable, match="no noise of its own"):
        signal.of_layer(next(trained.layers()), trained)


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        ({"estimator": "clustering"}, "gives no information"),
        ({"estimator": "binned", "n_bins": 9, "range": "training"}, "need the whole training"),
    ],
)
def test_estimators_that_cannot_be_asked_of_one_epoch_are_refused(estimator, said):
    with pytest.raises(ValidationError, match=said):
        from_written({"signal": "information", "estimator": estimator})


def test_the_sign_of_information_is_the_papers():
    for of_, better in (("ity", "higher"), ("ixt", "lower")):
        written = {"signal": "information", "of": of_, "estimator": {"estimator": "kde"}}
        signal = from_written(written)
        assert signal.better == better and "kde" in signal.label


def test_binned_entropy_counts_rows_of_bins(trained):
    for samples, value in values(trained, signal="binned_entropy", n_bins=3).values():
        t = samples.t[:, 0].double().numpy()
        low, high = t.min(), t.max()
        bins = np.minimum(((t - low) / (high - low) * 3).astype(int), 2)
        counts = np.unique(bins, axis=0, return_counts=True)[1]
        assert value.value == pytest.approx(entropy(counts, base=2), abs=1e-9)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"range": "fixed"}, "needs low and high"), ({"low": 0.0}, "have no effect")],
)
def test_settings_of_bins_that_mean_nothing_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        from_written({"signal": "binned_entropy", **settings})


def test_cdnv_and_davies_bouldin_are_as_they_are_defined(trained):
    cdnv = values(trained, signal="cdnv")
    for layer, (samples, index) in values(trained, signal="davies_bouldin").items():
        t, y = samples.t[:, 0].double().numpy(), samples.y.numpy()
        means = [t[y == c].mean(0) for c in range(3)]
        squared = [((t[y == c] - means[c]) ** 2).sum(1).mean() for c in range(3)]
        apart = [np.sqrt(((t[y == c] - means[c]) ** 2).sum(1)).mean() for c in range(3)]

        def between(a, b, means=means):
            return np.linalg.norm(means[a] - means[b])

        pairs = list(itertools.combinations(range(3), 2))
        twin = np.mean([(squared[a] + squared[b]) / (2 * between(a, b) ** 2) for a, b in pairs])
        assert cdnv[layer][1] == pytest.approx(twin, rel=1e-5)
        worst = [
            max((apart[a] + apart[b]) / between(a, b) for b in range(3) if b != a)
            for a in range(3)
        ]
        assert index == pytest.approx(np.mean(worst), rel=1e-5)


@pytest.mark.parametrize("name", ["cdnv", "davies_bouldin", "effective_rank"])
def test_small_and_shifted_activations_say_the_same(trained, name):
    samples = next(trained.layers())
    t, y = samples.t[:, 0].double().numpy(), samples.y.numpy()
    assert of(t * 1e-9 + 1e-6, y, signal=name) == pytest.approx(of(t, y, signal=name), rel=1e-5)


def test_cdnv_of_two_classes_by_hand():
    """Means 0 and 4, variances 1 and 3: (1 + 3) / (2 · 16)."""
    r = math.sqrt(3)
    found = of([[-1], [1], [4 - r], [4 + r]], [0, 0, 1, 1], signal="cdnv")
    assert found == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("name", "t"),
    [
        ("cdnv", [1.0, 1.0, 1.0, 1.0]),
        ("cdnv", [1.0, 2.0, 1.0, 2.0]),  # two means are equal
        ("davies_bouldin", [1.0, 1.0, 1.0, 1.0]),
        ("davies_bouldin", [1.0, 2.0, 1.0, 2.0]),
    ],
)
def test_classes_that_cannot_be_told_apart_have_a_reason(name, t):
    with pytest.raises(NotMeasurable, match=r"means are equal|the same for all inputs"):
        of(np.array(t)[:, None], [0, 0, 1, 1], signal=name)


@pytest.mark.parametrize("shape", [(30, 5), (5, 30)])
def test_effective_rank_is_the_exponential_of_the_entropy_of_singular_values(shape):
    t = np.random.default_rng(0).normal(size=shape)
    s = np.linalg.svd(t - t.mean(0), compute_uv=False)
    found = of(t, np.arange(len(t)) % 2, signal="effective_rank")
    assert found == pytest.approx(math.exp(entropy(s / s.sum())), rel=1e-6)


def test_effective_rank_of_directions_of_one_length_is_their_number():
    t = np.concatenate([np.eye(4), -np.eye(4)])
    found = of(np.pad(t, ((0, 0), (0, 3))), [0, 1] * 4, signal="effective_rank")
    assert found == pytest.approx(4)


def test_effective_rank_of_a_constant_layer_has_a_reason():
    with pytest.raises(NotMeasurable, match="same for all inputs"):
        of(np.ones((5, 2)), [0, 1, 0, 1, 1], signal="effective_rank")


def test_layers_are_what_the_network_reads(trained):
    read = dict(trained.network.read(trained.weights, trained.x))
    for samples in trained.layers():
        torch.testing.assert_close(samples.t[:, 0], read[samples.layer].t[0].flatten(1))


def test_layers_with_noise_have_it(trained_of):
    network = perceptron(noise={"sigma": 0.1})
    trained = trained_of(network, drawn(network), *inputs(network))
    first, again = (next(trained.layers()) for _ in range(2))
    assert first.sigma == pytest.approx(0.1)
    torch.testing.assert_close(first.t, again.t)
    apart = (first.t - first.centres).std()
    assert float(apart) == pytest.approx(0.1, rel=0.2)
