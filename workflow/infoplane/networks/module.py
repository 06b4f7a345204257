"""Any torch.nn.Module that can be imported: `mynets:Net`, `torchvision.models:resnet18`.

The constructor runs once for the shapes, and once per seed for the weights. The module is then
called with weights from outside (`torch.func.functional_call`), one network at a time.
"""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from pydantic import Field

from infoplane.isolated import isolated
from infoplane.networks.network import (
    INPUT,
    Draws,
    Layer,
    Misfit,
    Network,
    Reading,
    Shape,
    Weights,
)
from infoplane.networks.taps import LayerError, Taps, drawing, first_tensor
from infoplane.provenance import version_of
from infoplane.settings import Settings as BaseSettings

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES = 7
"""Number of inputs that find shapes and edges; few layers have this size."""
BATCH = 256
"""Inputs of one forward pass in measurement."""
TRIES = 20
"""This many passes in training mode are compared with one in evaluation mode, because random
numbers may leave a single pass unchanged."""
READ_BYTES = 2**28
"""Layers of at most this many bytes in all, or one layer, are read in one pass over inputs."""


class Settings(BaseSettings):
    """A torch.nn.Module of the user or of an installed package."""

    family: Literal["module"]
    """`module` is any torch.nn.Module that can be imported."""
    path: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
    """This import path makes the module: `file_or_package:Class`, in the working directory or
    installed. It may be a function that returns a module."""
    arguments: dict[str, Any] = Field(default={})
    """The class or function is called with these keyword arguments."""
    layers: list[str] = Field(default=[])
    """These layers are measured: names of modules, names that torch.fx gives to operations
    (relu_1), or patterns (blocks.*); `output` is what the module returns. A module that is
    called several times is name, name#2, … An empty list measures the output and all
    activations, modules and functions; without activations, all modules that contain no
    others."""


class Module(Network):
    """A wrapped module, measured in evaluation mode, or in training mode (`as_in_training`).

    Parameters that the module freezes are buffers. x is given in the module's type of number.
    """

    Settings = Settings
    links = ("softmax", "linear")
    generates = True

    def __init__(self, settings: Settings, input_shape: Shape, output_size: int):
        """Raises Misfit if the module cannot be made, or does not accept such inputs."""
        super().__init__(settings, input_shape, output_size)
        self.module = made(settings, seed=0).eval()
        arrays = _arrays_of(self.module)
        trained = {name for name, p in self.module.named_parameters() if p.requires_grad}
        shapes = {name: tuple(a.shape) for name, a in arrays.items()}
        self.parameters = {name: s for name, s in shapes.items() if name in trained}
        self.buffers = {name: s for name, s in shapes.items() if name not in trained}
        frozen = {name for name, _ in self.module.named_parameters()}
        self._written = [name for name in self.buffers if name not in frozen]
        kinds = {name: str(a.dtype).removeprefix("torch.") for name, a in arrays.items()}
        self.dtypes = {name: kind for name, kind in kinds.items() if kind != "float32"}
        self.aliases = _aliases(self.module, arrays)
        floating = [a.dtype for a in arrays.values() if a.is_floating_point()]
        self._input_dtype = floating[0] if floating else torch.float32
        self._plain = {name: a.detach() for name, a in arrays.items()}
        self._taps = self._tapped()
        self.of_layer = self._own_parameters()

    @property
    def output_shape(self) -> Shape:
        return self._taps.shape

    @property
    def untrainable(self) -> str:
        """Why the module's outputs cannot be scores of the classes; empty if they can."""
        shape, n = self._taps.shape, self.output_size
        if shape in (n, self.input_shape) or (len(shape) == 1 and shape[0] >= n):
            return ""
        return (
            f"{self.settings.path} returns shape {shape} for an input; training needs a score "
            f"for each of {n} classes"
        )

    @cached_property
    @isolated()
    def differs_in_training(self) -> bool:
        """Whether the module returns other outputs in training mode, found by trying."""
        x, evaluated = self._examples(1), None
        for seed in range(TRIES):
            with torch.no_grad(), drawing(seed):
                if evaluated is None:
                    evaluated = first_tensor(self._called(self.module, self._plain, x))
                trained = first_tensor(self._called(self.module, self._plain, x, True))
            if not torch.equal(trained, evaluated):
                return True
        return False

    def as_in_training(self, batch: int) -> Module:
        """Raises Misfit if the module has other layers in training mode."""
        _ = self.layers  # with edges as they are in evaluation mode
        other = super().as_in_training(batch)
        # Traced again: functions such as F.dropout are traced for one mode.
        other._taps = other._tapped()
        if other._taps.names != self._taps.names:
            differing = sorted({*other._taps.names} ^ {*self._taps.names}) or ["their order"]
            raise Misfit(
                ("layers",),
                f"differ between training and evaluation mode: {', '.join(differing[:3])}; "
                "choose layers that both have",
                of_shape=False,
            )
        return other

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The measured layers in order of execution, with the layers that determine each."""
        before, shapes = self._edges()
        return tuple(Layer(n, shapes[n], before[n]) for n in self._taps.names)

    @classmethod
    def made_of(cls, settings: Settings) -> str:
        return version_of(settings.path.partition(":")[0])

    def initialise(self, seed: int) -> dict[str, Tensor]:
        """The constructor's weights under this seed."""
        arrays = _arrays_of(made(self.settings, seed))
        return {name: a.detach().clone() for name, a in arrays.items()}

    def random(
        self, n: int, sources: Sequence[torch.Generator], device: torch.device | str = "cpu"
    ) -> Seeds:
        """Seeds of the module's random numbers in training (dropout), one per network."""
        return Seeds([int(torch.randint(2**62, (), generator=s)) for s in sources], 0)

    def run(
        self,
        weights: Weights,
        x: Tensor,
        *,
        training: bool = False,
        random: Seeds | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if training and self.untrainable:
            raise ValueError(self.untrainable)
        outputs, after = [], []
        self.module.train(training)
        try:
            for s, arrays in enumerate(_each(weights)):
                own = self._own(arrays)
                inputs = self._inputs(x, s)
                with drawing(None if random is None else random.of(s)):
                    parts = [
                        first_tensor(_call(self.module, own, part))
                        for part in inputs.split(len(inputs) if training else BATCH)
                    ]
                outputs.append(torch.cat(parts))
                after.append({name: own[name] for name in self.buffers})
        finally:
            self.module.eval()
        changed = self.buffers if training else ()
        return torch.stack(outputs), {n: torch.stack([b[n] for b in after]) for n in changed}

    def read(
        self, weights: Weights, x: Tensor, random: Seeds | None = None
    ) -> Iterator[tuple[str, Reading]]:
        """Every measured layer in order; small ones share a pass over the inputs."""
        n = len(self._inputs(x, 0))
        networks = list(_each(weights))
        seeds: list[int | None] = [None] * len(networks)
        if self.live and random is not None:
            seeds = [random.of(s) for s in range(len(networks))]
        for names in self._groups(n * len(networks)):
            found = [
                self._read(w, self._inputs(x, s), names, seeds[s])
                for s, w in enumerate(networks)
            ]
            for name in names:
                yield name, Reading(torch.stack([f.pop(name) for f in found]))

    def _groups(self, n: int) -> Iterator[list[str]]:
        """Layers whose n outputs are in memory at once."""
        group: list[str] = []
        held = 0
        for layer in self.layers:
            size = 4 * n * math.prod(layer.shape)
            if group and held + size > READ_BYTES:
                yield group
                group, held = [], 0
            group.append(layer.name)
            held += size
        yield group

    def _read(
        self, weights: Weights, x: Tensor, names: Sequence[str], seed: int | None
    ) -> dict[str, Tensor]:
        """seed : of the random numbers in training mode; None: evaluation mode"""
        if seed is None:
            parts = [self._pass(weights, batch, names) for batch in x.split(BATCH)]
            return {name: torch.cat([part[name] for part in parts]) for name in names}
        order_seed, *seeds = _mixed(seed, 1 + max(1, len(x) // self.live))
        source = torch.Generator().manual_seed(order_seed)
        order = torch.randperm(len(x), generator=source).to(x.device)
        parts = [
            self._pass(weights, x[rows], names, seed=of_batch)
            for rows, of_batch in zip(order.tensor_split(len(seeds)), seeds, strict=True)
        ]
        back = order.argsort()
        return {name: torch.cat([part[name] for part in parts])[back] for name in names}

    def _pass(
        self,
        weights: Weights,
        x: Tensor,
        names: Sequence[str],
        forced: Mapping[str, Tensor] | None = None,
        seed: int | None = None,
    ) -> dict[str, Tensor]:
        """seed : of the random numbers in training mode; None: evaluation mode"""

        def run(module: torch.nn.Module, x: Tensor):
            return self._called(module, weights, x, seed is not None)

        return self._taps.read(x, names, forced, run, seed or 0)

    def _called(
        self, module: torch.nn.Module, weights: Weights, x: Tensor, training: bool = False
    ) -> Any:
        """The output of the module, or of a trace of it; the weights do not change."""
        before = self.module.training
        self.module.train(training)
        try:
            return _call(module, self._own(weights), x)
        finally:
            self.module.train(before)

    def _own(self, weights: Weights) -> dict[str, Tensor]:
        """Weights for a pass; a module may write into its buffers, or replace them."""
        return {**weights, **{name: weights[name].clone() for name in self._written}}

    def _inputs(self, x: Tensor, s: int) -> Tensor:
        """Inputs of network s, in the module's type of number."""
        own = x if x.ndim == len(self.input_shape) + 1 else x[s]
        return own.to(self._input_dtype)

    def _own_parameters(self) -> dict[str, tuple[str, ...]]:
        """Trained parameters within each measured module; for the whole module, whose output is
        a layer too, those that no inner module has."""
        names = {id(p): name for name, p in self.module.named_parameters()}
        found = {}
        for layer, place in self._taps.modules.items():
            module = self.module.get_submodule(place)
            own = [names[id(p)] for p in module.parameters(recurse=place != "")]
            if trained := tuple(name for name in own if name in self.parameters):
                found[layer] = trained
        return found

    def _examples(self, seed: int) -> Tensor:
        source = torch.Generator().manual_seed(seed)
        return torch.randn(EXAMPLES, *self.input_shape, generator=source).to(self._input_dtype)

    @isolated()
    def _tapped(self) -> Taps:
        x, path, training = self._examples(1), self.settings.path, self.live > 0
        try:
            with torch.no_grad(), drawing(0):
                self._called(self.module, self._plain, x, training)
        except Exception as error:
            flat = "; a data set keeps images as they are with flatten: false"
            raise Misfit(
                ("path",),
                f"{path} fails on inputs of shape {self.input_shape}: {_in_one_line(error)}"
                f"{flat if len(self.input_shape) == 1 else ''}",
            ) from error

        def run(module: torch.nn.Module, x: Tensor):
            return self._called(module, self._plain, x, training)

        try:
            self.module.train(training)
            return Taps(self.module, run, x, self.settings.layers)
        except LayerError as error:
            raise Misfit(("layers",), f"{error}", of_shape=False) from error
        except ValueError as error:
            raise Misfit(("path",), f"{path}: {error}") from error
        finally:
            self.module.eval()

    @isolated()
    def _edges(self) -> tuple[dict[str, tuple[str, ...]], dict[str, Shape]]:
        """The layers that alone determine each layer, found by intervention, and its shape.

        Run the module on other inputs x2, but set the outputs of layer k to those on x1. If a
        later layer then repeats its outputs on x1 bit for bit, all that reaches it passes
        through k. The nearest such layer counts, or the input if there is none.
        """
        weights, names = _without_constants(self._plain), self._taps.names
        x1, x2 = self._examples(1), self._examples(2)
        first, again, other = (self._pass(weights, x, names) for x in (x1, x1, x2))
        # A layer that is constant over all inputs does not show its origin.
        speaks = [
            n
            for n in names
            if torch.equal(first[n], again[n]) and not torch.equal(first[n], other[n])
        ]
        before = {name: (INPUT,) if name in speaks else () for name in names}
        for i, k in enumerate(speaks[:-1]):
            later = speaks[i + 1 :]
            put = self._pass(weights, x2, later, forced={k: first[k]})
            before |= {n: (k,) for n in later if torch.equal(put[n], first[n])}
        return before, {name: tuple(t.shape[1:]) for name, t in first.items()}


class Seeds(Draws):
    """A module's random numbers: one seed per network, and the first of their rows."""

    def __init__(self, seeds: Sequence[int], first: int):
        self.seeds, self.first = list(seeds), first

    def rows(self, first: int, stop: int) -> Seeds:
        return Seeds(self.seeds, first)

    def of(self, s: int) -> int:
        """The seed of network s for these rows."""
        return _mixed([self.seeds[s], self.first], 1)[0]


@isolated()
def made(settings: Settings, seed: int) -> torch.nn.Module:
    """The module, constructed under this seed.

    Raises Misfit if it cannot be imported, its constructor fails, or it is not a module.
    """
    place, _, name = settings.path.partition(":")
    try:
        what: Any = importlib.import_module(place)
    except Exception as error:  # a user's file may raise anything
        text = f"'{place}' of '{settings.path}' cannot be imported: {_in_one_line(error)}"
        raise Misfit(("path",), text, of_shape=False) from error
    for part in name.split("."):
        if part not in dir(what):
            close = difflib.get_close_matches(part, dir(what), n=3)
            nearest = f" Nearest: {', '.join(close)}." if close else ""
            raise Misfit(("path",), f"'{place}' has no '{name}'.{nearest}", of_shape=False)
        what = getattr(what, part)
    given = ", ".join(f"{k}={v!r}" for k, v in settings.arguments.items())
    with drawing(seed):
        try:
            module = what(**settings.arguments)
        except Exception as error:
            text = f"{settings.path}({given}) fails: {_in_one_line(error)}"
            raise Misfit(("arguments",), text, of_shape=False) from error
    if not isinstance(module, torch.nn.Module):
        kind = f"a {type(module).__name__}, not a torch.nn.Module"
        raise Misfit(("path",), f"{settings.path}({given}) gives {kind}", of_shape=False)
    return module


def _call(module: torch.nn.Module, weights: dict[str, Tensor], x: Tensor) -> Any:
    """The module's outputs with these weights; the weights take buffers that it replaces."""
    module.to(x.device)  # constants that are not weights
    return torch.func.functional_call(module, weights, (x,), strict=False)


def _arrays_of(module: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters (shared ones once) and the buffers that a state_dict holds."""
    written = module.state_dict(keep_vars=True)
    buffers = {name: b for name, b in module.named_buffers() if name in written}
    return {**dict(module.named_parameters()), **buffers}


def _aliases(module: torch.nn.Module, arrays: Mapping[str, Tensor]) -> dict[str, str]:
    """Further names of shared arrays in a state_dict."""
    first = {id(array): name for name, array in arrays.items()}
    written = module.state_dict(keep_vars=True)
    return {n: first[id(a)] for n, a in written.items() if n not in arrays and id(a) in first}


def _mixed(seed: int | Sequence[int], n: int) -> list[int]:
    """n seeds from one number or several numbers."""
    numbers = np.random.SeedSequence(seed).generate_state(n, np.uint64)
    return [int(number >> 1) for number in numbers]


def _each(weights: Weights) -> Iterator[dict[str, Tensor]]:
    """The weights of one network after the other."""
    n = len(next(iter(weights.values())))
    return ({name: w[s] for name, w in weights.items()} for s in range(n))


def _without_constants(weights: Weights) -> dict[str, Tensor]:
    """Weights without constant arrays: a branch that begins with zeros would hide a layer's
    origin."""
    source = torch.Generator().manual_seed(0)
    found = dict(weights)
    for name, w in weights.items():
        if w.is_floating_point() and w.numel() and bool((w == w.flatten()[0]).all()):
            drawn = torch.rand(w.shape, generator=source) * 0.1 + 0.05
            found[name] = w + drawn.to(w.dtype)
    return found


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: " + " ".join(str(error).split())[:500]
