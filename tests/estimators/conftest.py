"""The slow twins, for all tests of estimators."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def twins():
    """The module twins.py in this folder."""
    path = Path(__file__).with_name("twins.py")
    spec = importlib.util.spec_from_file_location("estimator_twins", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
