import os
import socket
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from infoplane.datasets import settings_type


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets; skips where there is none."""
    folder = os.environ.get("INFOPLANE_DATA")
    if not folder:
        pytest.skip("INFOPLANE_DATA is not set: no real data to read")
    return Path(folder)


@pytest.fixture
def offline(monkeypatch):
    """No name resolves, also on a machine with a network."""

    def refuse(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def settings():
    """settings(source, **keys): validated as a configuration would be."""
    adapter = TypeAdapter(settings_type())
    return lambda source, **keys: adapter.validate_python({"source": source, **keys})
