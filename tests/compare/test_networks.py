"""Tables of families out of their files, and what is drawn of them."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from infoplane.compare.collapse import Settings as Collapse
from infoplane.compare.networks import family_of
from infoplane.compare.report import collapsed_table, left_out_table, networks_table
from infoplane.compare.scores import SCORES, scores_table
from infoplane.compare.settings import Settings
from infoplane.compare.strata import Last
from infoplane.figures import FAMILY_FIGURES
from infoplane.figures.families import save
from infoplane.stores.signals import write_signals

OPTIMIZERS, SEEDS = ("adam", "sgd", "rmsprop"), (0, 1)
ABOUT = {
    name: {
        "settings": settings,
        "label": label,
        "unit": "",
        "better": better,
        "by_layer": name == "ixt",
        "control": name == "random",
    }
    for name, settings, label, better in (
        ("told", {"signal": "margin"}, "what is told", "higher"),
        ("against", {"signal": "path_norm"}, "", "lower"),
        ("random", {"signal": "random"}, "random number", "higher"),
        ("ixt", {"signal": "information", "of": "ixt", "estimator": {}}, "I(X;T)", "lower"),
    )
}


@pytest.fixture
def family(tmp_path):
    """A function that writes a family's files and reads them: 6 networks of 3 runs, of which
    one failed, one is constant, one lacks a signal, and all but one have unique codes."""

    def made(name="deep", accuracy=None):
        values, targets, chosen = [], [], []
        rng = np.random.default_rng(0)
        networks = list(itertools.product(OPTIMIZERS, SEEDS))[:-1]
        for place, (optimizer, seed) in enumerate(networks):
            where = {"run": f"{name}-{optimizer}", "seed": seed, "stratum": "end", "epoch": 4}
            chosen.append([*where.values()])
            right = (0.3 + 0.1 * place) if accuracy is None else accuracy
            about = {"gap": 0.9 - right, "accuracy_train": 0.9, "loss_train": 1 - right}
            about |= {"accuracy_test": right, "loss_test": 1.0, "dead": 0.0, "lost": ""}
            targets.append({**where, **about, "n_predicted": 1.0 if place == 0 else 10.0})
            told = np.nan if place == 1 else right
            row = {**where, "layer": "", "cap": np.nan, "flags": ""}
            for signal, value in (
                ("told", told),
                ("against", -right),
                ("random", rng.normal()),
            ):
                reason = "" if np.isfinite(value) else "it has none"
                values.append({**row, "signal": signal, "value": value, "reason": reason})
            for layer in ("hidden1", "output", "@last_hidden", "@mean"):
                ixt = {"layer": layer, "value": 5.0 if place else 2.0, "cap": 5.0, "reason": ""}
                values.append({**row, "signal": "ixt", **ixt})
        said = {
            "chosen": chosen,
            "left_out": [[f"{name}-rmsprop", 1, "end", "the loss became NaN in epoch 2"]],
            "untrained": [[f"{name}-{o}", s, 2.3] for o in OPTIMIZERS for s in SEEDS],
            "failed": [[f"{name}-rmsprop", 1]],
            "levels": {},
        }
        selection, store = tmp_path / f"{name}.json", tmp_path / f"{name}.zarr.zip"
        selection.write_text(json.dumps(said))
        write_signals(values, targets, {"signals": ABOUT}, store)
        members = [
            {"run": f"{name}-{o}", "seeds": list(SEEDS), "axes": {"optimizer": o}}
            for o in OPTIMIZERS
        ]
        return family_of(name, members, selection, [store], Collapse())

    return made


@pytest.fixture
def settings():
    return Settings(strata={"end": Last()}, resamples=20, folds=2)


def test_a_row_a_network_with_signals_and_what_became_of_it(family):
    table = networks_table([family()])
    assert len(table) == 6
    assert table.optimizer.tolist() == ["adam", "adam", "sgd", "sgd", "rmsprop", "rmsprop"]
    assert table.state.tolist() == ["constant", "", "", "", "", "diverged"]
    assert table.epoch.tolist() == [4] * 5 + [-1]
    assert table.unique_codes.tolist() == ["", "ixt", "ixt", "ixt", "ixt", ""]
    assert table["ixt[hidden1]"].tolist()[:2] == [2.0, 5.0]
    assert np.isnan(table.told[1]) and table.told[2] == pytest.approx(0.5)


def test_what_collapsed_and_what_is_missing_is_listed_with_its_reason(family):
    found = family()
    listed = collapsed_table([found])
    assert listed.state.tolist() == ["constant", "", "", "", "", "diverged"]
    assert listed.why.iloc[-1] == "the loss became NaN in epoch 2"
    missing = left_out_table([found])
    assert missing[["seed", "signal", "reason"]].to_numpy().tolist() == [
        [1, "", "the loss became NaN in epoch 2"],
        [1, "told", "it has none"],
    ]


def test_scores_count_networks_pairs_ties_and_name_what_is_left_out(family, settings, caplog):
    scores = scores_table([family()], settings)
    assert set(scores.score) == set(SCORES)
    by = scores.set_index(["networks", "target", "signal", "layer", "score"])
    told = by.loc["all", "accuracy_test", "told", "", "in_order"]
    assert (told.value, told.n_networks, told.n_left_out, told.n_pairs) == (1.0, 4, 1, 6)
    against = by.loc["all", "accuracy_test", "against", "", "in_order"]
    assert (against.value, against.n_networks, against.n_ties) == (1.0, 5, 0)
    gap = by.loc["all", "gap", "against", "", "in_order"]
    assert gap.value == 1.0  # a smaller gap is better
    ixt = by.loc["all", "accuracy_test", "ixt", "hidden1", "in_order"]
    # less is said to be better, and the worst network has least: 4 wrong, 6 ties
    assert ixt.n_ties == 6 and ixt.value == pytest.approx((0 + 6 / 2) / 10)
    assert by.loc["working", "accuracy_test", "against", "", "in_order"].n_networks == 4
    text = caplog.text
    assert "signal told has no value for 1 of 5 networks" in text
    assert "seed 1 of deep-adam: it has none" in text


def test_a_target_without_variance_is_named(family, settings, caplog):
    one, flat = family("deep"), family("flat", accuracy=0.1)
    scores = scores_table([one, flat], settings)
    why = "family flat, stratum end: accuracy_test is 0.1 for all 5 networks"
    assert why in caplog.text
    of_flat = scores[scores.family == "flat"]
    assert of_flat.value.isna().all() and of_flat.note.str.contains("none is better").all()
    with pytest.raises(ValueError, match="there is no score: family flat"):
        scores_table([flat], settings)


def test_a_network_that_was_chosen_and_not_measured_is_an_error(family, tmp_path):
    family()
    said = json.loads((tmp_path / "deep.json").read_text())
    said["chosen"].append(["deep-rmsprop", 1, "end", 4])
    (tmp_path / "deep.json").write_text(json.dumps(said))
    members = [
        {"run": f"deep-{o}", "seeds": [0, 1], "axes": {"optimizer": o}} for o in OPTIMIZERS
    ]
    args = members, tmp_path / "deep.json", [tmp_path / "deep.zarr.zip"], Collapse()
    with pytest.raises(ValueError, match="no signals of seed 1 of deep-rmsprop"):
        family_of("deep", *args)


def test_figures_draw_and_say_their_numbers(family, settings, tmp_path):
    families = [family("deep"), family("wide")]
    tables = networks_table(families), scores_table(families, settings)
    about = ABOUT | {"axes": {one.name: one.axes for one in families}}
    shown = [FAMILY_FIGURES[name] for name in FAMILY_FIGURES]
    save(shown, (*tables, about), tmp_path / "figures", "recipe")
    for figure in shown:
        said = json.loads((tmp_path / "figures" / f"{figure.name}.json").read_text())
        numbers = pd.read_csv(tmp_path / "figures" / f"{figure.name}.csv")
        assert said["recipe"] == "recipe" and len(numbers)
        assert (tmp_path / "figures" / f"{figure.name}.png").stat().st_size > 5000
    caption = FAMILY_FIGURES["permutations"].caption(
        FAMILY_FIGURES["permutations"].numbers(*tables, about)
    )
    assert "× diverged (2)" in caption and "= one class for every input (2)" in caption
