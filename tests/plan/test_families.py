"""What is planned for networks that are compared."""

import json

import pytest

from infoplane.stores.recipes import write_recipe

CONFIG = {
    "experiment": "grid",
    "datasets": {"digits": {"source": "digits"}},
    "estimators": {"kde": {"estimator": "kde"}},
    "defaults": {
        "dataset": "digits",
        "network": {"hidden": [4]},
        "training": {"epochs": 3},
        "seeds": 2,
    },
    "compare": {
        "families": {"f": {}, "g": {"network": {"hidden": [4, 4]}}},
        "axes": {
            "training.batch_size": [16, 32, 64, 128],
            "network.activation": ["tanh", "relu"],
        },
        "signals": {"loss": {"signal": "training_loss"}, "norm": {"signal": "weight_norm"}},
        "networks_per_job": 6,
    },
}


def test_few_jobs_measure_all_networks_of_a_family(planned):
    families = planned().families
    assert families.n_networks("f") == 16
    parts = families.parts("f")
    assert parts == ["1-of-3", "2-of-3", "3-of-3"]
    runs = [member.run for part in parts for member in families.members("f", part)]
    assert runs == [member.run for member in families.members("f")]
    assert all(families.n_networks("f", part) <= 6 for part in parts)


def test_trainings_go_into_one_job_until_it_is_long(planned):
    assert planned().families.trainings("f") == ["1-of-1"]
    short = planned({"compare/minutes_per_job": 1e-6}).families
    assert len(short.trainings("f")) == 8  # a run each
    blocks = json.loads(short.blocks_of("f", "3-of-8"))
    assert [block["seeds"] for block in blocks] == ["seeds-0-1"]


def test_how_jobs_are_divided_changes_no_result(planned):
    one, other = planned(), planned({"compare/minutes_per_job": 1e-6})
    assert one.families.selection_recipe("f") == other.families.selection_recipe("f")
    assert one.families.compared_recipe() == other.families.compared_recipe()


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({}, set()),
        ({"compare/resamples": 10}, {"compared"}),
        ({"compare/signals": {"loss": {"signal": "training_loss"}}}, {"signals", "compared"}),
        (
            {"compare/strata": {"s": {"stratum": "epoch", "epoch": 2}}},
            {"selection", "signals", "compared"},
        ),
        (
            {"defaults/training": {"epochs": 4}},
            {"training", "selection", "signals", "compared"},
        ),
    ],
)
def test_a_change_makes_anew_what_depends_on_it(planned, changes, anew):
    def recipes(families):
        return {
            "training": families.training_recipe("f", "1-of-1"),
            "selection": families.selection_recipe("f"),
            "signals": families.signals_recipe("f", "1-of-3"),
            "compared": families.compared_recipe(),
        }

    before, after = recipes(planned().families), recipes(planned(changes).families)
    assert {name for name in before if before[name] != after[name]} == anew


def test_a_part_stands_where_its_note_and_all_its_stores_do(planned, tmp_path, monkeypatch):
    plan = planned()
    names = {"family": "f", "part": "1-of-1"}
    assert not plan.trainings.stays(**names)
    notes = plan.families.notes_of_training(**names)
    made = {store: recipe for store, (recipe, _) in notes.items()}
    monkeypatch.setattr("infoplane.plan.stage.recipe_in", lambda path: made.get(str(path)))
    note = plan.files.trained(**names)
    (tmp_path / "compare/f/trained").mkdir(parents=True)
    write_recipe(tmp_path / "compare/f/trained/1-of-1.json", made[note])
    assert planned().trainings.stays(**names)
    del made[next(store for store in made if store != note)]
    assert not planned().trainings.stays(**names)


def test_networks_of_families_have_no_figures_and_no_information_of_their_own(planned):
    plan = planned()
    assert plan.all_drawn == [] and plan.pairs == [] and plan.runs_with_target == []
    assert plan.weights_of_report == []
    assert plan.all_weights == plan.families.all_trained
    assert plan.tables_of_families == [plan.files.compared("recipe", "json")]


def test_an_unknown_family_is_named(planned):
    with pytest.raises(ValueError, match="there is no family 'h'; there are f, g"):
        planned().families.parts("h")
