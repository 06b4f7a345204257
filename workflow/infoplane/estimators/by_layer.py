"""Settings of an estimator that may be one for all layers, or one for each by its name.

An estimator declares such keys in `Estimator.by_layer`, and their type as `T | ByLayer[T]`; a
layer is then measured with its own, and the method itself sees one value alone.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field

from infoplane.table import nearest

Value = TypeVar("Value")
ByLayer: TypeAlias = Annotated[dict[str, Value], Field(min_length=1)]
"""One of each layer, by its name or a pattern ("dense*"): the exact name first, else the first
pattern that matches."""


def of_layer(chosen: Any, layer: str) -> Any:
    """What stands for a layer; KeyError with the reason where nothing does."""
    if not isinstance(chosen, Mapping):
        return chosen
    if layer in chosen:
        return chosen[layer]
    for pattern, value in chosen.items():
        if fnmatchcase(layer, pattern):
            return value
    raise KeyError(f"none for layer '{layer}', only for {', '.join(chosen)}")


def misfits(chosen: Any, layers: Iterable[str]) -> list[str]:
    """What is wrong with a mapping for these measured layers: one that it leaves out, and a
    name or pattern that is none of theirs. Whatever is no mapping fits all."""
    if not isinstance(chosen, Mapping):
        return []
    layers, found = list(layers), []
    for layer in layers:
        try:
            of_layer(chosen, layer)
        except KeyError as error:
            found.append(f"has {error.args[0]}")
    for pattern in chosen:
        if pattern not in layers and not any(fnmatchcase(layer, pattern) for layer in layers):
            known = f"{nearest(pattern, layers)} Measured: {', '.join(layers)}"
            found.append(f"names '{pattern}', which matches no measured layer.{known}")
    return found
