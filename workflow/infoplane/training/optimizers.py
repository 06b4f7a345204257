"""torch's optimizers for the parameters of all seeds as one tensor, and their learning
rates."""

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
    """`step` multiplies the learning rate by a factor at regular intervals of epochs."""
    every: int = Field(ge=1)
    """Steps are this many epochs apart, counted from the end of the warm-up."""
    factor: float = Field(default=0.1, gt=0, lt=1)
    """Each step multiplies the learning rate by this."""

    def share(self, done: float, epochs: int) -> float:
        return self.factor ** (int(done) // self.every)


class Cosine(Settings):
    decay: Literal["cosine"]
    """`cosine` lets the learning rate fall along half a cosine, over all epochs after the
    warm-up."""
    last: Share = 0.0
    """The learning rate ends at this share of its first value."""

    def share(self, done: float, epochs: int) -> float:
        return self.last + (1 - self.last) * (1 + math.cos(math.pi * done / epochs)) / 2


class Scheduled(Settings):
    """Common settings of all optimizers: a learning rate that may change from step to step."""

    schedule: Annotated[Step | Cosine, Field(discriminator="decay")] | None = None
    """The learning rate falls by this schedule; null keeps it constant."""
    warm_up: int = Field(default=0, ge=0)
    """The learning rate first rises from 0 over this many epochs, linearly with every step."""

    def check(self, epochs: int) -> None:
        """Raises ValueError if the training ends before the warm-up."""
        if self.warm_up >= epochs:
            raise ValueError(
                f"optimizer.warm_up must be < {epochs}, the epochs, not {self.warm_up}"
            )

    def share(self, step: int, steps: int, epochs: int) -> float:
        """Share of the learning rate at a step (the first is 0); steps : number per epoch."""
        done = step / steps - self.warm_up
        if done < 0:
            return (step + 1) / (steps * self.warm_up)
        return self.schedule.share(done, epochs - self.warm_up) if self.schedule else 1.0


class SGD(Scheduled):
    method: Literal["sgd"]
    """`sgd` is stochastic gradient descent."""
    learning_rate: Positive
    """A step goes this far along the gradient."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """This times the weights is added to the gradient."""

    def on(self, parameter):
        return torch.optim.SGD([parameter], self.learning_rate, weight_decay=self.weight_decay)


class Momentum(Scheduled):
    method: Literal["momentum"]
    """`momentum` is stochastic gradient descent with momentum."""
    learning_rate: Positive
    """A step goes this far along the velocity."""
    momentum: Share = 0.9
    """The velocity keeps this share at every step."""
    nesterov: bool = False
    """`true` takes the gradient ahead of the step (Nesterov)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """This times the weights is added to the gradient."""

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
    """`adam` is Adam (Kingma & Ba 2015)."""
    learning_rate: Positive = 4e-4
    """A step goes about this far in each weight."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """The moving averages of the gradient and of its square keep these shares at every step."""
    epsilon: Positive = 1e-8
    """This is added to the root of the averaged square of the gradient, by which Adam
    divides."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """This times the weights is added to the gradient."""

    def on(self, parameter):
        return torch.optim.Adam([parameter], **_adam(self))


class AdamW(Scheduled):
    method: Literal["adamw"]
    """`adamw` is Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    learning_rate: Positive = 4e-4
    """A step goes about this far in each weight."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """The moving averages of the gradient and of its square keep these shares at every step."""
    epsilon: Positive = 1e-8
    """This is added to the root of the averaged square of the gradient, by which AdamW
    divides."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Each step reduces the weights by the share: this times the learning rate."""

    def on(self, parameter):
        return torch.optim.AdamW([parameter], **_adam(self))


class RMSprop(Scheduled):
    method: Literal["rmsprop"]
    """`rmsprop` divides steps by a moving average of the gradient's size (Hinton 2012)."""
    learning_rate: Positive = 1e-3
    """A step goes about this far in each weight."""
    smoothing: Share = 0.99
    """The moving average of the squared gradient keeps this share at every step."""
    momentum: Share = 0.0
    """The velocity keeps this share at every step; 0 means no momentum."""
    epsilon: Positive = 1e-8
    """This is added to the root of the averaged square of the gradient, by which RMSprop
    divides."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """This times the weights is added to the gradient."""

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
        "fused": True,  # one kernel per step: most of a step's time is overhead for small nets
    }
