"""A store of weights describes each of its networks by its settings, the shape of an input and
the size of an output. `describe` and `rebuild` turn networks into that and back, so that
nothing after training needs to know what was trained.
"""

from collections.abc import Mapping
from typing import Any

from infoplane.networks import FAMILIES
from infoplane.networks.network import Network, Shape


def build(settings, input_shape: Shape, output_size: int | Shape) -> Network:
    """The network that these settings, of whatever family, describe."""
    return FAMILIES[settings.family](settings, tuple(input_shape), output_size)


def describe(networks: Mapping[str, Network]) -> dict[str, dict[str, Any]]:
    """What JSON can hold and `rebuild` makes the same networks of."""
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
