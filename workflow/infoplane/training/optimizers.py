"""torch's optimizers, on all seeds' parameters as one tensor."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field

from infoplane.settings import Settings

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class SGD(Settings):
    method: Literal["sgd"]
    """Stochastic gradient descent."""
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    def on(self, parameter):
        return torch.optim.SGD([parameter], self.learning_rate, weight_decay=self.weight_decay)


class Momentum(Settings):
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


class Adam(Settings):
    method: Literal["adam"]
    """Adam."""
    learning_rate: Positive = 4e-4
    betas: tuple[Share, Share] = (0.9, 0.999)
    epsilon: Positive = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    def on(self, parameter):
        return torch.optim.Adam([parameter], **_adam(self))


class AdamW(Settings):
    method: Literal["adamw"]
    """Adam with decoupled weight decay."""
    learning_rate: Positive = 4e-4
    betas: tuple[Share, Share] = (0.9, 0.999)
    epsilon: Positive = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.01

    def on(self, parameter):
        return torch.optim.AdamW([parameter], **_adam(self))


class RMSprop(Settings):
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
