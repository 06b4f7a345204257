"""What an edit makes Snakemake do again, by its own plan: no less, and nothing else."""

import re
from collections import Counter

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

BLOCKS = {"tanh": ["seeds-0-1", "seeds-2-2"], "relu": ["seeds-0-0"]}
REPORT = {"tiny/report.html"}
ESTIMATORS = ("binned", "kde")


def weights(run, blocks=None):
    return {f"tiny/runs/{run}/weights/{block}.zarr.zip" for block in blocks or BLOCKS[run]}


def information(run, estimator, blocks=None):
    home = f"tiny/runs/{run}/information/{estimator}"
    return {f"{home}/{block}.zarr.zip" for block in blocks or BLOCKS[run]}


def training_figures(run):
    home = f"tiny/runs/{run}/figures"
    return {f"{home}/{figure}.png" for figure in ("training_curves", "gradient_noise")}


def information_figures(run, estimator):
    home = f"tiny/runs/{run}/figures"
    kinds = ("information_plane", "information_curves")
    return {f"{home}/{kind}-{estimator}.png" for kind in kinds}


def comparison(*estimators):
    return {f"tiny/figures/tanh-vs-relu-{estimator}.png" for estimator in estimators}


def measured(run, estimator, blocks=None):
    """An estimator's information of a run, and the run's figures of it."""
    return information(run, estimator, blocks) | information_figures(run, estimator)


def everything_of(run, estimators=ESTIMATORS, blocks=None):
    found = weights(run, blocks) | training_figures(run)
    return found.union(*(measured(run, by, blocks) for by in estimators))


ALL_BUT_DATA = everything_of("tanh") | everything_of("relu") | comparison(*ESTIMATORS) | REPORT
OF_BINNED = (
    measured("tanh", "binned") | measured("relu", "binned") | comparison("binned") | REPORT
)
TANH_REDRAWN = (
    training_figures("tanh")
    | information_figures("tanh", "binned")
    | information_figures("tanh", "kde")
    | comparison(*ESTIMATORS)
    | REPORT
)
SIGMOID = {"network": {"activation": "sigmoid"}, "seeds": [4]}


def lost(*stores):
    """Stores taken away, with an edit of what makes the data set."""

    def change(project):
        project.edit("workflow/infoplane/datasets/shwartz_ziv_tishby.py")
        for store in stores:
            project.results(store).unlink()

    return change


def edited(file):
    return lambda project: project.edit(file)


def other_dates(project):
    """Scripts and sources as of a fresh checkout, results as of a copy that began at the end,
    and a comment."""
    project.edit("workflow/infoplane/estimators/binned.py", "\n# a comment\n")
    for file in sorted(project.root.rglob("*"), reverse=True):
        file.touch()


def forgotten(project):
    """Results without what Snakemake knows of them, with other dates."""
    other_dates(project)
    project.forget()


CHANGES = {  # what changes in configuration or files, and what is planned then
    "nothing": ({}, None, set()),
    # one estimator
    "settings_of_estimator": ({"estimators.binned.n_bins": 20}, None, OF_BINNED),
    "source_of_estimator": (
        {},
        edited("workflow/infoplane/estimators/binned.py"),
        OF_BINNED,
    ),
    "estimator_is_added": (
        {"estimators.kde-wide": {"estimator": "kde", "noise_variance": 0.1}},
        None,
        measured("tanh", "kde-wide")
        | measured("relu", "kde-wide")
        | comparison("kde-wide")
        | REPORT,
    ),
    # seeds
    "seeds_are_added": (
        {"runs.tanh.seeds": 5},
        None,
        weights("tanh", ["seeds-3-4"])
        | information("tanh", "binned", ["seeds-3-4"])
        | information("tanh", "kde", ["seeds-3-4"])
        | TANH_REDRAWN,
    ),
    "seed_with_its_block_is_removed": ({"runs.tanh.seeds": 2}, None, TANH_REDRAWN),
    "seed_out_of_a_block_is_removed": ({"runs.tanh.seeds": [1, 2]}, None, TANH_REDRAWN),
    "blocks_would_be_others": ({"runs.tanh.seeds_per_block": 3}, None, REPORT),
    # one run
    "epochs_of_a_run": (
        {"runs.relu.training": {"epochs": 8}},
        None,
        everything_of("relu") | comparison(*ESTIMATORS) | REPORT,
    ),
    "measured_epochs_of_a_run": (
        {"runs.relu.measure": {"epochs": {"schedule": "list", "epochs": [0, 6]}}},
        None,
        measured("relu", "binned") | measured("relu", "kde") | comparison(*ESTIMATORS) | REPORT,
    ),
    "run_is_added": (
        {"runs.sigmoid": SIGMOID},
        None,
        everything_of("sigmoid", blocks=["seeds-4-4"]) | REPORT,
    ),
    "run_is_added_to_a_comparison": (
        {
            "runs.sigmoid": SIGMOID,
            "figures.comparisons.tanh-vs-relu": ["tanh", "relu", "sigmoid"],
        },
        None,
        everything_of("sigmoid", blocks=["seeds-4-4"]) | comparison(*ESTIMATORS) | REPORT,
    ),
    # what results are made by
    "source_of_network": ({}, edited("workflow/infoplane/networks/mlp.py"), ALL_BUT_DATA),
    "source_of_dataset": (
        {},
        edited("workflow/infoplane/datasets/shwartz_ziv_tishby.py"),
        {"tiny/datasets/szt.zarr.zip"} | ALL_BUT_DATA,
    ),
    "source_of_dataset_and_results_are_lost": (
        {},
        lost(*weights("relu"), *information("tanh", "kde", ["seeds-2-2"])),
        {"tiny/datasets/szt.zarr.zip"} | ALL_BUT_DATA,
    ),
    "source_of_figure": (
        {},
        edited("workflow/infoplane/figures/information_curves.py"),
        {
            f"tiny/runs/{run}/figures/information_curves-{estimator}.png"
            for run in BLOCKS
            for estimator in ESTIMATORS
        }
        | REPORT,
    ),
    "source_of_report": ({}, edited("workflow/infoplane/figures/page.py"), REPORT),
    "template_of_report": (
        {},
        lambda project: project.edit("workflow/infoplane/figures/page.html.j2", "<p>"),
        REPORT,
    ),
    # what changes no result
    "readme": ({}, edited("README.md"), set()),
    "line_of_a_table": ({}, edited("workflow/infoplane/estimators/__init__.py"), set()),
    "dates": ({}, other_dates, set()),
    # what Snakemake does not know any more, stores know
    "nothing_and_forgotten": ({}, forgotten, set()),
    "settings_of_estimator_and_forgotten": (
        {"estimators.binned.n_bins": 20},
        forgotten,
        OF_BINNED,
    ),
    "training_and_forgotten": (
        {"runs.relu.training": {"epochs": 8}},
        forgotten,
        everything_of("relu") | comparison(*ESTIMATORS) | REPORT,
    ),
    "seeds_shown_and_forgotten": ({"runs.tanh.seeds": [1, 2]}, forgotten, TANH_REDRAWN),
    "source_of_script": (
        {},
        edited("workflow/scripts/check_information.py"),
        {
            f"tiny/runs/{run}/figures/{kind}-{by}.png"
            for run in BLOCKS
            for kind in ("information_plane", "information_curves")
            for by in ESTIMATORS
        }
        | comparison(*ESTIMATORS)
        | REPORT,
    ),
    "what_a_run_may_use": (
        {
            "defaults.threads": 2,
            "defaults.memory_mb": 100,
            "defaults.checkpoint_seconds": 1.5,
        },
        None,
        set(),
    ),
}


@pytest.fixture(scope="module")
def planned(finished, tiny, tmp_path_factory, pool):
    """A function that gives a change's plan; those of all changes are made two at a time."""

    def plan(changes, change):
        project = finished.copy(tmp_path_factory.mktemp("changed") / "copy")
        project.configure(tiny, changes)
        if change:
            change(project)
        return project.plan("--configfile", "experiment.yaml")

    plans = {name: pool.submit(plan, *case[:2]) for name, case in CHANGES.items()}
    return lambda name: plans[name].result()


@pytest.mark.parametrize("change", CHANGES)
def test_change_reruns_exactly(planned, change):
    assert planned(change) == CHANGES[change][2]


def test_dry_run_counts_the_jobs_of_the_plan(copy, pool):
    """The summary, from which plans are read, is what Snakemake would do."""
    copy.edit("workflow/infoplane/estimators/binned.py")
    options = ("--configfile", "experiment.yaml")
    summary = pool.submit(copy.summary, *options)
    said = copy.snakemake("--dry-run", *options)
    counts = dict(re.findall(r"^(\w+) +(\d+)$", said.split("Job stats:")[1], re.MULTILINE))
    pending = [
        row["rule"]
        for row in summary.result()
        if row["plan"] != "no update"
        and (
            not row["output_file"].endswith((".pdf", ".csv", ".json"))
            or re.search(r"/checks/.*\.csv$", row["output_file"])
        )
    ]
    rules = {rule: str(n) for rule, n in Counter(pending).items()}
    assert counts == {**rules, "all": "1", "total": str(len(pending) + 1)}


def test_added_seeds_leave_what_was_trained_as_it_was(copy, tiny, arrays_of):
    """Beside the plan: the new block is made, the figures show all five seeds."""
    store = copy.results("tiny/runs/tanh/weights/seeds-0-1.zarr.zip")
    before = store.stat().st_mtime_ns
    copy.configure(tiny, {"runs.tanh.seeds": 5})
    figure = "results/tiny/runs/tanh/figures/information_plane-binned.csv"
    copy.snakemake(figure, "--configfile", "experiment.yaml")
    assert store.stat().st_mtime_ns == before
    (header, line, *_) = (copy.root / figure).read_text().splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["n_seeds"] == "5"
    made = arrays_of(copy.results("tiny/runs/tanh/information/binned/seeds-3-4.zarr.zip"))
    assert made["//seed"].tolist() == [3, 4]
