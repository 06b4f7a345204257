"""Settings of an estimator that may be one value for all layers, or one for each layer.

An estimator declares such keys in `Estimator.by_layer`, and their type as `T | ByLayer[T]`.
Each layer is then measured with its own value; the method itself sees a single value.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field

from infoplane.table import nearest

Value = TypeVar("Value")
ByLayer: TypeAlias = Annotated[dict[str, Value], Field(min_length=1)]
"""One value for each layer, by its name or a pattern ("dense*"). The exact name has priority,
then the first pattern that matches."""


def of_layer(chosen: Any, layer: str) -> Any:
    """The value for a layer; KeyError with the reason if there is none."""
    if not isinstance(chosen, Mapping):
        return chosen
    if layer in chosen:
        return chosen[layer]
    for pattern, value in chosen.items():
        if fnmatchcase(layer, pattern):
            return value
    raise KeyError(f"none for layer '{layer}', only for {', '.join(chosen)}")


def misfits(chosen: Any, layers: Iterable[str]) -> list[str]:
    """What is wrong with a mapping for these measured layers: layers that it leaves out, and
    names or patterns that match none of them. A single value fits all layers."""
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
