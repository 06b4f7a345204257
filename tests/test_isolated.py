"""Global settings of torch and NumPy: set aside, and put back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch

from infoplane.isolated import isolated, products_are_exact


def state() -> tuple:
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.backends.cuda.matmul.fp32_precision,
        np.geterr(),
    )


@pytest.fixture
def restored():
    """torch's own settings again after the test."""
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_float32_matmul_precision("highest")
    torch.backends.fp32_precision = "none"


CHANGES = {
    "dtype": lambda: torch.set_default_dtype(torch.bfloat16),
    "device": lambda: torch.set_default_device("meta"),
    "products": lambda: torch.set_float32_matmul_precision("medium"),
    "products, as since 2.9": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_global_is_set_aside_and_put_back(change, restored):
    change()
    before = state()
    with pytest.raises(KeyError), isolated():
        assert torch.is_grad_enabled()
        assert torch.zeros(1).dtype == torch.float32 and torch.zeros(1).device.type == "cpu"
        assert products_are_exact()
        raise KeyError
    assert state() == before


@pytest.mark.parametrize(
    "entered",
    [
        torch.no_grad(),
        torch.inference_mode(),
        torch.autocast("cpu", dtype=torch.bfloat16),
        np.errstate(all="raise"),
        torch.device("meta"),
    ],
)
def test_what_is_entered_is_left_for_as_long(entered):
    with entered:
        before = state()
        with isolated():
            a = torch.ones(2, 2, requires_grad=True)
            (slope,) = torch.autograd.grad((a @ a).sum(), a)
            assert slope.dtype == torch.float32 and slope.tolist() == [[4, 4], [4, 4]]
            assert np.exp(np.float64(-1000)) == 0  # an underflow
        assert state() == before


def test_threads_share_what_is_set_aside(restored):
    """The first to leave takes nothing from the other; the last puts it back."""
    torch.set_default_dtype(torch.float64)
    both_inside, one_left = Barrier(2), Barrier(2)

    def compute(leaves_first: bool) -> torch.dtype:
        with isolated():
            both_inside.wait()
            if not leaves_first:
                one_left.wait()
            found = torch.zeros(1).dtype
        if leaves_first:
            one_left.wait()
        return found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(compute, [True, False])) == [torch.float32] * 2
    assert torch.get_default_dtype() == torch.float64
