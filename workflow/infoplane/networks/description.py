"""A store of weights describes each of its networks by its settings, the shape of an input and
the size of an output. `describe` makes this description of a network and `rebuild` makes the
network again, so that later stages need not know what was trained.
"""

from collections.abc import Mapping
from typing import Any

from infoplane.networks import FAMILIES
from infoplane.networks.network import Network, Shape


def build(settings, input_shape: Shape, output_size: int | Shape) -> Network:
    """The network with these settings, of any family."""
    return FAMILIES[settings.family](settings, tuple(input_shape), output_size)


def describe(networks: Mapping[str, Network]) -> dict[str, dict[str, Any]]:
    """A description for JSON, from which `rebuild` makes the same networks."""
    return {
        name: {
            "settings": network.settings.model_dump(mode="json"),
            "input_shape": list(network.input_shape),
            "output_size": network.output_size,
        }
        for name, network in networks.items()
    }


def rebuild(described: Mapping[str, Any]) -> Network:
    """The network that one of `describe`'s entries describes."""
    family = FAMILIES[described["settings"]["family"]]
    settings = family.Settings.model_validate(described["settings"])
    return family(settings, tuple(described["input_shape"]), described["output_size"])
