"""What a right file becomes."""

import json
import subprocess
import sys

import pytest
import yaml

from infoplane.config import ConfigError, Experiment, Run, load
from infoplane.datasets import SOURCES
from infoplane.estimators import ESTIMATORS
from infoplane.networks import FAMILIES
from infoplane.training import TRAINERS

FILE = "config/example.yaml"


def test_the_example_becomes_an_experiment(example):
    experiment = load(example(), FILE)
    assert experiment.name == "example"
    assert list(experiment.datasets) == ["szt", "everything"]
    assert list(experiment.estimators) == ["binned", "kde", "kde-wide"]
    assert experiment.datasets["szt"].training_fraction == 0.8
    assert experiment.estimators["kde-wide"].noise_variance == 0.1
    relu = experiment.runs["relu"]
    assert relu.dataset == "szt"
    assert relu.estimators == ["kde"]
    assert (relu.seeds, relu.seeds_per_block) == ([2, 7], 1)
    assert (relu.threads, relu.memory_mb) == (2, 256)
    assert relu.measure.inputs == "train"


def test_load_leaves_the_given_configuration_as_it_was(example):
    config = example()
    load(config, FILE)
    assert config == example()


def test_defaults_are_merged_key_by_key(example):
    relu = load(example(), FILE).runs["relu"]
    assert relu.network.hidden == [10, 7, 5]
    assert relu.network.activation == "relu"
    assert relu.network.initialisation == "fan_in"
    assert relu.training.epochs == 300
    assert relu.training.keep.n == 10


def test_what_a_run_leaves_out_is_the_library_default(example):
    tanh = load(example(), FILE).runs["tanh"]
    assert tanh.network.family == "mlp"
    assert tanh.training.trainer == "supervised"
    assert tanh.training.batch_size == 256
    assert tanh.measure.inputs == "all"
    assert tanh.seeds_per_block is None and tanh.training.together == 10
    assert (tanh.threads, tanh.memory_mb) == (1, 1024)


def test_a_mapping_of_another_kind_replaces_the_default(example):
    # The default has `number`, which the schedule `every` does not know.
    measured = load(example(), FILE).runs["relu"].measure.epochs
    assert measured.schedule == "every"
    changes = {"runs.tanh.training": {"optimizer": {"method": "sgd", "learning_rate": 0.1}}}
    changes["defaults.training.optimizer.betas"] = [0.5, 0.9]
    runs = load(example(changes), FILE).runs
    assert runs["tanh"].training.optimizer.method == "sgd"
    assert runs["relu"].training.optimizer.betas == (0.5, 0.9)


def test_a_mapping_of_the_same_kind_is_merged(example):
    changes = {"runs.tanh.training": {"optimizer": {"betas": [0.5, 0.9]}}}
    optimizer = load(example(changes), FILE).runs["tanh"].training.optimizer
    assert (optimizer.learning_rate, optimizer.betas) == (4e-4, (0.5, 0.9))


def test_seeds_are_a_count_or_a_list(example):
    runs = load(example({"defaults.seeds": 2}), FILE).runs
    assert runs["tanh"].seeds == [0, 1, 2]
    assert runs["relu"].seeds == [2, 7]
    assert runs["batches-activation_tanh-batch_size_128"].seeds == [0, 1]


@pytest.mark.parametrize("nothing", [None, "REMOVE"])
def test_a_run_is_measured_by_all_estimators_unless_it_names_some(example, nothing):
    changes = {"defaults.estimators": ["kde"], "runs.tanh.estimators": nothing}
    if nothing == "REMOVE":
        changes = {}
    runs = load(example(changes), FILE).runs
    assert runs["tanh"].estimators == ["binned", "kde", "kde-wide"]
    assert runs["relu"].estimators == ["kde"]


def test_empty_sections_are_sections_left_out(example):
    changes = {
        "defaults": None,
        "figures": None,
        "runs": {
            "tanh": {
                "dataset": "szt",
                "network": {"hidden": [3]},
                "training": {"epochs": 1, "stop": None},
                "measure": None,
                "estimators": None,
                "sweep": None,
            }
        },
    }
    experiment = load(example(changes), FILE)
    assert experiment.runs["tanh"].measure.inputs == "all"
    assert experiment.comparisons == {}


def test_a_run_may_be_all_defaults(example):
    assert load(example({"runs.tanh": None}), FILE).runs["tanh"].training.epochs == 300


# Sweeps


def sweep(example, **values):
    written = {key.replace("__", "."): value for key, value in values.items()}
    changes = {"runs": {"r": {"sweep": written}}, "figures": "REMOVE"}
    return load(example(changes), FILE).runs


def test_a_sweep_is_every_combination_named_by_its_values(example):
    runs = load(example(), FILE).runs
    assert [name for name in runs if name.startswith("batches")] == [
        "batches-activation_tanh-batch_size_128",
        "batches-activation_relu-batch_size_128",
        "batches-activation_tanh-batch_size_512",
        "batches-activation_relu-batch_size_512",
    ]
    run = runs["batches-activation_relu-batch_size_512"]
    assert (run.network.activation, run.training.batch_size) == ("relu", 512)
    assert run.network.hidden == [10, 7, 5]


def test_names_of_variants_do_not_depend_on_order(example):
    one = sweep(example, training__batch_size=[1, 2], network__activation=["tanh", "relu"])
    other = sweep(example, network__activation=["relu", "tanh"], training__batch_size=[2, 1, 3])
    assert set(one) < set(other)
    assert all(other[name] == run for name, run in one.items())


@pytest.mark.parametrize(
    ("key", "value", "end"),
    [
        ("network__hidden", [10, 7, 5], "hidden_10x7x5"),
        ("network__activation", ["tanh", "relu", "tanh"], "activation_tanhxreluxtanh"),
        ("dataset", "everything", "dataset_everything"),
        ("training__optimizer__learning_rate", "4e-4", "learning_rate_0.0004"),
        ("training__optimizer__learning_rate", 4e-4, "learning_rate_0.0004"),
        ("training__optimizer__learning_rate", 1e-7, "learning_rate_1e-07"),
        ("training__optimizer__learning_rate", 1e20, "learning_rate_1e20"),
        ("training__batch_size", "1e3", "batch_size_1000"),
        ("training__stop", None, "stop_none"),
        ("training__optimizer__weight_decay", 1, "weight_decay_1"),
        ("measure__share_activations", "always", "share_activations_always"),
        ("training__keep", {"schedule": "every", "n": 5}, "keep_n_5-schedule_every"),
        ("network__hidden", [100 + i for i in range(20)], None),
    ],
)
def test_names_of_variants_say_the_value(example, key, value, end):
    (name,) = sweep(example, **{key: [value]})
    if end is None:
        assert name.startswith("r-hidden_100x101x102x") and len(name) < 60
    else:
        assert name == f"r-{end}"


def test_long_values_that_begin_alike_have_different_names(example):
    alike = [[100] * 20 + [last] for last in (3, 4)]
    assert len(sweep(example, network__hidden=alike)) == 2


def test_keys_that_end_alike_are_named_in_full(example):
    (name,) = sweep(example, training__device=["cpu"], measure__device=["auto"])
    assert name == "r-measure.device_auto-training.device_cpu"


def test_a_swept_mapping_replaces_the_whole(example):
    values = [{"method": "sgd", "learning_rate": 0.1}, {"method": "adam"}]
    runs = sweep(example, training__optimizer=values)
    assert [run.training.optimizer.method for run in runs.values()] == ["sgd", "adam"]
    assert [run.training.optimizer.learning_rate for run in runs.values()] == [0.1, 4e-4]


def test_a_sweep_may_be_a_default(example):
    changes = {
        "defaults.sweep": {"training.batch_size": [1, 2]},
        "runs": {"a": None, "b": {"sweep": {"network.activation": ["relu"]}}},
        "figures": "REMOVE",
    }
    assert list(load(example(changes), FILE).runs) == [
        "a-batch_size_1",
        "a-batch_size_2",
        "b-activation_relu-batch_size_1",
        "b-activation_relu-batch_size_2",
    ]


# Comparisons


def test_a_comparison_may_name_a_run_with_a_sweep(example):
    comparisons = load(example(), FILE).comparisons
    assert comparisons["tanh-vs-relu"] == ["tanh", "relu"]
    assert len(comparisons["all-batches"]) == 4


def test_a_comparison_may_name_variants(example):
    pair = [f"batches-activation_{name}-batch_size_128" for name in ("tanh", "relu")]
    changes = {"figures": {"comparisons": {"pair": pair}}}
    assert load(example(changes), FILE).comparisons == {"pair": pair}


@pytest.mark.parametrize("number", [1, 2, 12, 13])
def test_without_a_comparison_all_of_a_few_runs_are_compared(example, number):
    runs = {f"r{i}": None for i in range(number)}
    comparisons = load(example({"figures": "REMOVE", "runs": runs}), FILE).comparisons
    assert comparisons == ({"all": list(runs)} if number in (2, 12) else {})


def test_no_comparison_may_be_asked_for(example):
    assert load(example({"figures.comparisons": {}}), FILE).comparisons == {}


# Values


def test_numbers_that_yaml_takes_for_text_are_numbers(example):
    text = "{optimizer: {method: adam, learning_rate: 4e-4, betas: [5e-1, .9]}, epochs: 1e3}"
    changes = {"runs.tanh.training": yaml.safe_load(text)}
    assert isinstance(changes["runs.tanh.training"]["epochs"], str)
    changes["estimators.kde.noise_variance"] = "1E-3"
    experiment = load(example(changes), FILE)
    training = experiment.runs["tanh"].training
    assert training.optimizer.learning_rate == 4e-4
    assert training.optimizer.betas == (0.5, 0.9)
    assert training.epochs == 1000 and isinstance(training.epochs, int)
    assert experiment.estimators["kde"].noise_variance == 1e-3


def test_names_that_look_like_numbers_stay_names(example):
    changes = {"datasets.1e3": {"source": "szt"}, "runs.tanh.dataset": "1e3"}
    assert load(example(changes), FILE).runs["tanh"].dataset == "1e3"


def test_whole_floats_are_integers(example):
    changes = {"runs.tanh.training": {"batch_size": 128.0}}
    assert load(example(changes), FILE).runs["tanh"].training.batch_size == 128


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return value


def test_canonical_text_does_not_depend_on_the_order_of_keys(example):
    one, other = load(example(), FILE), load(reordered(example()), FILE)
    assert list(one.runs) != list(other.runs)
    for part in ("runs", "datasets", "estimators"):
        ones, others = getattr(one, part), getattr(other, part)
        assert {k: v.canonical() for k, v in ones.items()} == {
            k: v.canonical() for k, v in others.items()
        }


def test_canonical_text_does_not_depend_on_how_a_number_is_written(example):
    written = [0.0004, "4e-4", "0.4e-3", 4.0e-4]
    key = "defaults.training.optimizer.learning_rate"
    texts = {load(example({key: value}), FILE).canonical() for value in written}
    assert len(texts) == 1


def test_every_part_can_be_read_back(example):
    experiment = load(example(), FILE)
    dumped = json.loads(json.dumps(experiment.model_dump(mode="json")))
    assert Experiment.model_validate(dumped) == experiment
    for run in experiment.runs.values():
        assert Run.model_validate(run.model_dump(mode="json")) == run
        for part in (run.network, run.training, run.measure):
            assert type(part).model_validate(json.loads(part.canonical())) == part
    for part in (*experiment.datasets.values(), *experiment.estimators.values()):
        assert type(part).model_validate(part.model_dump(mode="json")) == part


@pytest.mark.parametrize("table", [SOURCES, ESTIMATORS, FAMILIES, TRAINERS])
def test_settings_are_read_strictly_from_their_own_text(table):
    # Files are read as strict JSON; a model with a tuple and a `before` validator would not be.
    needed = {"path": "x:y", "hidden": [3], "epochs": 1, "files": "x", "preset": "fc3"}
    needed |= {"encoder": [3], "bottleneck": 2, "game": "nim"}
    needed |= {"trunk": {"kind": "dense", "units": [3]}, "generator": {"hidden": [3]}}
    for one in table.values():
        model = one.Settings
        kind = next(
            k for k in ("source", "estimator", "family", "trainer") if k in model.model_fields
        )
        name = next(name for name in table if table[name] is one)
        given = {key: value for key, value in needed.items() if key in model.model_fields}
        settings = model(**{kind: name}, **given)
        assert model.model_validate_json(settings.canonical(), strict=True) == settings


def test_errors_are_value_errors(example):
    with pytest.raises(ValueError, match="is missing") as caught:
        load({}, FILE)
    assert caught.type is ConfigError


def test_importing_config_imports_no_data_library():
    code = (
        "import sys, infoplane.config;"
        "print([m for m in ('sklearn', 'torchvision', 'matplotlib', 'snakemake', 'plotly')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"figures": None}, True),
        ({"figures": {"comparisons": {}}}, True),
        ({"figures": {"per_run": False}}, False),
    ],
)
def test_figures_of_every_run_unless_the_file_says_otherwise(example, changes, expected):
    assert load(example(changes), FILE).figures_per_run is expected
