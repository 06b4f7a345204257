"""An example file, and ways to change it."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

EXAMPLE = Path(__file__).with_name("example.yaml")


@pytest.fixture(scope="session")
def example():
    """A function that gives a fresh copy of the example, with other values at dotted keys.

    A key may be a tuple, where a part of it has a dot; REMOVE takes a key away.
    """
    parsed = yaml.safe_load(EXAMPLE.read_text())

    def changed(changes=()):
        config = deepcopy(parsed)
        for key, value in dict(changes).items():
            *above, last = key.split(".") if isinstance(key, str) else key
            place = config
            for part in above:
                place = place.setdefault(part, {})
            if value == "REMOVE":
                del place[last]
            else:
                place[last] = value
        return config

    return changed
