import json
from types import SimpleNamespace

import pandas as pd
import pytest

from infoplane.figures import FIGURES, drawn
from infoplane.figures.material import Given
from infoplane.figures.subject import Subject


def test_numbers_are_computed_once_and_drawing_does_not_change_them(
    metrics, monkeypatch, tmp_path
):
    kind, calls = FIGURES["training_curves"], []
    whole = kind.numbers

    def counted(table):
        calls.append(table)
        return whole(table)

    monkeypatch.setattr(kind, "numbers", counted)
    table = metrics()
    material = SimpleNamespace(given=lambda subject: Given(table))
    subject = Subject("training_curves", "curves", "", ("run",))
    drawn.draw(subject, material, tmp_path, "a recipe")
    assert len(calls) == 1
    written = pd.read_csv(tmp_path / "curves.csv")
    assert written.loss_test_mean.to_numpy() == pytest.approx(
        whole(table).loss_test_mean.to_numpy()
    )
    assert json.loads((tmp_path / "curves.json").read_text("utf-8"))["recipe"] == "a recipe"
    assert all((tmp_path / f"curves{end}").stat().st_size for end in (".png", ".pdf"))
