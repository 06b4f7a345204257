"""Compute as if no global setting of torch or NumPy had been changed.

Notebooks, and frameworks around them, switch gradients off, make float64 the default type or
let matrix products lose digits. No result may depend on these settings, and infoplane must
leave them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

import numpy as np
import torch

NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""NumPy's default handling of floating-point errors."""


@contextmanager
def isolated() -> Iterator[None]:
    """Use it with `with` or as a decorator. Inside, gradients are recorded on request, new
    tensors are float32 on the CPU, products of float32 matrices are float32, and NumPy's
    warnings are its usual ones. Afterwards all settings are as before."""
    with ExitStack() as stack:
        stack.enter_context(np.errstate(**NUMPY_ERRORS))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        stack.enter_context(_default_type.at(torch.float32))
        stack.enter_context(_products.at(_exact()))
        yield


def products_are_exact() -> bool:
    """Whether products of float32 matrices keep the digits of float32."""
    return set(_precisions()) <= {"ieee", "none", "highest"}


class _Held:
    """A setting of the whole process; it has one value while any thread is inside."""

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], None]):
        self.get, self.put = get, put
        self.lock, self.n_inside, self.before = Lock(), 0, None

    @contextmanager
    def at(self, value: Any) -> Iterator[None]:
        with self.lock:
            if self.n_inside == 0:
                self.before = self.get()
                self.put(value)
            self.n_inside += 1
        try:
            yield
        finally:
            with self.lock:
                self.n_inside -= 1
                if self.n_inside == 0:
                    self.put(self.before)


def _precisions() -> list[str]:
    """How a GPU and a CPU multiply float32 matrices; 'none': as the general setting says."""
    if not _by_backend():
        return [torch.get_float32_matmul_precision()]
    own = [torch.backends.cuda.matmul, torch.backends.mkldnn.matmul]
    return [backend.fp32_precision for backend in own]


def _set_precisions(chosen: list[str]) -> None:
    if not _by_backend():
        torch.set_float32_matmul_precision(*chosen)
        return
    own = [torch.backends.cuda.matmul, torch.backends.mkldnn.matmul]
    for backend, precision in zip(own, chosen, strict=True):
        inherited = precision == torch.backends.fp32_precision
        backend.fp32_precision = "none" if inherited else precision


def _exact() -> list[str]:
    return ["ieee", "ieee"] if _by_backend() else ["highest"]


def _by_backend() -> bool:
    """Whether torch has a setting for each backend (since 2.9)."""
    return hasattr(torch.backends, "fp32_precision")


_default_type = _Held(lambda: torch.get_default_dtype(), lambda v: torch.set_default_dtype(v))
_products = _Held(_precisions, _set_precisions)
