"""A module traced by torch.fx: its operations have names, `relu_1`, and can be tapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import fx

from infoplane.networks.taps import Call


class Graph:
    """A traced module, in its present mode.

    functions : operations that are not modules, with the name of the function of each
    """

    def __init__(self, module: torch.nn.Module):
        tracer = _Tracer()
        self.module = module
        self.graph = tracer.trace(module)
        self.node_of = {call: node.name for call, node in tracer.given.items()}
        self.functions = {
            node.name: _called(node)
            for node in self.graph.nodes
            if node.op in ("call_function", "call_method")
        }

    def tapped(
        self, calls: Mapping[Call, str], functions: set[str]
    ) -> tuple[fx.GraphModule, dict[str, Call]]:
        """An equal module with a tap after each layer, and the tap of each layer by name, in
        order.

        calls : calls of modules with the names of these layers; functions : their names
        """
        of_node: dict[str, list[str]] = {name: [name] for name in functions}
        for call, node in self.node_of.items():  # inner modules come before the outer ones
            if call in calls:
                of_node.setdefault(node, []).append(calls[call])
        graph = fx.Graph()
        copies: dict[fx.Node, fx.Node] = {}
        graph.output(graph.graph_copy(self.graph, copies))
        at: dict[str, Call] = {}
        for node in self.graph.nodes:
            last = copies.get(node)
            for name in of_node.get(node.name, ()):
                tap = f"infoplane_tap_{len(at)}"
                with graph.inserting_after(last):
                    new = graph.create_node("call_module", tap, (last,), {})
                last.replace_all_uses_with(new, delete_user_cb=lambda u, new=new: u is not new)
                at[name] = Call(tap, 1)
                last = new
        root = _Root(self.module, [call.module for call in at.values()])
        whole = Call("", 1)
        if whole in calls:
            at[calls[whole]] = whole
        return fx.GraphModule(root, graph), at


class _Tracer(fx.Tracer):
    """Notes the node with the output of each call of a module, inner ones first."""

    def __init__(self):
        super().__init__()
        self.given: dict[Call, fx.Node] = {}
        self._counts: dict[str, int] = {}

    def call_module(self, m, forward, args, kwargs):
        output = super().call_module(m, forward, args, kwargs)
        name = self.path_of_module(m)
        self._counts[name] = self._counts.get(name, 0) + 1
        first = next(_proxies(output), None)
        if first is not None:
            self.given[Call(name, self._counts[name])] = first.node
        return output


class _Root(torch.nn.Module):
    """A module's own parts, with taps added."""

    def __init__(self, module: torch.nn.Module, taps: list[str]):
        super().__init__()
        for name, child in module.named_children():
            self.add_module(name, child)
        for name in taps:
            self.add_module(name, torch.nn.Identity())
        for name, parameter in module.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in module.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        for name, value in vars(module).items():  # plain attributes, and constants of the trace
            if isinstance(value, torch.Tensor):
                setattr(self, name, value)


def _proxies(value: Any) -> Iterator[fx.Proxy]:
    if isinstance(value, fx.Proxy):
        yield value
    elif isinstance(value, Mapping | tuple | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _proxies(inner)


def _called(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else node.target.__name__
