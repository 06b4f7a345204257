"""Targets of training: the classes of inputs, or the inputs themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import torch

from infoplane.training.trainer import Metric

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.networks.network import Network


class Target(ABC):
    """A target with its loss and its scores. Outputs are from `Network.run`, (S, n, …).

    scored : names of the scores, each with its label in figures and the better direction; a
        loss is among them
    """

    scored: tuple[Metric, ...]

    @abstractmethod
    def wanted(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The wanted outputs of a mini-batch, from its inputs (S, n, *shape) and labels (S,
        n)."""

    @abstractmethod
    def loss(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        """The loss of every input, (S, n)."""

    @abstractmethod
    def scores(self, outputs: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        """Scores of every input, (S, n), by name."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The scores on training and on test inputs."""
        return tuple(
            score._replace(name=f"{score.name}_{part}")
            for score in self.scored
            for part in ("train", "test")
        )


class Classes(Target):
    """The labels: cross-entropy in nats, and accuracy. Outputs (S, n, n_classes) are scores
    before a softmax."""

    scored = (Metric("loss", "loss  [nats]", "lower"), Metric("accuracy", "accuracy", "higher"))

    def __init__(self, smoothing: float = 0.0):
        self.smoothing = smoothing

    def wanted(self, inputs: Tensor, labels: Tensor) -> Tensor:
        return labels

    def loss(self, outputs: Tensor, wanted: Tensor, smoothed: bool = True) -> Tensor:
        return torch.nn.functional.cross_entropy(
            outputs.transpose(1, 2),
            wanted,
            reduction="none",
            label_smoothing=self.smoothing if smoothed else 0.0,
        )

    def scores(self, outputs: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        found = outputs.contiguous().argmax(2)  # with a strided array: 25 × slower
        return {
            "loss": self.loss(outputs, wanted, smoothed=False),
            "accuracy": (found == wanted).double(),
        }


class Reconstruction(Target):
    """The inputs themselves; a loss is the mean over an input's numbers, as in torch.nn.

    squared: (x − x̂)². cross_entropy, in nats: −x ln x̂ − (1 − x) ln(1 − x̂), for x in [0, 1].
    """

    LABELS: ClassVar[dict[str, str]] = {
        "squared": "mean squared error",
        "cross_entropy": "cross-entropy  [nats a number]",
    }

    def __init__(self, how: str, network: Network):
        """how : squared or cross_entropy; network : applies sigmoid or linear to the result of
        `run`"""
        self.how, self.is_sigmoid = how, "sigmoid" in network.links
        self.scored = (Metric("loss", self.LABELS[how], "lower"),)

    def wanted(self, inputs: Tensor, labels: Tensor) -> Tensor:
        return inputs

    def loss(self, outputs: Tensor, wanted: Tensor) -> Tensor:
        outputs, wanted = outputs.flatten(2), wanted.flatten(2)
        if self.how == "cross_entropy":
            each = torch.nn.functional.binary_cross_entropy_with_logits(
                outputs, wanted, reduction="none"
            )
        else:
            found = torch.sigmoid(outputs) if self.is_sigmoid else outputs
            each = (found - wanted).square()
        return each.mean(2)

    def scores(self, outputs: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        return {"loss": self.loss(outputs, wanted)}
