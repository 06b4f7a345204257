"""Convert tensors to arrays that files can hold, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from infoplane.networks.dtypes import BITS, PLAIN

if TYPE_CHECKING:
    from torch import Tensor


def to_array(tensor: Tensor) -> np.ndarray:
    """A copy of the numbers of a tensor, or of their bits (`dtypes.BITS`)."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(np.uint16).copy()
    return tensor.numpy().copy()


def to_tensor(array: np.ndarray, dtype: str = PLAIN) -> Tensor:
    """The tensor given to `to_array`; it shares memory with the array if possible."""
    array = np.ascontiguousarray(array) if array.ndim else array
    if dtype in BITS:
        return torch.from_numpy(array.view(np.int16)).view(getattr(torch, dtype))
    return torch.from_numpy(array)
