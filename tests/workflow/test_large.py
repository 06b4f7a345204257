"""Experiments of very many runs: what is planned, and what can be asked for by name."""

import re

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

N = 201  # one more than have a target each
LARGE = {
    "runs.net": {
        "seeds": 1,
        "sweep": {"training.batch_size": list(range(1, N + 1))},
    },
    "figures.comparisons": {"two": ["net-batch_size_1", "net-batch_size_2"]},
}
FILE = ("--configfile", "large.yaml")
PER_RUN = ("--configfile", "figures.yaml")
SMALL = ("--configfile", "small.yaml")


@pytest.fixture(scope="module")
def called(fresh, tiny, pool):
    """A function that gives what a call says or plans; all are made two at a time."""
    project = fresh()
    large = {**tiny, "runs": {}}
    project.configure(large, {**LARGE, "figures.per_run": False}, "large.yaml")
    project.configure(large, LARGE, "figures.yaml")
    project.configure(tiny, {"figures.per_run": False}, "small.yaml")

    def said(*arguments):
        return project.snakemake("-n", "--quiet", "rules", *arguments)

    def refused(*arguments):
        return project.snakemake("-n", *arguments, fails=True)

    unknown = "results/tiny/runs/net-batch_size_999/figures"
    calls = {
        "large": (said, *FILE),
        "with_figures": (said, *PER_RUN),
        "rules": (project.snakemake, "--list-rules", *FILE),
        "run": (project.plan, "results/tiny/runs/net-batch_size_7/figures", *FILE),
        "unknown_run": (refused, "run_net-batch_size_999", *FILE),
        "unknown_path": (refused, unknown, *FILE),
        "small": (project.plan, *SMALL),
        "small_estimator": (project.plan, "estimator_kde", *SMALL),
        "small_figure": (project.plan, "figure_training_curves", *SMALL),
    }
    futures = {name: pool.submit(*call) for name, call in calls.items()}
    return lambda name: futures[name].result()


def jobs(said):
    """Jobs by rule, out of a dry run."""
    table = said.split("Job stats:")[1].split("\n\n")[0]
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def information(run, estimator, *blocks):
    return {f"tiny/runs/{run}/information/{estimator}/seeds-{b}.zarr.zip" for b in blocks}


TRAINED = {
    "tiny/datasets/szt.zarr.zip",
    "tiny/runs/tanh/weights/seeds-0-1.zarr.zip",
    "tiny/runs/tanh/weights/seeds-2-2.zarr.zip",
    "tiny/runs/relu/weights/seeds-0-0.zarr.zip",
}
KDE = information("tanh", "kde", "0-1", "2-2") | information("relu", "kde", "0-0")
BINNED = information("tanh", "binned", "0-1", "2-2") | information("relu", "binned", "0-0")


def test_large_experiment_plans_what_is_measured_and_compared(called):
    expected = {
        "prepare_dataset": 1,
        "train": N,
        "estimate_information": 2 * N,
        "draw_comparisons": 1,
        "report": 1,
        "all": 1,
    }
    assert jobs(called("large")) == {**expected, "total": sum(expected.values())}


def test_figures_of_every_run_are_the_default(called):
    found = jobs(called("with_figures"))
    assert found["draw_run"] == N


def test_number_of_rules_does_not_grow_with_runs(called):
    rules = re.findall(r"^\w\S*$", called("rules"), re.MULTILINE)
    assert {"train", "estimator_kde", "figure_training_curves"} <= set(rules)
    assert not [rule for rule in rules if rule.startswith("run_")]


def test_a_run_of_many_is_asked_for_by_the_folder_of_its_figures(called):
    run = "net-batch_size_7"
    home = f"tiny/runs/{run}"
    assert called("run") == (
        {"tiny/datasets/szt.zarr.zip", f"{home}/weights/seeds-0-0.zarr.zip", f"{home}/figures"}
        | information(run, "binned", "0-0")
        | information(run, "kde", "0-0")
    )


def test_unknown_run_among_many_is_named(called):
    assert "run_net-batch_size_999" in called("unknown_run")
    assert "Traceback" not in called("unknown_run")
    text = "large.yaml: there is no run 'net-batch_size_999'. Did you mean 'net-batch_size_99'?"
    assert text in called("unknown_path")


def test_without_figures_of_runs_all_is_measured_and_compared(called):
    made = {"tiny/figures", "tiny/report.html"}
    assert called("small") == TRAINED | KDE | BINNED | made


def test_target_estimator_measures_runs_without_figures(called):
    assert called("small_estimator") == TRAINED | KDE | {"tiny/.drawn/estimator-kde"}


def test_target_figure_draws_it_of_every_run(called):
    drawn = {f"tiny/runs/{run}/.drawn/figure-training_curves" for run in ("tanh", "relu")}
    assert called("small_figure") == TRAINED | drawn


def test_report_without_figures_of_runs_counts_violations(copy, tiny):
    """The page has the same counts of flags as the one with lists of violations."""
    flags = copy.results("tiny/tables/flags.csv")
    before = flags.read_text()
    assert before.count("\n") > 4
    file = copy.configure(tiny, {"figures.per_run": False, "figures.comparisons": {}})
    copy.snakemake("--configfile", file)
    assert flags.read_text() == before
    assert copy.results("tiny/tables/checks.csv").read_text().count("\n") == 1 + 4
