"""torch's optimizers, on all seeds' parameters as one tensor, and their learning rates."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field

from infoplane.settings import Settings

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Step(Settings):
    decay: Literal["step"]
    """The learning rate is multiplied by a factor every so many epochs."""
    every: int = Field(ge=1)
    """Epochs from one step to the next, counted from the end of the warm-up."""
    factor: float = Field(default=0.1, gt=0, lt=1)
    """What the learning rate is multiplied by."""

    def share(self, done: float, epochs: int) -> float:
        return self.factor ** (int(done) // self.every)


class Cosine(Settings):
    decay: Literal["cosine"]
    """The learning rate falls along half a cosine, over all epochs after the warm-up."""
    last: Share = 0.0
    """Where it ends, as a share of the learning rate."""

    def share(self, done: float, epochs: int) -> float:
        return self.last + (1 - self.last) * (1 + math.cos(math.pi * done / epochs)) / 2


class Scheduled(Settings):
    """What all optimizers have: a learning rate that may change from step to step."""

    schedule: Annotated[Step | Cosine, Field(discriminator="decay")] | None = None
    """How the learning rate falls; null: it is constant."""
    warm_up: int = Field(default=0, ge=0)
    """Epochs in which the learning rate first rises from 0, linearly with every step."""

    def check(self, epochs: int) -> None:
        """ValueError where so many epochs are over before the warm-up is."""
        if self.warm_up >= epochs:
            raise ValueError(
                f"optimizer.warm_up must be < {epochs}, which is epochs, not {self.warm_up}"
            )

    def share(self, step: int, steps: int, epochs: int) -> float:
        """Share of the learning rate at a step, the first is 0, of so many in each epoch."""
        done = step / steps - self.warm_up
        if done < 0:
            return (step + 1) / (steps * self.warm_up)
        return self.schedule.share(done, epochs - self.warm_up) if self.schedule else 1.0


class SGD(Scheduled):
    method: Literal["sgd"]
    """Stochastic gradient descent."""
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    def on(self, parameter):
        return torch.optim.SGD([parameter], self.learning_rate, weight_decay=self.weight_decay)


class Momentum(Scheduled):
    method: Literal["momentum"]
    """Stochastic gradient descent with momentum."""
    learning_rate: Positive
    momentum: Share = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    def on(self, parameter):
        return torch.optim.SGD(
            [parameter],
            self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


class Adam(Scheduled):
    method: Literal["adam"]
    """Adam."""
    learning_rate: Positive = 4e-4
    betas: tuple[Share, Share] = (0.9, 0.999)
    epsilon: Positive = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    def on(self, parameter):
        return torch.optim.Adam([parameter], **_adam(self))


class AdamW(Scheduled):
    method: Literal["adamw"]
    """Adam with decoupled weight decay."""
    learning_rate: Positive = 4e-4
    betas: tuple[Share, Share] = (0.9, 0.999)
    epsilon: Positive = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.01

    def on(self, parameter):
        return torch.optim.AdamW([parameter], **_adam(self))


class RMSprop(Scheduled):
    method: Literal["rmsprop"]
    """RMSprop."""
    learning_rate: Positive = 1e-3
    smoothing: Share = 0.99
    momentum: Share = 0.0
    epsilon: Positive = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    def on(self, parameter):
        return torch.optim.RMSprop(
            [parameter],
            self.learning_rate,
            alpha=self.smoothing,
            momentum=self.momentum,
            eps=self.epsilon,
            weight_decay=self.weight_decay,
        )


Optimizer = Annotated[SGD | Momentum | Adam | AdamW | RMSprop, Field(discriminator="method")]


def _adam(settings) -> dict:
    return {
        "lr": settings.learning_rate,
        "betas": settings.betas,
        "eps": settings.epsilon,
        "weight_decay": settings.weight_decay,
        "fused": True,  # one kernel a step: most of a step's time is overhead for small nets
    }
