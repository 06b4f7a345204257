"""A training step on a GPU as one CUDA graph, which is launched once and not operator by
operator.

With small networks a GPU waits for the next launch. This code follows torch's documentation
(CUDA semantics, "CUDA Graphs") and has not been run on a GPU yet.
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
"""Calls before the capture, in which libraries choose their kernels and allocate memory."""


class Captured(Generic[Found]):
    """A function of tensors with constant shapes, captured at its first call.

    work : takes tensors by name, changes nothing outside, never waits for the GPU, and draws no
        random numbers; other tensors that it uses must keep their memory. The next call
        overwrites its results. If it cannot be captured, it is called directly.
    """

    def __init__(self, work: Callable[..., Found]):
        self.work, self.graph, self.fails = work, None, False

    def __call__(self, **given: Tensor) -> Found:
        if self.graph is None and not self.fails:
            try:
                self._capture(given)
            except RuntimeError as error:
                self.fails = True
                log.warning(
                    "a step cannot be a CUDA graph; its operators run singly: %s", error
                )
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
