"""What a rule makes: whether it stays, is made anew, and what its job asks for."""

import json

import pytest

from infoplane.costs import Cost
from infoplane.plan.stage import AROUND_MB, CUDA_MB, Stage


@pytest.fixture
def stage(tmp_path):
    path = f"{tmp_path}/{{name}}.json"
    return Stage(path, lambda name: "asked for", lambda name: Cost(800, 60), lambda name: 1)


@pytest.fixture
def newer(tmp_path):
    (tmp_path / "newer").touch()
    return tmp_path / "newer"


@pytest.mark.parametrize(
    ("written", "stays", "made_anew", "warnings"),
    [
        (None, False, False, 0),
        ({"recipe": "asked for"}, True, False, 0),
        ({"recipe": "another"}, False, True, 0),
        ({}, False, True, 1),
    ],
    ids=["absent", "right", "other", "silent"],
)
def test_results_of_another_recipe_are_made_anew(
    stage, newer, tmp_path, written, stays, made_anew, warnings
):
    if written is not None:
        (tmp_path / "a.json").write_text(json.dumps(written))
    warned = []
    assert stage.stays(name="a") == stays
    assert stage.made_otherwise(newer, warned.append, name="a") == [str(newer)] * made_anew
    assert len(warned) == warnings
    newer.unlink()
    if made_anew:
        with pytest.raises(OSError, match=r"a\.json must be made again, but .* is read-only"):
            stage.made_otherwise(newer, warned.append, name="a")


def test_on_a_cluster_a_job_asks_for_what_is_around_it_as_well(stage):
    asked = stage.requests(name="a")
    assert asked(1) == (1000, 10)
    assert asked(2, submitted=True) == (2000 + AROUND_MB + CUDA_MB, 10)
