"""What is planned for an experiment: files, inputs, figures, targets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infoplane.figures import FIGURES
from infoplane.figures.figure import Figure
from infoplane.plan.plan import MOST_TARGETS
from infoplane.plan.stage import Standing

CONFIG = {
    "experiment": "mine",
    "datasets": {"szt": {"source": "szt"}},
    "estimators": {
        "bins": {"estimator": "binned", "sweep": {"n_bins": [5, 30]}},
        "kde": {"estimator": "kde"},
        "clusters": {"estimator": "clustering"},
    },
    "defaults": {
        "dataset": "szt",
        "network": {"hidden": [3]},
        "training": {"epochs": 7},
        "seeds": 3,
        "seeds_per_block": 2,
    },
    "runs": {
        "tanh": {
            "network": {"activation": "tanh"},
            "pools": {"late": {"lengths": [1, 2], "estimators": ["kde"]}},
        },
        "relu": {"network": {"activation": "relu"}, "estimators": ["kde"]},
    },
    "figures": {"comparisons": {"both": ["tanh", "relu"]}},
}
BLOCKS = ("seeds-0-1", "seeds-2-2")
KDE = {f"runs/{run}/information/kde/{block}" for run in ("tanh", "relu") for block in BLOCKS}


def names(plan, paths):
    """Paths below the experiment's folder, without the ending of stores."""
    return {
        path.removeprefix(f"{plan.files.home}/").removesuffix(".zarr.zip") for path in paths
    }


def kinds(plan, run):
    return [subject.name for subject in plan.drawings.of(run)]


def test_a_run_has_the_figures_of_what_measures_it(planned):
    plan = planned()
    of_relu = ["training_curves", "gradient_noise", "information_plane-kde"]
    assert kinds(plan, "relu") == [*of_relu, "information_curves-kde"]
    assert set(kinds(plan, "tanh")) == {
        *of_relu,
        "information_curves-kde",
        "clustering_curves-clusters",
        "sensitivity-bins",
        "window_length-late-kde",
        "binned_entropy-kde-clusters",
        "binned_entropy-bins-n_bins_5-clusters",
        "binned_entropy-bins-n_bins_30-clusters",
    }
    assert set(kinds(plan, None)) == {"both-kde", "pooled_planes-late-kde"}


def test_gradients_are_drawn_where_the_trainer_measures_them(planned):
    training = {"trainer": "gan", "generator": {"hidden": []}, "epochs": 3}
    plan = planned(runs__relu__training=training)
    assert "gradient_noise" in kinds(plan, "tanh")
    assert "gradient_noise" not in kinds(plan, "relu")


def test_critics_with_curves_are_drawn_beside_their_twin_that_starts_fresh(planned):
    critic = {"estimator": "mine", "curves": True}
    critics = {
        "fresh": critic,
        "carried": {**critic, "warm_start": True},
        "wide": {**critic, "warm_start": True, "width": 128},  # of another width: no twin
        "silent": {"estimator": "mine"},
    }
    plan = planned(estimators=critics, runs={"tanh": {}}, figures={})
    drawn = [name for name in kinds(plan, "tanh") if "convergence" in name]
    assert drawn == [
        "convergence_curves-carried-fresh",
        "convergence_curves-wide",
        "convergence_steps-carried-fresh",
    ]
    stores = names(plan, plan.drawings.stores("tanh", "figure-convergence_steps"))
    assert stores == {
        f"runs/tanh/information/{by}/{block}" for by in ("carried", "fresh") for block in BLOCKS
    }


def test_targets_ask_for_what_they_name_alone(planned):
    plan = planned()
    assert names(plan, plan.target_of_estimator("kde")) == {
        "runs/tanh/.drawn/estimator-kde",
        "runs/relu/.drawn/estimator-kde",
        ".drawn/estimator-kde",
    }
    made_of = names(plan, plan.drawings.stores("relu", "estimator-kde"))
    assert made_of == {name for name in KDE if "relu" in name}
    assert names(plan, plan.drawings.stores(None, "figure-comparison")) == KDE
    assert names(plan, plan.target_of_figure("sensitivity")) == {
        "runs/tanh/.drawn/figure-sensitivity"
    }
    swept = plan.drawings.stores("tanh", "estimator-bins")
    assert {name.split("/")[3] for name in names(plan, swept)} == {
        "bins-n_bins_5",
        "bins-n_bins_30",
    }
    assert not [store for store in plan.drawings.stores("tanh", "figure-training_curves")
                if "/information/" in store]  # fmt: skip


def test_factors_are_drawn_by_what_measures_all_their_runs(planned):
    levels = {
        "activation": {"runs": ["tanh", "relu"]},
        "estimator": {"run": "tanh", "estimators": ["kde", "bins"]},
    }
    plan = planned(figures={"factors": levels, "comparisons": {}})
    drawn = ["factor_planes-kde", "phases-kde", "pooled_planes-late-kde"]
    assert kinds(plan, None) == drawn
    subject = plan.drawings.of(None)[1]
    assert [level[1:] for level in subject.levels] == [
        ("tanh", "tanh", "kde"),
        ("relu", "relu", "kde"),
        ("kde", "tanh", "kde"),
        ("bins-n_bins_5", "tanh", "bins-n_bins_5"),
        ("bins-n_bins_30", "tanh", "bins-n_bins_30"),
    ]
    stores = names(plan, plan.drawings.stores(None, "figure-phases"))
    of_bins = {
        f"runs/tanh/information/bins-n_bins_{n}/{block}" for n in (5, 30) for block in BLOCKS
    }
    weights = {f"runs/{run}/weights/{block}" for run in ("tanh", "relu") for block in BLOCKS}
    assert stores == KDE | of_bins | weights
    renamed = {**levels, "activation": {**levels["activation"], "labels": ["a", "b"]}}
    other = planned(figures={"factors": renamed, "comparisons": {}})
    recipes = [one.drawings.recipe(one.drawings.of(None)[1]) for one in (plan, other)]
    assert recipes[0] != recipes[1]


def test_without_figures_of_runs_estimators_measure_and_comparisons_are_drawn(planned):
    plan = planned(figures={"per_run": False, "comparisons": {"both": ["tanh", "relu"]}})
    assert plan.all_drawn == [None]
    assert names(plan, plan.target_of_estimator("kde")) == {".drawn/estimator-kde", *KDE}


def test_of_many_runs_none_has_a_target_of_its_own(planned):
    runs = {f"run{i}": {"training": {"batch_size": i + 1}} for i in range(MOST_TARGETS + 1)}
    assert planned(runs=runs, figures={}).runs_with_target == []
    assert planned().runs_with_target == ["tanh", "relu"]


def test_an_unknown_run_is_named(planned):
    for function in (planned().dataset_of, lambda run: planned().figures.recipe(run=run)):
        with pytest.raises(ValueError, match="no run 'tnah'"):
            function("tnah")


def test_equal_runs_share_weights_and_nothing_else(planned):
    twin = {**CONFIG["runs"]["relu"], "seeds": 2}
    plan = planned(runs={**CONFIG["runs"], "twin": twin})
    assert plan.weights_of("twin") == plan.weights_of("relu")[:1]
    assert names(plan, plan.information_of("twin", "kde")) == {
        "runs/twin/information/kde/seeds-0-1"
    }


def test_parts_are_as_many_as_asked_for_unless_one_job_has_to_make_all(planned):
    parts = planned(defaults={**CONFIG["defaults"], "shards": 2})
    found = names(parts, parts.parts_of("relu", "kde", "seeds-0-1"))
    assert {name.rpartition(".")[2] for name in found} == {"part-1-of-2", "part-2-of-2"}
    assert planned().parts_of("relu", "kde", "seeds-0-1") == []
    adaptive = {"measure": {"epochs": {"schedule": "delta_approximate"}}, "shards": 2}
    whole = planned(runs={"relu": {**CONFIG["runs"]["relu"], **adaptive}}, figures={})
    assert whole.parts_of("relu", "kde", "seeds-0-1") == []


def test_figures_stand_when_all_their_files_do(planned):
    plan = planned()
    folder = Path(plan.files.figures("relu"))
    assert plan.figures.standing(run="relu") is Standing.ABSENT
    for note, (recipe, beside) in plan.drawings.notes("relu").items():
        Path(note).parent.mkdir(parents=True, exist_ok=True)
        Path(note).write_text(f'{{"recipe": "{recipe}"}}')
        for file in beside:
            Path(file).touch()
    assert planned().figures.standing(run="relu") is Standing.RIGHT
    assert planned().target_of_figure("training_curves")[0].endswith("figure-training_curves")
    (folder / "gradient_noise.csv").unlink()
    assert planned().figures.standing(run="relu") is Standing.OTHER


class Losses(Figure):
    """A kind of figure from outside the package."""

    of = "run"

    @classmethod
    def numbers(cls, metrics):
        return metrics

    @classmethod
    def draw(cls, metrics):
        return None

    @classmethod
    def sentences(cls, numbers):
        return ["Losses."]


def test_a_figure_is_one_class_and_one_line(planned, monkeypatch):
    monkeypatch.setitem(FIGURES.paths, "losses", f"{__name__}:Losses")
    assert "losses" in kinds(planned(), "relu")


@pytest.mark.parametrize("script", ["draw", "report"])
def test_jobs_that_draw_import_no_torch(script):
    library = Path(__file__).parents[2] / "workflow"
    code = f"""
import ast, sys
sys.path.insert(0, {str(library / "scripts")!r})
tree = ast.parse(open({str(library / "scripts" / f"{script}.py")!r}).read())
imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
exec(compile(ast.Module(imports, []), "imports", "exec"))
from infoplane.figures import FIGURES
[FIGURES[name] for name in FIGURES]
print("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=library, check=True
    )
    assert done.stdout.strip() == "False"


def test_wildcards_are_names_of_the_experiment(planned):
    wildcards = planned(runs={"relu": CONFIG["runs"]["relu"]}, figures={}).wildcards
    for name in ("bins-n_bins_5", "bins-n_bins_30", "kde", "clusters"):
        assert re.fullmatch(wildcards["estimator"], name)
    assert not re.fullmatch(wildcards["estimator"], "bins")
    assert wildcards["dataset"] == "szt" and wildcards["pool"] == "no_such_name"


@pytest.mark.parametrize(
    ("device", "trained", "compiled", "kde", "mine"),
    [("cpu", 0, 0, 0, 0), ("auto", 1, 0, 0, 1), ("cuda", 1, 1, 1, 1)],
)
def test_gpus_go_to_trainings_by_torch_and_to_estimators_that_train(
    planned, device, trained, compiled, kde, mine
):
    plan = planned(
        estimators__mine={"estimator": "mine"},
        defaults__training__device=device,
        defaults__measure={"device": device},
        runs__tanh__training={"kernel": "torch"},
    )
    assert plan.weights.gpus(run="relu", seeds=BLOCKS[0]) == compiled
    names = {"run": "tanh", "seeds": BLOCKS[0]}
    assert plan.weights.gpus(**names) == plan.activations.gpus(**names) == trained
    assert plan.information.gpus(**names, estimator="kde") == kde
    assert plan.parts.gpus(**names, estimator="mine", part="1-of-2") == mine


DEEP = [
    *[{"stage": "conv", "channels": 32, "kernel": 3, "padding": 1}] * 4,
    {"stage": "flatten"},
]
"""A pass of it computes 9,000 products for each number of a mean over positions."""


@pytest.mark.parametrize(
    ("stages", "reading", "chosen", "shared"),
    [
        (DEEP, "mean", "auto", True),
        (DEEP, "flatten", "auto", False),  # reading it back would take longer
        (DEEP, "mean", "never", False),
        (DEEP[-1:], "mean", "auto", False),
        (DEEP[-1:], "mean", "always", True),
    ],
)
def test_activations_are_shared_where_a_pass_is_dearer_than_reading_it(
    planned, stages, reading, chosen, shared
):
    plan = planned(
        datasets={"szt": {"source": "mnist", "flatten": False}},
        defaults__network={"family": "cnn", "stages": stages},
        defaults__measure={"reading": reading, "share_activations": chosen},
    )
    inputs = plan.activations_of("tanh", BLOCKS[0])
    assert inputs == [plan.files.activations("tanh", BLOCKS[0])] * shared
