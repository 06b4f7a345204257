"""Estimators on tasks: who answers what, refusals, limits; errors from answers."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from infoplane.estimators import ESTIMATORS, binned, kde
from infoplane.estimators.tables import calibration
from infoplane.estimators.tables.calibration import told_apart_by
from infoplane.samples import Pair, Samples
from infoplane.truth import calibrate, files, gaussians, shipped
from infoplane.truth import errors as truth_errors
from infoplane.truth.run import COLUMNS, Limits, listed, run
from infoplane.truth.task import Draw, Task, rows


def normals(**settings):
    chosen = {"dimensions": [1, 3], "information": [0, 2]} | settings
    return gaussians.Gaussians(**chosen).tasks({})


def layer_task(kind="inputs", largest_n=None, own=None):
    rng = np.random.default_rng(0)

    def draw(n, seed):
        t, y = rng.standard_normal((n, 2)), np.arange(n) % 2
        return Draw(Pair.of(t, y), Samples.of(t, y))

    own = {"toy": {"offset": 1.0}} if own is None else own
    return Task("a layer", kind, 2, 0, 3.0, draw, largest_n=largest_n, settings=own)


def test_every_task_size_and_seed_has_a_row(toy):
    table = run("mine", toy(), "normals", normals(), [200, 1000], 3)
    assert list(table) == list(COLUMNS)
    assert len(table) == 4 * 2 * 3
    assert set(table.estimator) == {"mine"} and set(table.method) == {"toy"}
    assert (table.seconds > 0).all() and (table.refused == "").all()
    # the sample's own covariance: bias d²/2n nats and sd of at most √d/n^½ nats
    assert (table.value - table.truth).abs().max() < 0.5
    assert (table[table.n == 1000].value - table[table.n == 1000].truth).abs().mean() < 0.07


def test_answers_do_not_depend_on_their_company(toy):
    together = run("toy", toy(), "normals", normals(), [200], 2)
    for task in normals():
        alone = run("toy", toy(), "normals", [task], [200], 2)
        same = together[together.task == task.name]
        assert same.value.tolist() == alone.value.tolist()


def test_refusal_is_recorded_with_its_reason_and_spares_the_others(toy):
    table = run("toy", toy(largest_d=2), "normals", normals(), [100], 1)
    refused = table[table.d_a == 3]
    assert (refused.refused == [f"{name}: not for me" for name in refused.task]).all()
    assert refused.value.isna().all()
    assert table[table.d_a == 1].value.notna().all()


def test_one_refusal_in_a_batch_spares_the_batch(toy):
    table = run("toy", toy(), "mixed", [*normals(), layer_task("labels", own={})], [99], 2)
    assert (table.refused != "").sum() == 2
    assert set(table[table.refused != ""].task) == {"a layer"}


def test_other_errors_pass_through(toy, monkeypatch):
    def broken(self, pair):
        raise ZeroDivisionError("a mistake in a program")

    monkeypatch.setattr(toy, "between", broken)
    with pytest.raises(ZeroDivisionError):
        run("toy", toy(), "normals", normals(), [100], 1)


def test_limits_are_kept(toy):
    limits = Limits(largest_n=200, largest_d=1, reason="slow")
    table = run("toy", toy(), "normals", normals(), [100, 1000], 1, limits)
    assert set(table.n) == {100} and set(table.d_a) == {1}
    limits = Limits(without={"normals": "because"})
    assert run("toy", toy(), "normals", normals(), [100], 1, limits).empty


def test_estimator_of_layers_answers_the_tasks_that_give_its_settings(toy_of_layers):
    estimator = toy_of_layers()
    table = run("toy", estimator, "layers", [*normals(), layer_task()], [50], 1)
    assert table.task.tolist() == ["a layer"]
    row = table.iloc[0]
    assert (row.value, row.cap) == (50.0, 99.0)
    assert json.loads(row.settings)["offset"] == 1.0  # the task's
    table = run("toy", estimator, "layers", [layer_task("labels")], [50], 1)
    row = table.iloc[0]
    assert (row.value, row.interval_low, row.interval_kind) == (0.5, 0.25, "proven")  # I(T;Y)
    assert math.isnan(row.cap)  # the record's cap is that of I(X;T)
    assert run("toy", estimator, "layers", [layer_task(own={})], [50], 1).empty


def test_layer_of_few_inputs_is_not_asked_for_more(toy_of_layers):
    table = run("toy", toy_of_layers(), "layers", [layer_task(largest_n=60)], [50, 70], 1)
    assert table.n.tolist() == [50]


def test_answers_are_judged_by_the_truth_of_their_own_quantity():
    """kde answers for any pair, but I(A;B) without noise is not what it estimates; where its
    own is not known it is not judged."""
    settings = kde.KDESettings(noise_variance=0.2)
    own = layer_task("labels", own={"kde": {"noise_variance": 0.5}})
    table = run("kde", kde.KDE(settings), "mixed", [own, *normals()], [60], 1)
    assert table.truth[0] == table.information[0] == 3.0  # the task's settings are its own
    # noise on both: ρ becomes ρ / 1.2
    rho = {d: np.sqrt(1 - 2 ** (-4 / d)) / 1.2 for d in (1, 3)}
    expected = [0, -np.log2(1 - rho[1] ** 2) / 2, 0, -3 * np.log2(1 - rho[3] ** 2) / 2]
    assert table.truth[1:].tolist() == pytest.approx(expected, abs=1e-9)
    assert table.information[1:].tolist() == [0, 2, 0, 2]
    unknown = layer_task("labels", own={})
    (row,) = run("kde", kde.KDE(settings), "mixed", [unknown], [60], 1).itertuples()
    assert math.isfinite(row.value) and math.isnan(row.truth) and row.information == 3.0
    (judged,) = truth_errors.errors(pd.DataFrame([row._asdict()])).itertuples()
    assert math.isnan(judged.error) and not judged.right


def test_settings_of_a_task_replace_those_of_the_page():
    """A width on the page and bins of the task exclude one another: the task's are taken."""
    grid = {"binned": {"n_bins": 4, "range": "fixed", "low": -3.0, "high": 3.0}}
    table = run("binned", binned.Binned(n_bins=9), "layers", [layer_task(own=grid)], [64], 1)
    assert 0 < table.value[0] <= 4.0  # 4 × 4 cells
    assert (table.truth == table.information).all()


def test_rows_take_every_input_before_any_twice():
    taken = rows(250, 100, np.random.default_rng(0))
    assert sorted(np.bincount(taken[:200])) == [2] * 100
    assert len(taken) == 250 and np.bincount(taken).max() == 3


def test_task_of_no_kind_is_refused():
    with pytest.raises(
        ValueError, match="kind must be one of continuous, labels, inputs, not pairs"
    ):
        Task("x", "pairs", 1, 1, 0.0, lambda n, seed: Draw())


def test_tables_survive_their_files(toy, tmp_path):
    table = run("toy", toy(largest_d=2), "normals", normals(), [100], 1)
    files.write(table, tmp_path / "a" / "x.csv")
    files.write(table[:0], tmp_path / "a" / "empty.csv")
    again = files.read([tmp_path / "a" / "x.csv", tmp_path / "a" / "empty.csv"])
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    assert [p.name for p in (tmp_path / "a").iterdir() if "partial" in p.name] == []
    assert listed(normals(), "normals").truth.tolist() == [0, 2, 0, 2]


# --- errors


def answers(truth, *values, **more):
    base = {
        "estimator": "e",
        "method": "toy",
        "settings": "{}",
        "family": "f",
        "task": f"t{truth}",
        "kind": "continuous",
        "n": 1000,
        "d_a": 1,
        "d_b": 1,
        "information": truth,
        "truth": truth,
        "truth_error": 0.0,
        "interval_low": np.nan,
        "interval_high": np.nan,
        "interval_kind": "none",
        "stderr": 0.1,
        "cap": 9.0,
        "linear": 0.5,
        "coarse": 0.5,
        "entropy": np.nan,
        "neighbours": np.nan,
        "lines": np.nan,
        "counted": np.nan,
        "flags": "",
        "refused": "",
        "seconds": 1.0,
    }
    return [base | {"seed": i, "value": v} | more for i, v in enumerate(values)]


def table_of(*rows):
    return truth_errors.errors(pd.DataFrame([row for part in rows for row in part]))


def test_errors_of_seeds():
    (row,) = table_of(answers(2.0, 1.9, 2.3)).itertuples()
    assert (row.n_seeds, row.mean, row.lowest, row.highest) == (2, pytest.approx(2.1), 1.9, 2.3)
    assert row.sd == pytest.approx(0.4 / np.sqrt(2))
    assert row.error == pytest.approx(0.1)
    assert row.worst == pytest.approx(0.3)
    assert not row.right  # 0.3 off, of a truth of 2 bits 0.2 are allowed


@pytest.mark.parametrize(
    "truth, value, right",
    [(0.0, 0.099, True), (0.0, -0.101, False), (5.0, 5.49, True), (5.0, 4.49, False)],
)
def test_right_is_within_a_tenth_of_a_bit_or_of_the_truth(truth, value, right):
    assert table_of(answers(truth, value)).right.tolist() == [right]


def test_refused_and_infinite_answers_are_not_averaged():
    table = table_of(answers(1.0, np.nan, 1.0, refused="too few"), answers(2.0, 2.0, np.inf))
    assert table["mean"].isna().all()
    assert table.refused.tolist() == ["too few", "1 estimates are not finite"]
    assert not table.right.any()


# --- errors that ship


def test_command_keeps_errors(tmp_path, monkeypatch, capsys):
    errors = table_of(answers(3.0, 3.0, method="kde"))
    files.write(truth_errors.rounded(errors), tmp_path / "errors.csv")
    monkeypatch.setattr(calibrate, "ERRORS", tmp_path / "kept.csv")
    monkeypatch.setattr(calibrate, "COVERAGE", tmp_path / "coverage.csv")
    monkeypatch.setattr(calibration, "TABLE", tmp_path / "calibration.json")
    calibrate.main([str(tmp_path / "errors.csv")])
    assert str(tmp_path / "kept.csv") in capsys.readouterr().out
    again = shipped.read(tmp_path / "kept.csv")
    assert set(errors) - set(again) == set(shipped.LEFT_OUT) - {"method", "settings"}
    pd.testing.assert_frame_equal(again[["settings", "mean"]], errors[["settings", "mean"]])
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is not a table of errors: it lacks"):
        calibrate.main([str(tmp_path / "other.csv")])
    other = errors.assign(settings='{"k": 3}')
    with pytest.raises(ValueError, match="more than one set of settings"):
        shipped.ship(pd.concat([errors, other]), tmp_path / "kept.csv")


def test_the_estimators_as_they_are_now_have_the_settings_that_were_tested():
    tested = set(shipped.read(shipped.ERRORS).settings)
    for method in ("binned", "kde", "ksg", "edge", "sp"):
        assert told_apart_by(ESTIMATORS[method]()) in tested
