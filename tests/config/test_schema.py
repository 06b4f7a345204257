"""The JSON schema: it is what the models say, and it judges as `load` does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from infoplane.config import ConfigError, load, schema

WRITTEN = Path(__file__).parents[2] / "config" / "schema.json"
EXAMPLE = Path(__file__).with_name("example.yaml")


@pytest.fixture(scope="module")
def validator():
    return Draft202012Validator(schema())


def test_the_written_schema_is_up_to_date(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "infoplane.config", str(tmp_path / "schema.json")], check=True
    )
    fresh = (tmp_path / "schema.json").read_text(encoding="utf-8")
    assert fresh == WRITTEN.read_text(encoding="utf-8"), (
        "config/schema.json is not what the settings say: run python -m infoplane.config"
    )


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(schema())
    assert json.loads(WRITTEN.read_text(encoding="utf-8")) == schema()


def test_the_example_points_an_editor_to_the_schema():
    first = EXAMPLE.read_text().splitlines()[0]
    path = first.removeprefix("# yaml-language-server: $schema=")
    assert (EXAMPLE.parent / path).resolve() == WRITTEN.resolve()


def resolved(node, root):
    while "$ref" in node:
        place = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        node = place
    return node


def nodes(node, root, path=()):
    """Every mapping's schema below a node, with the keys that lead to it."""
    node = resolved(node, root)
    if "properties" in node:
        yield path, node
    for keyword in ("anyOf", "oneOf"):
        for option in node.get(keyword, []):
            yield from nodes(option, root, path)
    for key, inner in node.get("properties", {}).items():
        yield from nodes(inner, root, (*path, key))
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield from nodes(node[keyword], root, (*path, "…"))
    for inner in node.get("patternProperties", {}).values():
        yield from nodes(inner, root, (*path, "…"))


def test_unknown_keys_are_forbidden_everywhere():
    root = schema()
    found = list(nodes(root, root))
    assert ("runs", "…", "training", "optimizer") in [path for path, _ in found]
    assert ("defaults", "measure", "epochs") in [path for path, _ in found]
    # what is of the user's own has keys that no schema knows
    kinds = ("estimator", "source", "family", "trainer", "probe", "signal")
    known = [
        node
        for _, node in found
        if node["properties"] and not any("not" in node["properties"].get(k, {}) for k in kinds)
    ]
    # two at the top, an estimator's sweep; a network, a training and a measurement, and sweeps
    # over them, in runs and defaults; there too a generator, of a training, of a sweep over
    # trainings, and of a sweep over generators; in a family all that but for sweeps; a signal,
    # and its estimator
    assert len(found) - len(known) == 3 + 3 * 4 + 3 * 2 + 4 + 2
    assert all(node["additionalProperties"] is False for node in known)


def test_keys_are_described():
    root = schema()
    run = root["$defs"]["run"]
    assert all("description" in node for node in root["properties"].values())
    assert all("description" in node for node in run["properties"].values())
    sweep = run["properties"]["sweep"]["anyOf"][0]["properties"]
    assert sweep["training.critic_steps"]["items"]["minimum"] == 1
    assert not {"seeds", "sweep", "estimators", "threads"} & set(sweep)


RIGHT = {
    "as it is": {},
    "no defaults": {
        "defaults": None,
        "runs": {
            "r": {"dataset": "szt", "network": {"hidden": [3]}, "training": {"epochs": 1}}
        },
        "figures": None,
    },
    "all from defaults": {"runs.tanh": None},
    "half an optimizer": {"runs.tanh.training": {"optimizer": {"learning_rate": 0.1}}},
    "another optimizer": {
        "runs.tanh.training": {"optimizer": {"method": "sgd", "learning_rate": 1}}
    },
    "an activation each": {"runs.tanh.network": {"activation": ["tanh", "relu", "tanh"]}},
    "listed seeds": {"runs.tanh.seeds": [0, 4]},
    "whole float": {"runs.tanh.training": {"batch_size": 64.0}},
    "empty sections": {"runs.tanh": {"measure": None, "estimators": None, "sweep": None}},
    "null option": {"datasets.szt.size": None, "runs.tanh.training": {"stop": None}},
    "sweep of mappings": {
        "runs.batches.sweep": {
            "training.keep": [{"schedule": "all"}, {"schedule": "every", "n": 2}]
        },
    },
    "sweep of lists": {"runs.batches.sweep": {"network.hidden": [[3, 3], [4]]}},
    "no comparison": {"figures": {"comparisons": {}}},
}
WRONG = {
    "unknown key": {"dataset": {}},
    "unknown key of a run": {"runs.tanh.epochs": 3},
    "unknown key of an optimizer": {"defaults.training.optimizer.rate": 0.1},
    "key of another optimizer": {"defaults.training.optimizer.nesterov": True},
    "unknown key of a data set": {"datasets.szt.fraction": 0.5},
    "unknown choice": {"runs.tanh.network": {"activation": "rleu"}},
    "unknown source": {"datasets.szt.source": "sztt"},
    "no source": {"datasets.szt.source": "REMOVE"},
    "no estimator": {"estimators.kde.estimator": "REMOVE"},
    "too small": {"runs.tanh.threads": 0},
    "not above": {"estimators.kde.noise_variance": 0},
    "true is not 1": {"runs.tanh.threads": True},
    "text is no number": {"runs.tanh.training": {"batch_size": "12"}},
    "no integer": {"runs.tanh.training": {"batch_size": 1.5}},
    "null": {"runs.tanh.network": None},
    "three of a pair": {"defaults.training.optimizer.betas": [0.9, 0.9, 0.9]},
    "seed twice": {"runs.tanh.seeds": [1, 1]},
    "negative seed": {"runs.tanh.seeds": [-1]},
    "no seeds": {"runs.tanh.seeds": 0},
    "unsafe name": {"experiment": "a/b"},
    "unsafe name of a run": {"runs.a b": None},
    "number as a name": {"experiment": 3},
    "no runs": {"runs": {}, "figures": None},
    "no experiment": {"experiment": "REMOVE"},
    "sweep of an unknown key": {"runs.batches.sweep": {"training.batchsize": [1]}},
    "sweep of seeds": {"runs.batches.sweep": {"seeds": [1]}},
    "sweep of nothing": {"runs.batches.sweep": {"training.batch_size": []}},
    "sweep of no list": {"runs.batches.sweep": {"training.batch_size": 3}},
    "sweep twice": {"runs.batches.sweep": {"training.batch_size": [3, 3]}},
    "wrong value in a sweep": {"runs.batches.sweep": {"training.batch_size": [0]}},
    "unknown figure": {"figures.comparison": {}},
}


@pytest.mark.parametrize("name", RIGHT)
def test_both_take_what_is_right(example, validator, name):
    config = example(RIGHT[name])
    assert not list(validator.iter_errors(config))
    load(config, "right.yaml")


@pytest.mark.parametrize("name", WRONG)
def test_both_refuse_what_is_wrong(example, validator, name):
    config = example(WRONG[name])
    assert list(validator.iter_errors(config))
    with pytest.raises(ConfigError):
        load(config, "wrong.yaml")


def sentences():
    """Every key with its description, once."""
    root = schema()
    for path, node in nodes(root, root):
        for key, inner in node["properties"].items():
            yield (*path, key), resolved(inner, root) | inner


def test_every_key_has_a_sentence_that_stands_alone():
    """As an editor shows it beside the key: from a capital or a `value` to a full stop, with
    what is allowed and the default; "Of Adam." and "And in evaluation." are none."""
    fragment = re.compile(r"(Of|And|But|Likewise|How many)\b")
    found = dict(sentences())
    assert len(found) > 300
    for path, node in found.items():
        said, place = node.get("description", ""), ".".join(path)
        own = said.partition(" Allowed: ")[0]
        assert re.match(r"[A-Z`(]", own), f"{place}: {said!r} begins with no capital"
        assert not fragment.match(own), f"{place}: {said!r} goes on from something else"
        assert own.endswith(".") and len(own.split()) >= 4, f"{place}: {said!r} is no sentence"
        if "default" in node and "const" not in node and not isinstance(node["default"], dict):
            assert f" Default: {json.dumps(node['default'], ensure_ascii=False)}." in said, (
                place
            )
        if "minimum" in node:
            assert f"≥ {node['minimum']}" in said, place
