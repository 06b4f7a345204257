"""Activations of a notebook's own model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from infoplane.networks.taps import Taps

EXAMPLES = 7
"""The layers are found with this many inputs, the first ones."""
BATCH_BYTES = 2**27
"""The layers of one batch take at most this many bytes; a batch has at least one input."""


def activations(
    model: torch.nn.Module, x: Any, layers: Sequence[str] = (), *, flatten: bool = True
) -> dict[str, np.ndarray]:
    """Outputs of a model's layers, in order of execution, as `infoplane.estimate` takes them.

    model : it is in evaluation mode while it is read; afterwards its mode is as before
    x : (n, …) array or tensor; fractions are converted to the model's own type
    layers : names or patterns of modules, or of operations that torch.fx names (relu_1);
        `output` is what the model returns. Empty: all activations and the output
    flatten : whether a layer is (n, units); else it is (n, *shape), as the model computes it
    Raises ValueError if a layer does not exist, or returns no tensor with one row per input.

    Examples
    --------
    >>> import torch
    >>> import infoplane
    >>> first, last = torch.nn.Linear(8, 5), torch.nn.Linear(5, 2)
    >>> model = torch.nn.Sequential(first, torch.nn.Tanh(), last)
    >>> layers = infoplane.activations(model, torch.randn(100, 8))
    >>> {name: t.shape for name, t in layers.items()}
    {'1': (100, 5), 'output': (100, 2)}
    """
    floating = [p for p in model.parameters() if p.is_floating_point()]
    x = torch.as_tensor(x)
    if floating:
        x = x.to(floating[0].device, floating[0].dtype if x.is_floating_point() else None)
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"x must hold inputs along its first axis, not be {tuple(x.shape)}")
    names = [layers] if isinstance(layers, str) else list(layers)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        taps = Taps(model, lambda module, x: module(x), x[:EXAMPLES], names)
        first = taps.read(x[:1], taps.names)
        each = sum(t.element_size() * math.prod(t.shape) for t in first.values())
        parts = [taps.read(part, taps.names) for part in x.split(max(1, BATCH_BYTES // each))]
    finally:
        for module, mode in modes.items():
            module.training = mode
    arrays = {name: torch.cat([part[name] for part in parts]) for name in taps.names}
    return {n: (t.flatten(1) if flatten else t).numpy(force=True) for n, t in arrays.items()}
