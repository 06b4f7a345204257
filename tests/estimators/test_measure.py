"""Measuring activations: the samples of one call, and the progress that is shown."""

import pytest
import torch

from infoplane.estimators.interface import LayerEstimator
from infoplane.information import NOT_KNOWN, LayerInformation
from infoplane.measurement import measure
from infoplane.progress import Progress
from infoplane.samples import Samples

LAYERS = ["hidden1", "hidden2", "output"]


class Batches(list):
    """Two seeds of three layers at each epoch, a list of samples for each layer."""

    def __init__(self, n_epochs):
        t, y = torch.zeros(2, 1, 1), torch.zeros(2, dtype=torch.int64)
        super().__init__(
            [Samples(t, y, layer=layer, seed=seed, epoch=epoch) for seed in (0, 1)]
            for epoch in range(n_epochs)
            for layer in LAYERS
        )

    def epoch_by_epoch(self):
        return self


@pytest.fixture
def watched(monkeypatch):
    """A function that measures. It returns, before each measurement and at the end, the number
    of batches that were shown as done and the samples that were measured."""
    bars = []

    class Watched(Progress):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            bars.append(self)

    def measured(n_epochs, together):
        told, sizes = [], []

        class Watching(LayerEstimator):
            def estimate_batch(self, batch, survey=None):
                told.append(bars[-1].done)
                sizes.append(len(batch))
                return [LayerInformation(NOT_KNOWN, NOT_KNOWN)] * len(batch)

        monkeypatch.setattr(measure, "Progress", Watched)
        monkeypatch.setattr(Watching, "together", together)
        watching = Watching(estimator="watching")
        records = measure.measure_surveyed(Batches(n_epochs), watching, None)
        assert len(records) == 2 * 3 * n_epochs
        return [*told, bars[-1].done], sizes

    return measured


def test_a_batch_counts_when_it_has_been_measured(watched):
    assert watched(2, together=False) == ([0, 1, 2, 3, 4, 5, 6], [2] * 6)


def test_all_layers_of_an_epoch_count_when_they_have_been_measured(watched):
    assert watched(3, together=True) == ([0, 3, 6, 9], [6] * 3)
