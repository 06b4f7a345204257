"""An estimator outside the package: the file of the docs, and one line of configuration."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

import infoplane
from infoplane.config import load
from infoplane.estimators import estimator_of
from infoplane.measurement.activations import Activations
from infoplane.measurement.measure import measure
from infoplane.probes.dataset import DatasetProbe, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gaussian(tmp_path, monkeypatch):
    """The settings of the docs' estimator in an experiment with one more line."""
    docs = (ROOT / "docs" / "own.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", docs, flags=re.DOTALL)
    (code,) = [block for block in blocks if "class Gaussian(" in block]
    (tmp_path / "gaussian.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    text = (ROOT / "tests" / "config" / "example.yaml").read_text(encoding="utf-8")
    example = yaml.safe_load(text)
    example["estimators"]["mine"] = {"estimator": "gaussian:Gaussian", "ridge": 1e-3}
    return load(example, "x.yaml").estimators["mine"]


def test_one_file_and_one_line_measure_a_training(gaussian, weights, data):
    settings = Settings.model_validate({"device": "cpu"})
    records = measure(
        Activations(weights, DatasetProbe(settings, data)), estimator_of(gaussian)
    )
    assert len(records) == 3 * 9 * 3  # seeds, epochs, layers
    for record in records.values():
        assert np.isfinite([record.ixt.value, record.ity.value]).all()


def test_it_is_called_from_a_notebook_as_any_other(gaussian):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4000, 1))
    b = 0.6 * a + 0.8 * rng.normal(size=(4000, 1))
    said = infoplane.mutual_information(a, b, estimator="gaussian:Gaussian", ridge=1e-6)
    assert said.value == pytest.approx(-np.log2(1 - 0.36) / 2, abs=0.06)  # sd 0.014 bit
