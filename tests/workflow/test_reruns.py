"""What an edit makes again: no less, and nothing else.

The plan says it of every result of the finished experiment, by what stands there; that
Snakemake does as the plan says is asked of Snakemake itself, for a few edits.
"""

import re
import shutil

import pandas as pd
import pytest
import yaml

from infoplane import provenance
from infoplane.config import load
from infoplane.plan import recipes
from infoplane.plan.plan import Plan
from infoplane.plan.stage import Standing

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

BLOCKS = {"tanh": ["seeds-0-1", "seeds-2-2"], "relu": ["seeds-0-0"]}
ESTIMATORS = ("binned", "kde")
REPORT, COMPARISONS, DATA = {"report"}, {"figures"}, {"szt"}
OPTIONS = ("--configfile", "experiment.yaml")


def weights(run, blocks=None):
    return {f"{run}/weights/{block}" for block in blocks or BLOCKS[run]}


def information(run, *estimators, blocks=None):
    return {f"{run}/{by}/{block}" for by in estimators for block in blocks or BLOCKS[run]}


def drawn(*runs):
    """The runs' figures, those of several runs, and the report."""
    return {f"{run}/figures" for run in runs} | COMPARISONS | REPORT


def everything_of(run, blocks=None):
    return (
        weights(run, blocks)
        | information(run, *ESTIMATORS, blocks=blocks)
        | {f"{run}/figures"}
        | REPORT
    )


ALL_BUT_DATA = everything_of("tanh") | everything_of("relu") | COMPARISONS
OF_BINNED = information("tanh", "binned") | information("relu", "binned") | drawn(*BLOCKS)
SIGMOID = {"network": {"activation": "sigmoid"}, "seeds": [4]}


def edited(file, line="\nedited = True\n"):
    return lambda project: project.edit(f"workflow/{file}", line)


def lost(project):
    """Results taken away."""
    project.results("tiny/runs/tanh/figures/gradient_noise.pdf").unlink()
    project.results("tiny/runs/relu/checks/kde.csv").unlink()


def other_dates(project):
    """Scripts and sources as of a fresh checkout, results as of a copy that began at the end,
    and a comment."""
    project.edit("workflow/infoplane/estimators/binned.py", "\n# a comment\n")
    for file in sorted(project.root.rglob("*"), reverse=True):
        file.touch()


CHANGES = {  # what changes in configuration or files, and what does not stand then
    "nothing": ({}, None, set()),
    # one estimator
    "settings_of_estimator": ({"estimators.binned.n_bins": 20}, None, OF_BINNED),
    "source_of_estimator": ({}, edited("infoplane/estimators/binned.py"), OF_BINNED),
    "estimator_is_added": (
        {"estimators.kde-wide": {"estimator": "kde", "noise_variance": 0.1}},
        None,
        information("tanh", "kde-wide") | information("relu", "kde-wide") | drawn(*BLOCKS),
    ),
    # seeds
    "seeds_are_added": (
        {"runs.tanh.seeds": 5},
        None,
        weights("tanh", ["seeds-3-4"])
        | information("tanh", *ESTIMATORS, blocks=["seeds-3-4"])
        | drawn("tanh"),
    ),
    "seed_with_its_block_is_removed": ({"runs.tanh.seeds": 2}, None, drawn("tanh")),
    "seed_out_of_a_block_is_removed": ({"runs.tanh.seeds": [1, 2]}, None, drawn("tanh")),
    "blocks_would_be_others": ({"runs.tanh.seeds_per_block": 3}, None, REPORT),
    # one run
    "epochs_of_a_run": (
        {"runs.relu.training": {"epochs": 8}},
        None,
        everything_of("relu") | COMPARISONS,
    ),
    "kernel_of_a_run": (  # weights differ by rounding: no run is to be half of each
        {"runs.relu.training": {"kernel": "torch"}},
        None,
        everything_of("relu") | COMPARISONS,
    ),
    "measured_epochs_of_a_run": (
        {"runs.relu.measure": {"epochs": {"schedule": "list", "epochs": [0, 6]}}},
        None,
        information("relu", *ESTIMATORS) | drawn("relu"),
    ),
    "run_is_added": ({"runs.sigmoid": SIGMOID}, None, everything_of("sigmoid", ["seeds-4-4"])),
    "run_is_added_to_a_comparison": (
        {
            "runs.sigmoid": SIGMOID,
            "figures.comparisons.tanh-vs-relu": ["tanh", "relu", "sigmoid"],
        },
        None,
        everything_of("sigmoid", ["seeds-4-4"]) | COMPARISONS,
    ),
    # what results are made by
    "source_of_network": ({}, edited("infoplane/networks/mlp.py"), ALL_BUT_DATA),
    "source_of_compiled_loops": (
        {},
        edited("infoplane/training/perceptron_cpu.py"),
        ALL_BUT_DATA,
    ),
    "source_of_dataset": (
        {},
        edited("infoplane/datasets/shwartz_ziv_tishby.py"),
        DATA | ALL_BUT_DATA,
    ),
    "source_of_figure": (
        {},
        edited("infoplane/figures/information_curves.py"),
        drawn(*BLOCKS) - COMPARISONS,
    ),
    "source_of_checks": ({}, edited("infoplane/measurement/checks.py"), drawn(*BLOCKS)),
    "source_of_script": ({}, edited("scripts/draw.py"), drawn(*BLOCKS)),
    "source_of_report": ({}, edited("infoplane/figures/page.py"), REPORT),
    "template_of_report": ({}, edited("infoplane/figures/page.html.j2", "<p>"), REPORT),
    "files_of_a_figure_and_a_list": ({}, lost, {"tanh/figures", "relu/figures"}),
    # what changes no result
    "readme": ({}, lambda project: project.edit("README.md"), set()),
    "line_of_a_table": ({}, edited("infoplane/estimators/__init__.py"), set()),
    "dates": ({}, other_dates, set()),
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


def results_of(plan):
    """Every result of an experiment by a short name: its stage, and the names in its path."""
    found = {}
    for name, run in plan.experiment.runs.items():
        found[run.dataset] = plan.datasets, {"dataset": run.dataset}
        found[f"{name}/figures"] = plan.figures, {"run": name}
        for seeds in plan.blocks.of(name):
            place = {"run": name, "seeds": seeds}
            found[f"{name}/weights/{seeds}"] = plan.weights, place
            for by in run.estimators:
                found[f"{name}/{by}/{seeds}"] = plan.information, {**place, "estimator": by}
    return {**found, "figures": (plan.comparisons, {}), "report": (plan.report, {})}


@pytest.fixture
def standing(monkeypatch):
    """A function that gives names of a project's results that do not stand, by its own plan."""

    def of(project):
        library = project.root / "workflow" / "infoplane"
        monkeypatch.setattr(provenance, "LIBRARY", library)
        monkeypatch.setattr(provenance, "SCRIPTS", library.parent / "scripts")
        monkeypatch.setattr(recipes, "LIBRARY", library)
        file = project.root / "experiment.yaml"
        plan = Plan(load(yaml.safe_load(file.read_text()), str(file)), project.results("tiny"))
        return {
            name
            for name, (stage, names) in results_of(plan).items()
            if stage.standing(**names) is not Standing.RIGHT
        }

    return of


@pytest.mark.parametrize("change", CHANGES)
def test_change_reruns_exactly(copy, tiny, standing, change):
    changes, edit, expected = CHANGES[change]
    copy.configure(tiny, changes)
    if edit:
        edit(copy)
    assert standing(copy) == expected


def jobs(said):
    """Jobs by rule, out of a dry run."""
    if "Nothing to be done" in said:
        return {}
    table = said.split("Job stats:")[1].split("\n\n")[0]
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


DRAWN = {"draw_run": 2, "draw_comparisons": 1, "report": 1, "all": 1}
PLANS = {  # what Snakemake does then, also where it has forgotten all that it knew
    "dates": {},
    "settings_of_estimator": {"estimate_information": 3, **DRAWN, "total": 8},
    "seed_out_of_a_block_is_removed": {**DRAWN, "draw_run": 1, "total": 4},
    "source_of_figure": {"draw_run": 2, "report": 1, "all": 1, "total": 4},
    "files_of_a_figure_and_a_list": {"draw_run": 2, "total": 2},
}


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "forgotten"])
@pytest.mark.parametrize("change", PLANS)
def test_snakemake_does_as_planned(copy, tiny, change, forgotten):
    changes, edit, _ = CHANGES[change]
    copy.configure(tiny, changes)
    if edit:
        edit(copy)
    if forgotten:
        copy.forget()
    assert jobs(copy.snakemake("--dry-run", "--quiet", "rules", *OPTIONS)) == PLANS[change]


def test_lost_stores_and_another_source_make_all_anew(copy):
    copy.edit("workflow/infoplane/datasets/shwartz_ziv_tishby.py")
    for store in ("weights/seeds-0-0.zarr.zip", "information/kde/seeds-0-0.zarr.zip"):
        copy.results("tiny/runs/relu", store).unlink()
    shutil.rmtree(copy.results("tiny/runs/tanh/figures"))
    found = jobs(copy.snakemake("--dry-run", "--quiet", "rules", *OPTIONS))
    made = {"prepare_dataset": 1, "train": 3, "estimate_information": 6}
    assert found == {**made, **DRAWN, "total": 15}


def test_added_seeds_leave_what_was_trained_as_it_was(copy, tiny, arrays_of):
    """Beside the plan: the new block is made, the figures show all five seeds."""
    store = copy.results("tiny/runs/tanh/weights/seeds-0-1.zarr.zip")
    before = store.stat().st_mtime_ns
    copy.configure(tiny, {"runs.tanh.seeds": 5})
    copy.snakemake("run_tanh", *OPTIONS)
    assert store.stat().st_mtime_ns == before
    figure = copy.results("tiny/runs/tanh/figures/information_plane-binned.csv")
    assert (pd.read_csv(figure).n_seeds == 5).all()
    made = arrays_of(copy.results("tiny/runs/tanh/information/binned/seeds-3-4.zarr.zip"))
    assert made["//seed"].tolist() == [3, 4]
