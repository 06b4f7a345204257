"""Log densities of noisy samples: over the draws of an input, over a label, and over all.

For a sample t around the centre s of input x and label y, in units of the noise,
    ln Σ_j exp(−‖t − s_j‖²/2)
over the draws of x (with and without s itself), the centres of label y, and all centres. All
distances are direct differences, because ‖a‖² + ‖b‖² − 2ab is inaccurate if the noise is small.

On the CPU compiled loops skip boxes of centres that are out of reach (sp_cpu.py); on other
devices torch computes all centres in blocks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from infoplane.estimators.kernels import leaves_cpu as leaves
from infoplane.estimators.kernels import sp_cpu
from infoplane.estimators.kernels.threads import each

if TYPE_CHECKING:
    from torch import Tensor

NEGLECTED = 1e-6
"""All skipped centres together have at most this share of a sample's own term."""

MOST_DEVIATION = 1e-4
"""Largest distance, in units of the noise, by which rounding may move a point."""

FAN = 32
"""Number of leaves in a node, if there are few units."""
NODE_VALUES = 2**17
"""Number of values in a node, if there are many units: half of a usual second-level cache."""
PART = 2**22
"""Number of values of the centres that are scaled or compared at once."""
AT_ONCE = 16
"""Number of points that a thread computes together."""


class Logarithms(NamedTuple):
    """ln Σ_j exp(−‖t − s_j‖²/2) at points t, each float64 (n_points,).

    of_input : over the draws of the point's input
    of_others : over these without its own draw; −∞ if there is no other
    of_label : over the centres of its label
    of_all : over all centres
    """

    of_input: np.ndarray
    of_others: np.ndarray
    of_label: np.ndarray
    of_all: np.ndarray


def densities(
    centres: Tensor, labels: np.ndarray, sigma: float, memory: int
) -> OnCPU | OnDevice:
    """An object that gives `logarithms` for these centres (n_inputs, n_draws, n_units).

    labels (n_inputs,) int64; sigma : standard deviation of the noise on each unit; memory :
    bytes in addition to copies of the centres
    """
    points = _in_units_of_noise(centres, sigma)
    return OnDevice(points, labels, memory) if centres.is_cuda else OnCPU(points, labels)


def _in_units_of_noise(centres: Tensor, sigma: float) -> Tensor:
    """(centres − mean)/σ, as float32 if this moves no point noticeably, else as float64."""
    n_units = centres.shape[2]
    mean = centres.sum(dim=(0, 1), dtype=torch.float64) / (len(centres) * centres.shape[1])
    parts = list(centres.split(max(1, PART // (centres.shape[1] * n_units))))
    largest = max(float((part.to(torch.float64) - mean).abs().amax()) for part in parts)
    rounding = largest * torch.finfo(torch.float32).eps / 2 * math.sqrt(n_units)
    single = rounding <= MOST_DEVIATION * sigma
    dtype = torch.float32 if single else torch.float64
    scaled = torch.empty(centres.shape, dtype=dtype, device=centres.device)
    # The noise of a layer that never varies may be 0, and squares must not leave float64.
    scale = max(sigma, 1e-100 * largest, 1e-300)
    for target, part in zip(scaled.split(len(parts[0])), parts, strict=True):
        target.copy_((part.to(torch.float64) - mean) / scale)
    return scaled


def coincide(centres: Tensor, first: Tensor, sigma: float) -> bool:
    """Whether centres (n_inputs, n_draws, n_units) equal `first`, (n_inputs, 1, n_units) or
    (1, 1, n_units), up to rounding."""
    step = max(1, PART // (centres.shape[1] * centres.shape[2]))
    for part, own in zip(
        centres.split(step), first.expand(len(centres), -1, -1).split(step), strict=True
    ):
        apart = (part - own).to(torch.float64).square_().sum(dim=2).amax().sqrt()
        if not apart <= MOST_DEVIATION * sigma:
            return False
    return True


def noisy(points: Tensor, chosen: np.ndarray, z: np.ndarray) -> Tensor:
    """Points (n_inputs, n_draws, n_units) at positions `chosen`, plus noise z (n, n_units)."""
    own = points.flatten(0, 1)[torch.from_numpy(chosen).to(points.device)]
    return (own.to(torch.float64) + torch.from_numpy(z).to(points.device)).to(points.dtype)


class OnCPU:
    """Logarithms by compiled loops over a tree of boxes.

    order (n_inputs · n_draws,) int64 : positions input · n_draws + draw, sorted by label, with
        neighbours in space next to each other
    """

    def __init__(self, points: Tensor, labels: np.ndarray):
        n_draws, d = points.shape[1:]
        self.points = points.contiguous()
        self.labels = np.repeat(labels, n_draws)
        self.order = np.argsort(self.labels, kind="stable")
        rows = self.points.view(-1, d).numpy()
        sizes = np.bincount(self.labels)
        stops, lines = np.cumsum(sizes), leaves.in_lines(rows)
        each(
            lambda i: leaves.split_in_space(
                lines, self.order, stops[i] - sizes[i], stops[i], leaves.LEAF
            ),
            len(sizes),
        )
        starts, ends, self.classes = _leaves(sizes)
        self.tiles = np.empty((len(starts), d + -d % 4, leaves.LEAF), dtype=rows.dtype)
        low, high = np.empty((2, len(starts), d), dtype=rows.dtype)
        leaves.fill(rows, self.order, starts, ends, self.tiles, low, high)
        fan = max(1, min(FAN, NODE_VALUES // (d * leaves.LEAF)))
        self.boxes = _by_node(low, np.inf, fan), _by_node(high, -np.inf, fan)
        low, high = self.boxes[0].min(axis=2), self.boxes[1].max(axis=2)
        self.nodes = _by_node(low, np.inf, len(low)), _by_node(high, -np.inf, len(high))

    def logarithms(self, chosen: np.ndarray, z: np.ndarray) -> Logarithms:
        """Logarithms at the centres `chosen` (n,) int64 plus noise z (n, n_units), in units of
        the noise."""
        points = noisy(self.points, chosen, z).numpy()
        own = self.points.view(-1, points.shape[1])[torch.from_numpy(chosen)].numpy()
        # All skipped centres together have at most the share NEGLECTED of exp(−‖t − s‖²/2).
        room = 2 * math.log(len(self.order) / NEGLECTED)
        reach = (np.square(points - own).sum(axis=1) + room).astype(points.dtype)
        filled_up = leaves.filled_up(points)
        of_group, of_mixture = np.empty((2, len(points), 2))
        edges = np.arange(0, len(points), AT_ONCE)

        def run(i: int) -> None:
            first, last = edges[i], min(edges[i] + AT_ONCE, len(points))
            sp_cpu.groups(self.points.numpy(), chosen, points, first, last, of_group)
            sp_cpu.mixture(
                self.tiles, self.classes, self.boxes, self.nodes, filled_up,
                self.labels[chosen], reach, first, last, of_mixture,
            )  # fmt: skip

        each(run, len(edges))
        return _in_order(*of_group.T, *of_mixture.T)


class OnDevice:
    """Logarithms by torch, on the device of the points, from all centres in blocks.

    order : as in OnCPU, but in the order of the data set within a label
    """

    def __init__(self, points: Tensor, labels: np.ndarray, memory: int):
        self.points, self.memory = points, memory
        self.labels = torch.from_numpy(labels).to(points.device)
        self.order = np.argsort(np.repeat(labels, points.shape[1]), kind="stable")

    def logarithms(self, chosen: np.ndarray, z: np.ndarray) -> Logarithms:
        """As in OnCPU."""
        n_draws = self.points.shape[1]
        places = torch.from_numpy(chosen).to(self.points.device)
        points = noisy(self.points, chosen, z)
        # about six values of 8 bytes are in memory for each pair of a point and a centre
        pairs = max(1, self.memory // 48)
        height = max(1, min(len(points), math.isqrt(pairs)))
        parts = [
            torch.stack(
                [
                    *self._of_group(t, at // n_draws, at % n_draws, pairs),
                    *self._of_mixture(t, self.labels[at // n_draws], pairs // len(t)),
                ]
            )
            for t, at in zip(points.split(height), places.split(height), strict=True)
        ]
        return _in_order(*torch.cat(parts, dim=1).cpu().numpy())

    def _of_group(self, points, inputs, own, pairs: int) -> tuple[Tensor, Tensor]:
        n_draws, d = self.points.shape[1:]
        found = torch.empty(2, len(points), dtype=torch.float64, device=points.device)
        step = max(1, pairs // (n_draws * d))
        for part in torch.arange(len(points), device=points.device).split(step):
            draws = self.points[inputs[part]]
            x = _minus_half_squares(points[part, None], draws)[:, 0]
            others = x.scatter(1, own[part, None], -math.inf)
            found[0, part], found[1, part] = x.logsumexp(1), others.logsumexp(1)
        return found[0], found[1]

    def _of_mixture(self, points, labels, width: int) -> tuple[Tensor, Tensor]:
        rows = self.points.flatten(0, 1)
        n_draws = self.points.shape[1]
        of_label = torch.full((len(points),), -math.inf, dtype=torch.float64).to(points.device)
        of_all = of_label
        for start in range(0, len(rows), max(1, width)):
            part = rows[start : start + max(1, width)]
            x = _minus_half_squares(points, part)
            place = torch.arange(start, start + len(part), device=points.device)
            same = self.labels[place // n_draws] == labels[:, None]
            of_all = torch.logaddexp(of_all, x.logsumexp(1))
            of_label = torch.logaddexp(of_label, x.masked_fill_(~same, -math.inf).logsumexp(1))
        return of_label, of_all


def _minus_half_squares(a: Tensor, b: Tensor) -> Tensor:
    """−‖a_i − b_j‖²/2, float64, from direct differences in the points' precision."""
    distances = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.to(torch.float64).square_().mul_(-0.5)


def _in_order(of_input, of_others, of_label, of_all) -> Logarithms:
    """The logarithms, corrected for rounding: a sum over more centres is not smaller."""
    of_label = np.maximum(of_label, of_input)
    return Logarithms(of_input, of_others, of_label, np.maximum(of_all, of_label))


def _leaves(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, stop and class of each leaf, for successive classes with these sizes."""
    starts = [np.arange(0, size, leaves.LEAF) for size in sizes]
    stops = [np.minimum(s + leaves.LEAF, size) for s, size in zip(starts, sizes, strict=True)]
    classes = np.repeat(np.arange(len(sizes)), [len(s) for s in starts])
    before = (np.cumsum(sizes) - sizes)[classes]
    return np.concatenate(starts) + before, np.concatenate(stops) + before, classes


def _by_node(corners: np.ndarray, far: float, fan: int) -> np.ndarray:
    """Corners (n_leaves, n_units) as (n_nodes, n_units, fan), filled up with far corners."""
    missing = -len(corners) % fan
    filled = np.pad(corners, ((0, missing), (0, 0)), constant_values=far)
    return np.ascontiguousarray(filled.reshape(-1, fan, filled.shape[1]).swapaxes(1, 2))
