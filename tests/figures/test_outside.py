"""A figure from outside the package: one file, and one line in a configuration."""

import json
import sys

import pytest
import yaml

from infoplane.config import load
from infoplane.figures.drawn import draw
from infoplane.figures.material import Given
from infoplane.plan.plan import Plan

SOURCE = '''
from matplotlib.figure import Figure as Drawn
from infoplane.figures.figure import Figure


class LossAtTheEnd(Figure):
    """The training loss of each seed at the last epoch."""

    of = "run"

    @classmethod
    def numbers(cls, metrics):
        last = metrics[metrics.epoch == metrics.epoch.max()]
        return last[["run", "seed", "epoch", "loss_train"]]

    @classmethod
    def draw(cls, metrics):
        drawn = Drawn(figsize=(3, 2))
        drawn.subplots().bar(*cls.numbers(metrics)[["seed", "loss_train"]].to_numpy().T)
        return drawn

    @classmethod
    def sentences(cls, numbers):
        return [f"The loss ends at {numbers.loss_train.mean():.2f} nats on average."]
'''
EXPERIMENT = """
experiment: outside
datasets: {digits: {source: digits}}
estimators: {binned: {estimator: binned}}
runs: {one: {dataset: digits, network: {hidden: [4]}, training: {epochs: 2}, seeds: 2}}
figures: {own: {losses: "own_figure:LossAtTheEnd"}}
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    (tmp_path / "own_figure.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("own_figure", None)


def plan_of(text=EXPERIMENT):
    return Plan(load(yaml.safe_load(text), "config/outside.yaml"), "results/outside")


def test_it_is_planned_beside_the_librarys_and_has_a_target(outside):
    plan = plan_of()
    (own,) = [s for s in plan.drawings.of("one") if s.kind == "own_figure:LossAtTheEnd"]
    assert own.name == "losses"
    notes = plan.drawings.notes("one", "figure-losses")
    assert [*notes] == ["results/outside/runs/one/figures/losses.json"]
    assert plan.target_of_figure("losses") == [plan.files.drawn("one", "figure-losses")]


def test_an_edit_of_its_file_draws_it_alone_anew(outside):
    before = plan_of().drawings.notes("one")
    source = SOURCE.replace("(3, 2)", "(3, 3)")
    (outside / "own_figure.py").write_text(source, encoding="utf-8")
    after = plan_of().drawings.notes("one")
    changed = [note for note in before if before[note] != after[note]]
    assert changed == ["results/outside/runs/one/figures/losses.json"]


def test_it_is_drawn_and_named_as_any_other(outside, metrics, tmp_path):
    class Tables:
        def given(self, subject):
            return Given(metrics())

    (subject,) = [s for s in plan_of().drawings.of("one") if s.name == "losses"]
    draw(subject, Tables(), tmp_path, "of a test")
    said = json.loads((tmp_path / "losses.json").read_text(encoding="utf-8"))
    assert said["heading"] == "Loss at the end" and "nats on average" in said["caption"]
    assert (tmp_path / "losses.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("LossAtTheEnd", "Losses", "write own_figure:LossAtTheEnd"),
        ("own_figure:LossAtTheEnd", "training_curves", "module:Class"),
        ("own_figure:", "no_such_file:", "unknown figure 'no_such_file"),
        ("losses:", "comparison:", "is a figure of infoplane"),
    ],
)
def test_what_is_wrong_with_it_is_said(outside, before, after, said):
    with pytest.raises(ValueError, match=said) as error:
        plan_of(EXPERIMENT.replace(before, after))
    assert "figures.own" in str(error.value)
