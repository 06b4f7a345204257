"""I(X;T) and I(T;Y) of activations that have finitely many values, by counting.

T of a quantised network is discrete. If the measured inputs are all values of X, nothing is
estimated. With X the index of the input,
    I(X;T) = H(T) − mean_n H(T | X = x_n)        (H(T) if each input has one draw)
    I(T;Y) = H(T) − Σ_y p(y) H(T | Y = y)
where each entropy is that of the counts of equal rows. Σ_y p(y) H(T|y) = H(T, Y) − H(Y).

Source: Lorenzen, Igel & Nielsen 2022, "Information Bottleneck: Exact Analysis of (Quantized)
Neural Networks" (ICLR), section 3.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np

from infoplane.estimators.interface import LayerEstimator
from infoplane.estimators.kernels import counting, unseen
from infoplane.estimators.kernels.counting_cpu import TX, TY, T, X, Y
from infoplane.estimators.kernels.shapes import by_shape
from infoplane.information import PAIRS, Quantity
from infoplane.samples import Information, LayerInformation, Samples
from infoplane.settings import Settings


class ExactSettings(Settings):
    """Settings of exact counting; there are none."""

    estimator: Literal["exact"] = "exact"
    """`exact` counts equal rows of quantised activations (Lorenzen et al. 2022)."""


class Exact(LayerEstimator):
    """Counts of equal rows."""

    Settings = ExactSettings
    settings: ExactSettings
    changes = "more inputs give more bits if these are a sample; it has no settings"

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ()

    def quantity(self, of: str) -> Quantity:
        """The information of the values of T."""
        return Quantity(f"{PAIRS[of]} of the values of T", PAIRS[of])

    def estimate(self, samples: Samples) -> LayerInformation:
        """I(X;T) and I(T;Y) of the measured inputs by counting equal rows.

        samples.t : (n_inputs, n_draws, n_units), samples.y : (n_inputs,)
        Returns LayerInformation in bits, exact to 1e-9 bit for the measured inputs. interval:
        exact if the inputs are all values of X. For unseen inputs it contains the population's
        information (kernels/sampling.py), while the value remains that of the inputs. Other
        samples have no interval. extra: entropy, H(T), and entropy_given_x, H(T|X), 0 with one
        draw. cap: log2 n_inputs. A network without quantisation reaches the cap, because nearly
        all of its rows differ; the value is then flagged 'saturated'.
        """
        return self.estimate_batch([samples])[0]

    def of_population(self, samples: Samples) -> bool:
        """Whether the results concern a population: for unseen inputs."""
        return unseen.are(samples)

    def estimate_batch(
        self, batch: Sequence[Samples], survey: None = None
    ) -> list[LayerInformation]:
        """`estimate` for many samples; those of equal shapes run in parallel."""
        records = by_shape(batch, _records)
        return [
            record.exactly() if samples.is_counted_whole else record.without_intervals("sample")
            for samples, record in zip(batch, records, strict=True)
        ]


def _records(batch: list[Samples]) -> list[LayerInformation]:
    """Records of samples of one shape: I(X;T) = H(T) + H(X) − H(T, X), and the same with Y."""
    t = counting.stacked([samples.t for samples in batch])
    alike = all(samples.y is batch[0].y for samples in batch)
    labels = np.stack([samples.y.numpy() for samples in (batch[:1] if alike else batch)])
    counted = counting.tally_rows(t, labels)
    entropies = counted.entropies()
    h = entropies[:, T]
    given_x = entropies[:, TX] - entropies[:, X]
    ixt = h - given_x
    ity = h - (entropies[:, TY] - entropies[:, Y])
    cap = math.log2(batch[0].n_inputs)
    of_population = any(map(unseen.are, batch))
    plain = Information(math.nan, why_none="" if of_population else "sample")
    records = [
        LayerInformation(
            plain.but(value=a, cap=cap),
            plain.but(value=b),
            {"entropy": whole, "entropy_given_x": g},
        )
        for a, b, whole, g in zip(*(v.tolist() for v in (ixt, ity, h, given_x)), strict=True)
    ]
    if not of_population:
        return records
    codes = [unseen.codes_of_values(t)] * len(batch)
    again = unseen.repeats(t, labels, partial(counting.tally_rows, repeats=True))
    return unseen.with_intervals(batch, records, counted, again, codes)
