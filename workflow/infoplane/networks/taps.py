"""Read the outputs of a torch.nn.Module's layers by forward hooks.

Hooks see all outputs of modules, also with control flow, but no functions such as `F.relu`. If
torch.fx can trace the module, functions are layers under the names that it gives them.
"""

from __future__ import annotations

import difflib
import random as python_random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from infoplane.networks.graph import Graph

OUTPUT = "output"
"""Name of the module's own output."""
ACTIVATIONS = {
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "leakyrelu", "logsigmoid", "logsoftmax", "mish", "prelu", "relu", "relu6", "rrelu", "selu",
    "sigmoid", "silu", "softmax", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
    "threshold",
}  # fmt: skip
"""Activations of torch, modules and functions, in small letters and without underscores."""


class LayerError(ValueError):
    """A name or a pattern without a readable layer."""


class Call(NamedTuple):
    """One call of a module within a forward pass; number 2 is its second."""

    module: str
    number: int


class Taps:
    """The read layers of a module, in order of execution.

    module : in the mode in which it will be read
    run : runs a module, this one or its replacement, on inputs x
    x : (n, …) examples; n should be the size of no layer
    layers : names of modules or of operations that torch.fx names, or patterns; a module that
        is called several times is name, name#2, …; `output` is what the module returns. Empty:
        the output and all activations, modules and functions; without activations, all modules
        that contain no others
    shape : of the module's output for one input
    modules : names of the layers' modules, by the layer's name
    Raises LayerError if a layer does not exist or returns no tensor with one row per input, and
    ValueError if the module itself returns none.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        run: Callable[[torch.nn.Module, Tensor], Any],
        x: Tensor,
        layers: Sequence[str] = (),
    ):
        self.module, self.run, self.patterns = module, run, list(layers)
        self.shape, self._calls = self._traced(x)
        whole = f"{OUTPUT}#whole" if any(c.module == OUTPUT for c in self._calls) else OUTPUT
        self._names = {
            call: (call.module or whole) + (f"#{call.number}" if call.number > 1 else "")
            for call in self._calls
        }
        wanted, functions = self._matched() if layers else self._default()
        self.modules = {self._names[call]: call.module for call in wanted}
        self.reader, self._at = module, {}
        if functions:
            self.reader, self._at = self._graph.tapped(
                {call: self._names[call] for call in wanted}, functions
            )
        else:
            self._at = {self._names[c]: c for c in self._calls if c in wanted}

    @property
    def names(self) -> list[str]:
        """The layers in order of execution."""
        return list(self._at)

    def read(
        self,
        x: Tensor,
        names: Iterable[str],
        forced: Mapping[str, Tensor] | None = None,
        run: Callable[[torch.nn.Module, Tensor], Any] | None = None,
        seed: int = 0,
    ) -> dict[str, Tensor]:
        """Outputs of these layers, (n, *shape), in one pass.

        forced : outputs that replace those of layers
        run : in place of `self.run`
        seed : of the module's random numbers
        """
        found: dict[str, Tensor] = {}
        wanted = {self._at[name]: name for name in names}
        put = {self._at[name]: value for name, value in (forced or {}).items()}

        def at(call: Call, output):
            if call in put:
                output = _with_first(output, put[call].clone())
            if call in wanted:
                found[wanted[call]] = _by_input(first_tensor(output), len(x), wanted[call])
            return output

        modules = {call.module for call in (*wanted, *put)}
        with drawing(seed), hooked(self.reader, modules, at), torch.no_grad():
            (run or self.run)(self.reader, x)
        if len(found) < len(wanted):
            lost = next(name for name in wanted.values() if name not in found)
            raise ValueError(f"{lost} is not computed for all inputs")
        return found

    def _traced(self, x: Tensor) -> tuple[tuple[int, ...], dict[Call, bool]]:
        """Shape of the module's output, and all calls in order, with whether each returns a
        tensor with one row per input."""
        calls: dict[Call, bool] = {}

        def at(call: Call, output):
            first = first_tensor(output)
            calls[call] = first is not None and first.ndim > 0 and len(first) == len(x)
            return output

        names = {name for name, _ in self.module.named_modules()}
        with drawing(0), hooked(self.module, names, at), torch.no_grad():
            output = self.run(self.module, x)
        first = first_tensor(output)
        if first is None:
            raise ValueError(f"forward returns a {type(output).__name__}, not a tensor")
        if not calls[Call("", 1)]:
            raise ValueError(
                f"forward returns shape {tuple(first.shape)} for {len(x)} inputs; its first "
                "axis must be inputs"
            )
        return tuple(first.shape[1:]), calls

    def _matched(self) -> tuple[set[Call], set[str]]:
        """Calls of modules, and operations of the graph, that match the patterns."""
        wanted: set[Call] = set()
        functions: set[str] = set()
        for pattern in self.patterns:
            found = {c for c in self._calls if _means(pattern, c, self._names[c])}
            nodes: set[str] = set()
            if not found and self._graph is not None:
                nodes = {name for name in self._graph.functions if fnmatchcase(name, pattern)}
            if not found and not nodes:
                raise LayerError(self._no_match(pattern))
            usable = {call for call in found if self._calls[call]}
            if found and not usable:
                raise LayerError(
                    f"'{pattern}' cannot be read: it returns no tensor with inputs first"
                )
            wanted |= usable
            functions |= nodes
        return wanted, functions

    def _default(self) -> tuple[set[Call], set[str]]:
        modules = dict(self.module.named_modules())
        usable = {call for call, is_usable in self._calls.items() if is_usable}
        found = {c for c in usable if _is_activation(type(modules[c.module]).__name__)}
        functions: set[str] = set()
        if self._graph is not None:
            known = self._graph.functions
            functions = {name for name, called in known.items() if _is_activation(called)}
        if not found and not functions:
            found = {c for c in usable if not any(modules[c.module].children())}
        return found | {Call("", 1)}, functions

    def _no_match(self, pattern: str) -> str:
        functions = [] if self._graph is None else list(self._graph.functions)
        known = [*self._names.values(), *functions]
        close = difflib.get_close_matches(pattern, known, n=5, cutoff=0.4)
        nearest = f" Nearest: {', '.join(close)}." if close else ""
        some = ", ".join(known[:30]) + (", …" if len(known) > 30 else "")
        only = "" if self._graph is not None else " (modules only: torch.fx cannot trace it)"
        return f"'{pattern}' matches no layer.{nearest} Known{only}: {some}."

    @cached_property
    def _graph(self) -> Graph | None:
        """The traced module; None if torch.fx cannot trace it."""
        from infoplane.networks.graph import Graph

        try:
            return Graph(self.module)
        except Exception:  # a module may do things that no trace can follow
            return None


@contextmanager
def drawing(seed: int | None) -> Iterator[None]:
    """Random numbers inside come from this seed; generators outside are not affected.
    None: as it is."""
    if seed is None:
        yield
        return
    python, numbers = python_random.getstate(), np.random.get_state()  # noqa: NPY002
    # Planning draws too, and must not start to use a GPU for it.
    with torch.random.fork_rng(None if torch.cuda.is_initialized() else []):
        torch.manual_seed(seed)
        python_random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            python_random.setstate(python)
            np.random.set_state(numbers)  # noqa: NPY002


@contextmanager
def hooked(
    module: torch.nn.Module, names: Iterable[str], at: Callable[[Call, Any], Any]
) -> Iterator[None]:
    """Inside, `at` receives every call of the modules with these names and its output, and
    returns the output to use."""
    counts: dict[str, int] = {}

    def hook_of(name: str):
        def hook(_module, _inputs, output):
            counts[name] = counts.get(name, 0) + 1
            return at(Call(name, counts[name]), output)

        return hook

    with ExitStack() as stack:
        for name in sorted(names):
            handle = module.get_submodule(name).register_forward_hook(hook_of(name))
            stack.callback(handle.remove)
        yield


def first_tensor(value: Any) -> Tensor | None:
    """The value itself, or the first tensor in it; None if there is none."""
    if isinstance(value, torch.Tensor):
        return value
    if not isinstance(value, Mapping | tuple | list):
        return None
    inside = value.values() if isinstance(value, Mapping) else value
    return next((t for t in map(first_tensor, inside) if t is not None), None)


def _means(pattern: str, call: Call, name: str) -> bool:
    """Whether a pattern matches this call: by the module, for all its calls, or by the number
    of the call."""
    plain = name.partition("#")[0] if call.module else name
    return any(fnmatchcase(n, pattern) for n in (plain, name, f"{plain}#{call.number}"))


def _is_activation(name: str) -> bool:
    return name.lower().replace("_", "") in ACTIVATIONS


def _with_first(value: Any, tensor: Tensor) -> Any:
    """The value with its first tensor replaced."""
    if isinstance(value, torch.Tensor):
        return tensor.to(value.dtype)
    keys = list(value) if isinstance(value, Mapping) else range(len(value))
    place = next(key for key in keys if first_tensor(value[key]) is not None)
    inner = _with_first(value[place], tensor)
    if isinstance(value, Mapping):
        return {**value, place: inner}
    items = [inner if i == place else value[i] for i in keys]
    named = isinstance(value, tuple) and type(value) is not tuple
    return type(value)(*items) if named else type(value)(items)


def _by_input(t: Tensor | None, n: int, name: str) -> Tensor:
    """A copy (n, …) that no later step writes into: float32, or float64 if the value is."""
    if t is None or t.ndim == 0 or len(t) != n:
        what = "no tensor" if t is None else f"shape {tuple(t.shape)}"
        raise ValueError(f"{name} returns {what} for {n} inputs; its first axis must be inputs")
    kind = t.dtype if t.dtype == torch.float64 else torch.float32
    copied = t.detach().to(kind, copy=True)
    return copied if copied.ndim > 1 else copied[:, None]
