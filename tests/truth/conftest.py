"""Toy estimators for the calibration."""

from typing import Literal

import numpy as np
import pytest

from infoplane.estimators.interface import LayerEstimator, PairEstimator
from infoplane.information import Interval
from infoplane.samples import BIT, Information, LayerInformation
from infoplane.settings import Settings


class ToySettings(Settings):
    estimator: Literal["toy"] = "toy"
    offset: float = 0.0
    largest_d: int = 1000


class Toy(PairEstimator):
    Settings = ToySettings

    def between(self, pair):
        """I(A;B) of a normal from the sample's covariance; refuses labels, many dimensions."""
        if pair.is_labelled or pair.widest > self.settings.largest_d:
            raise ValueError(f"{pair.place}: not for me")
        a, b = (v.double().numpy() for v in (pair.a, pair.b))
        both = np.cov(np.hstack([a, b]).T)
        d = a.shape[1]
        det = [np.linalg.slogdet(part)[1] for part in (both[:d, :d], both[d:, d:], both)]
        value = BIT * (det[0] + det[1] - det[2]) / 2 + self.settings.offset
        return Information(value, stderr=0.01, cap=5.0)


class ToyOfLayers(LayerEstimator):
    Settings = ToySettings

    def estimate(self, samples):
        return LayerInformation(
            Information(float(samples.n_inputs), cap=99.0),
            Information(0.5, Interval(0.25, 0.75, "proven")),
        )


@pytest.fixture
def toy():
    """An estimator of two normal variables."""
    return Toy


@pytest.fixture
def toy_of_layers():
    """An estimator of layers: I(X;T) is the number of inputs, I(T;Y) is 0.5."""
    return ToyOfLayers
