"""What a step on a GPU computes as one CUDA graph: launched once, and not operator by operator.

Small networks keep a GPU waiting for the next launch. This is written after torch's
documentation (CUDA semantics, "CUDA Graphs") and has not been run on a GPU yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

Found = TypeVar("Found")
WARM_UP = 3
"""Calls before the capture, in which libraries choose their kernels and take their memory."""


class Captured(Generic[Found]):
    """A function of tensors of the same shapes each time, captured when it is first called.

    work : takes tensors by name, changes nothing outside, never waits for the GPU, and draws
        nothing; tensors that it takes from elsewhere must stay where they are. What it gives is
        overwritten by the next call. Where it cannot be captured it is called as it is.
    """

    def __init__(self, work: Callable[..., Found]):
        self.work, self.graph, self.fails = work, None, False

    def __call__(self, **given: Tensor) -> Found:
        if self.graph is None and not self.fails:
            try:
                self._capture(given)
            except RuntimeError as error:
                self.fails = True
                log.warning("a step is no CUDA graph, its operators are launched: %s", error)
        if self.graph is None:
            return self.work(**given)
        for name, value in given.items():
            self.given[name].copy_(value)
        self.graph.replay()
        return self.found

    def _capture(self, given: dict[str, Tensor]) -> None:
        self.given = {name: value.clone() for name, value in given.items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.work(**self.given)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self.found = self.work(**self.given)
        self.graph = graph
