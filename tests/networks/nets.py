"""Modules such as users have them, for `path: "tests.networks.nets:…"`."""

import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    """Eight features in, two classes out: batch norm, dropout, an activation used twice."""

    def __init__(self, width: int = 6, dropout: float = 0.0):
        super().__init__()
        self.first = nn.Linear(8, width)
        self.norm = nn.BatchNorm1d(width)
        self.second = nn.Linear(width, width)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        h = self.act(self.norm(self.first(x)))
        return self.head(self.drop(self.act(self.second(h))))


class Folded(nn.Module):
    """An autoencoder of 6 numbers, or of maps of 1 × 2 × 3, which come back as they came."""

    def __init__(self):
        super().__init__()
        self.code = nn.Sequential(nn.Linear(6, 2), nn.Tanh())
        self.back = nn.Linear(2, 6)

    def forward(self, x):
        return self.back(self.code(x.flatten(1))).reshape(x.shape)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(8, 6), nn.Tanh())
        self.one = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
        self.two = nn.Sequential(nn.Linear(6, 3), nn.Tanh())

    def forward(self, x):
        h = self.trunk(x)
        return self.one(h), self.two(h)


class Skips(nn.Module):
    """The second activation sees the input too; a branch that begins with zeros."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        nn.init.zeros_(self.two.weight)
        nn.init.zeros_(self.two.bias)

    def forward(self, x):
        h = functional.relu(self.one(x))
        h = functional.relu(self.two(h) + x)
        return self.head(h)


class Mixed(nn.Module):
    """Numbers of many types, a shared array, a frozen one, a buffer that is replaced."""

    def __init__(self):
        super().__init__()
        self.one = nn.Linear(8, 8, dtype=torch.float64)
        self.shared = nn.Linear(8, 8, dtype=torch.float64)
        self.shared.weight = self.one.weight
        self.frozen = nn.Parameter(torch.ones(8, dtype=torch.float64), requires_grad=False)
        self.small = nn.Parameter(torch.ones(8, dtype=torch.bfloat16))
        self.register_buffer("steps", torch.tensor(0))
        self.register_buffer("constant", torch.ones(1), persistent=False)

    def forward(self, x):
        if self.training:
            self.steps = self.steps + 1
        h = torch.tanh(self.one(x) * self.frozen * self.constant)
        return self.shared(h * self.small)[:, :2]


class Drops(nn.Module):
    """Dropout by a function, as a trace has it in one mode alone."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 2)

    def forward(self, x):
        h = functional.dropout(functional.relu(self.one(x)), 0.5, training=self.training)
        return self.two(h)


class Branches(nn.Module):
    """Control flow that no trace can follow."""

    def __init__(self):
        super().__init__()
        self.one, self.act, self.two = nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2)

    def forward(self, x):
        h = self.act(self.one(x))
        return self.two(h) if x.sum() > 0 else self.two(-h)


class One(nn.Linear):
    """One number out, which are too few scores."""

    def __init__(self):
        super().__init__(8, 1)


class Nothing(nn.Module):
    def forward(self, x):
        return None


class Summed(nn.Module):
    def forward(self, x):
        return x.sum(0)


def broken():
    raise RuntimeError("no such luck")
