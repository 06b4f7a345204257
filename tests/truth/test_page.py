"""The file of a calibration page: what is wrong is named with its key and what is allowed."""

from pathlib import Path

import pytest
import yaml

from infoplane.config import ConfigError
from infoplane.truth import PROBLEMS, page

REPOSITORY = Path(__file__).parents[2]
GOOD = {
    "title": "a page",
    "n": [100],
    "problems": {"normals": {"family": "gaussians", "dimensions": [1]}},
    "estimators": {"bins": {"estimator": "binned"}, "kde": {"estimator": "kde"}},
}


@pytest.fixture
def loaded(tmp_path):
    def load(changes):
        path = tmp_path / "page.yaml"
        path.write_text(yaml.safe_dump({**GOOD, **changes}))
        return page.load(str(path))

    return load


def test_good_page(loaded):
    found = loaded({"limits": {"kde": {"without": {"normals": "no noise there"}}}})
    assert found.answers() == [("bins", "normals")]
    assert found.seeds == 3
    assert found.sizes_of("normals") == [100]
    assert loaded({"n_of": {"normals": [50]}}).sizes_of("normals") == [50]
    assert found.problems["normals"].dimensions == [1]
    assert found.problems["normals"].information[0] == 0  # the family's own default


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"n": [5]}, r"n\[0\]: must be .*10.*, not 5"),
        ({"seeds": 0}, "seeds: must be .*1.*, not 0"),
        ({"problems": {"a": {"family": "gausians"}}}, "Did you mean 'gaussians'"),
        ({"problems": {"a": {"family": "gaussians", "bits": 3}}}, "bits: is not a key here"),
        ({"estimators": {"e": {"estimator": "kde", "noise": "much"}}}, "noise.*absolute"),
        ({"limits": {"ksg": {}}}, "limits.ksg: there is no estimator 'ksg'.*Known: bins, kde"),
        (
            {"limits": {"kde": {"without": {"normal": "x"}}}},
            "no problem 'normal'.*Did you mean 'normals'",
        ),
        (
            {"limits": {"kde": {"largest_n": 5}}},
            "limits.kde: largest_n, largest_d and seeds need a reason",
        ),
        ({"n_of": {"normal": [50]}}, "n_of.normal: there is no problem 'normal'"),
        ({"figures": {}}, "figures: is not a key here"),
        (
            {"problems": {"b": {"family": "beyond_normal", "tasks": ["Wiggly"]}}},
            "there is no task 'Wiggly'",
        ),
    ],
)
def test_mistake_is_named(loaded, changes, said):
    with pytest.raises(ConfigError, match=said) as error:
        loaded(changes)
    assert "page.yaml: " in str(error.value)


def test_absent_page_is_named_with_those_that_are_there(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(
        ConfigError, match=r"no page 'quik'.*Known: convolutions, full, mine, quick, unseen"
    ):
        page.load("quik")


@pytest.mark.parametrize("name", ["quick", "full"])
def test_pages_of_the_project(name, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    found = page.load(name)
    assert {1000, 4096} <= set(found.n)
    families = {problem.family for problem in found.problems.values()}
    elsewhere = {"rendered", "linear_networks", "quantised_cnns", "game_positions"}
    elsewhere |= {"noisy_functions", "soft_labels"}
    elsewhere |= {"high_information", "joint_mixtures"} if name == "quick" else set()
    assert set(PROBLEMS) - families <= elsewhere
    from infoplane.estimators import ESTIMATORS

    not_information = {"clustering"}
    asked = {e.estimator for e in found.estimators.values()}
    assert asked == set(ESTIMATORS) - not_information


def test_recipe_of_an_answer_follows_its_estimator_and_family(loaded):
    found = loaded({})
    recipes = {found.recipe_of_answers(e, "normals") for e in ("bins", "kde")}
    assert len(recipes) == 2
    assert found.recipe_of_problem("normals") not in recipes
