"""A store of weights describes its network by three values: settings, input shape, number of
classes. `describe` and `rebuild` turn a network into them and back, so that nothing after
training needs to know what was trained.
"""

import json
from collections.abc import Mapping

from infoplane.networks import FAMILIES
from infoplane.networks.network import Network


def build(settings, input_shape: tuple[int, ...], n_classes: int) -> Network:
    """The network that these settings, of whatever family, describe."""
    return FAMILIES[settings.family].build(settings, tuple(input_shape), n_classes)


def describe(settings, input_shape: tuple[int, ...], n_classes: int) -> dict[str, str]:
    """Attributes from which `rebuild` makes the same network."""
    return {
        "network": settings.canonical(),
        "input_shape": json.dumps(list(input_shape)),
        "n_classes": str(n_classes),
    }


def rebuild(attributes: Mapping[str, str]) -> Network:
    """The network that a store's attributes describe."""
    written = json.loads(attributes["network"])
    settings = FAMILIES[written["family"]].Settings.model_validate(written)
    shape = tuple(json.loads(attributes["input_shape"]))
    return build(settings, shape, int(attributes["n_classes"]))
