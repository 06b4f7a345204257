"""A signal from outside the package: the docs' file, and one line of configuration."""

import re
import sys
from pathlib import Path

import pytest
import torch
import yaml

from infoplane.config import load
from infoplane.signals import SIGNALS
from infoplane.signals.interface import LayerSignal, NetworkSignal
from infoplane.signals.known import made_from
from infoplane.signals.measure import Chosen, declared, measure
from infoplane.signals.settings import Settings

ROOT = Path(__file__).parents[2]
EXPERIMENT = """
experiment: own
datasets: {digits: {source: digits}}
estimators: {binned: {estimator: binned}}
defaults: {dataset: digits, training: {epochs: 2}}
compare:
  families: {fc: {network: {hidden: [8]}}}
  axes: {training.batch_size: [32, 64]}
  signals:
    mine: {signal: "confidence:Confidence", temperature: 2.0}
    loss: {signal: training_loss}
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The docs' code, in a folder that is searched for modules."""
    docs = (ROOT / "docs" / "own.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", docs, flags=re.DOTALL)
    (code,) = [block for block in blocks if "class Confidence(" in block]
    (tmp_path / "confidence.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield code
    sys.modules.pop("confidence", None)


def test_the_docs_show_it_in_twenty_lines(source):
    assert len([line for line in source.splitlines() if line.strip()]) <= 20


def test_one_file_and_one_line_measure_networks(source, member, weights, data):
    chosen = load(yaml.safe_load(EXPERIMENT), "config/own.yaml").compare.signals
    signals = {name: SIGNALS[settings.signal](settings) for name, settings in chosen.items()}
    assert [*signals] == ["mine", "loss"]
    assert declared(signals["mine"])["label"] == "confidence"
    found = measure([member], [Chosen("own", 4, "last", 8)], signals, Settings(device="cpu"))
    (value, _) = [row.value for _, row in found.values]
    (network,) = weights.networks
    arrays = {name: torch.from_numpy(a[0]) for name, a in weights.read([8], [4]).items()}
    from infoplane.networks.description import rebuild

    x, y = torch.from_numpy(data.x[data.train]), data.y[data.train]
    scores = rebuild(weights.networks[network]).run(arrays, x)[0][0]
    p = torch.softmax(scores / 2, 1)[torch.arange(len(y)), torch.from_numpy(y)]
    assert value == pytest.approx(float(p.mean()), rel=1e-5)


def test_an_edit_of_its_file_measures_it_alone_anew(source, member, tmp_path):
    chosen = load(yaml.safe_load(EXPERIMENT), "config/own.yaml").compare.signals
    signals = {name: SIGNALS[settings.signal](settings) for name, settings in chosen.items()}
    before = made_from(signals, [member], Settings())
    file = tmp_path / "confidence.py"
    file.write_text(source.replace(".mean()", ".median()"), encoding="utf-8")
    after = made_from(signals, [member], Settings())
    assert before["signals"]["mine"] != after["signals"]["mine"]
    assert before["signals"]["loss"] == after["signals"]["loss"]
    assert before["runs"] == after["runs"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("confidence:Confidence", "confidence:Confidences", "write confidence:Confidence"),
        ("temperature", "temprature", "temprature: is not a key here"),
    ],
)
def test_what_is_wrong_with_it_is_said(source, before, after, said):
    with pytest.raises(ValueError, match=said):
        load(yaml.safe_load(EXPERIMENT.replace(before, after)), "config/own.yaml")


def test_a_signal_declares_which_of_two_networks_it_says_is_better():
    class Silent(NetworkSignal):
        def of_network(self, trained):
            return 0.0

    with pytest.raises(TypeError, match=r"Silent must declare `better`"):
        Silent(signal="silent")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"better": "larger"}, "better must be 'higher' or 'lower', not 'larger'"),
        ({"needs": ("initials",)}, "needs must be names out of initial"),
        ({"needs": "initial"}, "needs must be names out of initial"),
        ({"Settings": dict}, "Settings must be a class derived from"),
    ],
)
def test_a_declaration_that_is_not_known_is_refused(declared, said):
    with pytest.raises(TypeError, match=said):
        type("Wrong", (LayerSignal,), declared)
