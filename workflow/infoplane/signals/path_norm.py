"""Norm of all paths from an input to an output."""

from __future__ import annotations

from typing import Literal

import torch

from infoplane.networks.cnn import Placed
from infoplane.settings import Settings
from infoplane.signals.interface import NetworkSignal
from infoplane.signals.operators import steps
from infoplane.signals.trained import Trained


class PathNormSettings(Settings):
    """Root of the sum, over all paths of the network, of the product of squared weights."""

    signal: Literal["path_norm"] = "path_norm"
    """`path_norm` is the root of the sum, over all paths of the network, of the product of
    squared weights."""


class PathNorm(NetworkSignal):
    """√ Σ_paths Π w², over all paths from an input or a bias to an output.

    Computed as in Jiang et al. 2020 (arXiv 1912.02178): the network with squared weights and
    without activation functions gets ones as its input. A bias is the weight of an input that
    is 1. The weights of a mean pool, 1 / size², are squared like all others; a max pool passes
    on the largest of the paths under its window. Batch norm is folded into the layer before it.

    Neyshabur, Tomioka & Srebro 2015 (arXiv 1503.00036), with p = 2. It does not change if the
    weights into a ReLU unit are multiplied by c > 0 and those out of it divided by c. Smaller
    is said to be better.
    """

    Settings = PathNormSettings
    label, better = "path norm", "lower"

    def of_network(self, trained: Trained) -> float:
        device = trained.x.device
        h = torch.ones((1, *trained.network.input_shape), dtype=torch.float64, device=device)
        for operator, before in steps(trained):
            for step in before:
                h = _passed(h, step)
            squared = operator._replace(
                weight=operator.weight.square(), bias=operator.bias.square()
            )
            h = squared(h)
        return float(h.sum().sqrt())


def _passed(h: torch.Tensor, step: Placed) -> torch.Tensor:
    """h (1, *shape) through a stage without weights of its own."""
    stage, functional = step.stage, torch.nn.functional
    if stage.stage == "flatten":
        return h.flatten(1)
    if stage.method == "max":
        return functional.max_pool2d(h, stage.size, stage.stride)
    return functional.avg_pool2d(h, stage.size, stage.stride) / stage.size**2
