"""The command line: what can be asked for by name, and experiment files that are wrong."""

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SEEDS = {"tanh": ["0-1", "2-2"], "relu": ["0-0"]}
SOFTSIGN = {
    "experiment": "other",
    "estimators": {"wide": {"estimator": "kde"}},
    "runs": {"softsign": {"network": {"activation": "softsign"}}},
    "figures": {},
}
WRONG = {
    "wrong_number": (
        {"defaults.training.epochs": "many"},
        "defaults.training.epochs: must be an integer ≥ 1, not 'many'",
    ),
    "unknown_key": (
        {"defaults.training.epoch": 3},
        "defaults.training.epoch: is not a key here. Did you mean 'epochs'? Known: trainer, ",
    ),
    "unknown_name": (
        {"runs.relu.dataset": "stz"},
        "runs.relu.dataset: there is no data set 'stz'. Did you mean 'szt'? Known: szt.",
    ),
    "missing_key": (
        {"datasets.other": {}},
        "datasets.other.source: is missing; give one of szt, ",
    ),
}
WRONG_OPTIONS = {
    "experimnt=other": "experimnt: is not a key here. Did you mean 'experiment'?",
    "experiment=../other": "experiment: must be a name of letters, digits and",
}
TARGETS = ("datasets", "run_tanh", "estimator_kde", "figure_information_plane")


@pytest.fixture(scope="module")
def project(fresh, tiny):
    """Without any result: a plan names everything that a target needs."""
    project = fresh()
    project.configure(tiny)
    project.configure({**tiny, **SOFTSIGN}, name="softsign.yaml")
    project.configure(tiny, {"experiment": "default"}, "config/config.yaml")
    for name, (changes, _) in WRONG.items():
        project.configure(tiny, changes, f"{name}.yaml")
    with (project.root / project.configure(tiny, name="twice.yaml")).open("a") as file:
        file.write("runs: {}\n")
    return project


@pytest.fixture(scope="module")
def called(project, pool):
    """A function that gives a call's plan, or its message; all are made two at a time."""

    def refused(*arguments):
        return project.snakemake(*arguments, fails=True)

    experiment = ("--configfile", "experiment.yaml")
    calls = {target: (project.plan, target, *experiment) for target in TARGETS}
    calls["run_tnah"] = (refused, "-n", "run_tnah", *experiment)
    calls["other_file"] = (project.plan, "--configfile", "softsign.yaml")
    calls["no_file"] = (project.plan,)
    calls["renamed"] = (project.plan, "--config", "experiment=renamed")
    for name in WRONG:  # no dry run: nothing may start
        calls[name] = (refused, "--configfile", f"{name}.yaml")
    for option in WRONG_OPTIONS:
        calls[option] = (refused, "-n", "--config", option)
    calls["twice"] = (refused, "-n", "--configfile", "twice.yaml")
    calls["absent_file"] = (refused, "-n", "--configfile", "absent.yaml")
    futures = {name: pool.submit(*call) for name, call in calls.items()}
    return lambda name: futures[name].result()


def upto_weights(*runs):
    weights = {f"tiny/runs/{r}/weights/seeds-{s}.zarr.zip" for r in runs for s in SEEDS[r]}
    return {"tiny/datasets/szt.zarr.zip"} | weights


def information(run, *estimators):
    home = f"tiny/runs/{run}/information"
    return {f"{home}/{by}/seeds-{s}.zarr.zip" for by in estimators for s in SEEDS[run]}


def drawn(selection, *runs):
    """Notes of drawing some figures of runs, and of several runs."""
    return {f"tiny/{place}.drawn/{selection}" for place in (f"runs/{r}/" for r in runs)}


def test_target_datasets_plans_what_may_be_downloaded(called):
    assert called("datasets") == {"tiny/datasets/szt.zarr.zip"}


def test_target_run_plans_that_run_alone(called):
    made = upto_weights("tanh") | information("tanh", "binned", "kde")
    assert called("run_tanh") == made | {"tiny/runs/tanh/figures"}


def test_target_estimator_plans_that_estimator_alone(called):
    measured = information("tanh", "kde") | information("relu", "kde")
    notes = drawn("estimator-kde", *SEEDS) | {"tiny/.drawn/estimator-kde"}
    assert called("estimator_kde") == upto_weights(*SEEDS) | measured | notes


def test_target_figure_plans_what_it_shows_alone(called):
    measured = information("tanh", "binned", "kde") | information("relu", "binned", "kde")
    notes = drawn("figure-information_plane", *SEEDS)
    assert called("figure_information_plane") == upto_weights(*SEEDS) | measured | notes


def test_unknown_target_is_named(called):
    assert "run_tnah" in called("run_tnah")
    assert "Traceback" not in called("run_tnah")


def test_configfile_replaces_the_default_and_merges_nothing(called):
    plan = called("other_file")
    assert "other/report.html" in plan
    assert "other/runs/softsign/figures" in plan
    assert not [path for path in plan if "tanh" in path or "relu" in path or "binned" in path]


def test_default_configuration_is_taken_without_configfile(called):
    assert "default/report.html" in called("no_file")


def test_config_option_renames_the_experiment(called):
    plan = called("renamed")
    assert "renamed/report.html" in plan
    assert all(path.startswith("renamed/") for path in plan)


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_file_is_refused_before_any_job(project, called, mistake):
    """tests/config has every message; here: that it comes through the command line whole."""
    said = called(mistake)
    assert f"{mistake}.yaml: {WRONG[mistake][1]}" in said
    for word in ("Traceback", "pydantic", "Job stats", "Finished jobid"):
        assert word not in said
    assert not project.results().exists()


@pytest.mark.parametrize("option", WRONG_OPTIONS)
def test_wrong_config_option_is_refused(called, option):
    assert WRONG_OPTIONS[option] in called(option)
    assert "Traceback" not in called(option)


def test_key_that_stands_twice_is_refused(called):
    assert "twice.yaml: runs: occurs on lines " in called("twice")
    assert "Traceback" not in called("twice")


def test_absent_configfile_is_named(called):
    assert "No such file or directory: 'absent.yaml'" in called("absent_file")
