"""CUDA graphs of a step: what goes in, what comes out, and what happens where there is none."""

import logging
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from tests.steps import steps

from infoplane.networks import mlp
from infoplane.training import captured, supervised
from infoplane.training.captured import Captured


def test_what_cannot_be_captured_is_called_and_said_once(caplog, monkeypatch):
    def refused():
        raise RuntimeError("no capture here")

    monkeypatch.setattr(torch.cuda, "Stream", refused)
    double = Captured(lambda x: 2 * x)
    with caplog.at_level(logging.WARNING):
        found = [double(x=torch.tensor(float(i))).item() for i in range(3)]
    assert found == [0, 2, 4]
    assert len(caplog.records) == 1 and "no capture here" in caplog.text


class OnCPU:
    """A graph and its streams as they look from outside: replayed, they compute the same again,
    from the same memory into the same memory."""

    def wait_stream(self, other):
        pass

    def replay(self):
        self.captured.found.copy_(self.captured.work(**self.captured.given))


def test_a_graph_reads_the_given_and_is_captured_once(monkeypatch):
    calls = []

    def double(x, **buffers):
        calls.append(x)
        return 2 * x + buffers["running.mean"]

    of_all = OnCPU()
    of_all.captured = doubled = Captured(double)
    for name in ("Stream", "CUDAGraph", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda: of_all)
    for name in ("stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, lambda *one, **named: nullcontext())
    for i in range(4):
        found = doubled(x=torch.tensor(float(i)), **{"running.mean": torch.tensor(10.0 * i)})
        assert found.item() == 12 * i
    assert len({id(x) for x in calls}) == 1  # the graph's own memory, in all its calls


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
@pytest.mark.parametrize("norm", [False, True], ids=["", "batch norm"])
def test_captured_steps_give_the_bits_of_those_that_are_not(norm, data, monkeypatch):
    network = mlp.MLP(mlp.Settings(hidden=[6, 3], batch_norm=norm), (8,), 2)
    options = {"epochs": 5, "batch_size": 60, "device": "cuda", "kernel": "torch"}

    def trained():
        trainer = supervised.Supervised(supervised.Settings(**options), network, data, [0, 1])
        *_, final = steps(trainer)
        return trainer.groups[0].captured.graph, final.weights

    graph, ours = trained()
    monkeypatch.setattr(captured.Captured, "__call__", lambda self, **given: self.work(**given))
    none, theirs = trained()
    assert graph is not None and none is None
    for name, values in theirs.items():
        assert np.array_equal(ours[name], values)
