"""The truth of an estimator's own quantity, by which its answer to a task is judged.

Most estimators estimate I(A;B), which every task knows. Estimators with bins, kernels,
projections or components estimate another quantity. Its truth is from the task's law (laws.py,
points.py) or from counting a large sample. If neither gives it, the answer is not judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy  # its parts are imported where they are used: a plan does without them
import torch

from infoplane.estimators.interface import Estimator
from infoplane.estimators.kernels.components import principal_components
from infoplane.information import BIT, entropy_of_counts
from infoplane.samples import Pair
from infoplane.settings import Settings
from infoplane.truth.laws import Grid, Known, of_table
from infoplane.truth.task import Draw, Task

LARGE = 400_000
"""This many samples are counted if no law gives the truth of bins."""
FEW_DIMENSIONS = 6
"""Counting is tried up to this many dimensions of A and B together."""
LARGEST_BIAS = 0.01
"""The Miller-Madow correction of such a count may be at most this many bits."""
FINEST = 2000
"""A table that is blurred has at most this many cells on each side."""
LINEAR = 1e-5
"""Components may differ by this much from a linear map and still count as one."""
MARGIN = 5
"""A blurred table extends this many standard deviations of the noise beyond the samples."""
SEED = 1_000_003
"""The seed of the large samples, which no page uses."""


class Truths:
    """The truths of one estimator's own quantity. Truths that were found are kept, because
    draws of a task often need the same one."""

    def __init__(self):
        self._known: dict[tuple, Known | None] = {}
        self._large: tuple[str, Pair] | None = None

    def of(self, estimator: Estimator, task: Task, draw: Draw) -> Known | None:
        """The truth in bits; None if it is not known.

        estimator : with the settings with which it answers the task
        draw : the draw that it answered; some bins depend on it
        """
        another = OF_ANOTHER.get(estimator.name)
        if estimator.name in task.settings or not (another or estimator.chosen_by):
            return Known(task.truth, task.truth_error)
        return another(self, estimator, task, draw) if another and draw.pair else None

    def _once(self, key: tuple, truth: Callable[[], Known | None]) -> Known | None:
        if key not in self._known:
            self._known[key] = truth()
        return self._known[key]

    def _of_kernels(self, estimator: Estimator, task: Task, draw: Draw) -> Known | None:
        """The information of both variables with the noise of the kernels added."""
        pair, law = draw.pair, task.law
        of_a = _noise(pair.a, estimator.settings)
        of_b = 0.0 if pair.is_labelled else _noise(pair.b, estimator.settings)
        if law is not None:
            return self._once((task.name, of_a, of_b), lambda: law.with_noise(of_a, of_b))
        if (task.d_a, task.d_b) != (1, 1):
            return None
        return self._once((task.name, of_a, of_b), lambda: self._blurred(task, of_a, of_b))

    def _blurred(self, task: Task, of_a: float, of_b: float) -> Known | None:
        """The information of two numbers with noise, from a table of a large sample that is
        blurred by the noise. Cells have a quarter of the noise's standard deviation; None if a
        side needs more than FINEST cells."""
        pair = self._sample(task)
        sides, cells = [], []
        for rows, variance in ((pair.a, of_a), (pair.b, of_b)):
            values = rows[:, 0].double().numpy() / math.sqrt(variance)
            low = values.min() - MARGIN
            found = np.floor((values - low) * 4).astype(np.int64)
            sides.append(int(found.max()) + 4 * MARGIN)
            cells.append(found)
        if max(sides) > FINEST:
            return None
        counts = np.bincount(cells[0] * sides[1] + cells[1], minlength=sides[0] * sides[1])
        p = scipy.ndimage.gaussian_filter(
            counts.reshape(sides) / LARGE, 4.0, mode="constant", truncate=MARGIN
        )
        return Known(of_table(p / p.sum()))

    def _sample(self, task: Task) -> Pair:
        """LARGE draws of the task, kept until another task is asked for."""
        if self._large is None or self._large[0] != task.name:
            self._large = (task.name, task.draw(LARGE, SEED).pair)
        return self._large[1]

    def _of_projections(self, estimator: Estimator, task: Task, draw: Draw) -> Known | None:
        """The mean information over projections; in one dimension this is I(A;B)."""
        if estimator.settings.dimensions != 1:
            return None
        if task.d == 1:
            return Known(task.truth, task.truth_error)
        law = task.law
        return None if law is None else self._once((task.name,), law.sliced)

    def _of_components(self, estimator: Estimator, task: Task, draw: Draw) -> Known | None:
        """The information of this draw's components of A; None if B is compressed too, because
        no law knows what a trained code keeps."""
        pair, settings = draw.pair, estimator.settings
        if task.d_b > settings.code:
            return None
        if task.d_a <= settings.components:
            return Known(task.truth, task.truth_error)
        of_a = None if task.law is None else components_of(pair.a, settings)
        return None if of_a is None else task.law.mapped(of_a)

    def _of_bins(self, estimator: Estimator, task: Task, draw: Draw) -> Known | None:
        """The information of bins with the range of this draw."""
        pair = draw.pair
        of_a = grid(pair.a.double().numpy(), estimator.settings)
        if of_a is None:
            return None
        of_b = None
        if not pair.is_labelled:
            of_b = grid(pair.b.double().numpy(), estimator.settings)
        found = task.law.binned(of_a, of_b) if task.law else None
        return found or self._counted(task, of_a, of_b)

    def _counted(self, task: Task, of_a: Grid, of_b: Grid | None) -> Known | None:
        """Plug-in information of a large sample's bins with the Miller-Madow correction, whose
        size is taken as the error."""
        if task.d_a + task.d_b > FEW_DIMENSIONS or task.largest_n is not None:
            return None
        pair = self._sample(task)
        a = _codes(of_a.cells(pair.a.double().numpy()), of_a.n_bins)
        b = pair.b.numpy()
        if of_b is not None:
            b = _codes(of_b.cells(pair.b.double().numpy()), of_b.n_bins)
        counts = [np.bincount(part) for part in (a, b, _codes(np.stack([a, b], 1), LARGE))]
        h_a, h_b, h_ab = (entropy_of_counts(part) for part in counts)
        k_a, k_b, k_ab = (np.count_nonzero(part) for part in counts)
        bias = BIT * (k_ab - k_a - k_b + 1) / (2 * LARGE)
        if abs(bias) > LARGEST_BIAS:
            return None
        return Known(h_a + h_b - h_ab - bias, abs(bias))


OF_ANOTHER: dict[str, Callable[[Truths, Estimator, Task, Draw], Known | None]] = {
    "binned": Truths._of_bins,
    "compressed": Truths._of_components,
    "kde": Truths._of_kernels,
    "sliced": Truths._of_projections,
}
"""Estimators of a quantity other than I(A;B) whose truth can be known. For other estimators
whose settings choose their quantity (`Estimator.chosen_by`), such as renyi, it is never
known."""


def _noise(rows: torch.Tensor, settings: Settings) -> float:
    """σ² of a kernel estimator's settings for a variable (n, d), in its squared units."""
    scale = 1.0
    if settings.noise == "relative":
        scale = float(rows.double().var(dim=0, correction=0).mean())
    return scale * settings.noise_variance


def components_of(rows: torch.Tensor, settings: Settings) -> np.ndarray | None:
    """The map (d, k) from a variable (n, d) to its components in `compressed`; None if it is
    not linear (normal scores of heavy tails)."""
    components = principal_components(rows, settings.components, settings.seed)[0].numpy()
    values = rows.double().numpy()
    values = values - values.mean(axis=0)
    of_a = np.linalg.lstsq(values, components - components.mean(axis=0), rcond=None)[0]
    return of_a if np.allclose(values @ of_a, components, atol=LINEAR) else None


def grid(values: np.ndarray, settings: Settings) -> Grid | None:
    """The bins of a variable (n, d) under settings of `binned`; None if they are not a grid
    with finitely many bins."""
    if settings.binning != "equal_width" or settings.width is not None:
        return None
    axis = 0 if settings.range == "unit" else None
    if settings.range == "fixed":
        low, high = settings.low, settings.high
    elif settings.range in ("layer", "unit"):
        low, high = values.min(axis=axis), values.max(axis=axis)
    else:
        return None
    low, high = (np.broadcast_to(end, values.shape[1]) for end in (low, high))
    step = np.where(high > low, (high - low) / settings.n_bins, 1.0)
    return Grid(np.asarray(low, float), step, settings.n_bins)


def _codes(cells: np.ndarray, n_bins: int) -> np.ndarray:
    """A number for each different row of cells (n, d)."""
    codes = cells[:, 0]
    for unit in range(1, cells.shape[1]):
        codes = np.unique(
            codes * max(n_bins, cells[:, unit].max() + 1) + cells[:, unit], return_inverse=True
        )[1]
    return codes
