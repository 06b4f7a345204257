"""What jobs need grows with what they do."""

import zipfile

import pytest

from infoplane.costs import IMPORT_SECONDS
from infoplane.datasets import SOURCES
from infoplane.datasets.prepare import prepare
from infoplane.datasets.source import Shape
from infoplane.figures.subject import Subject
from infoplane.stores.datasets import write_data

ESTIMATORS = ["binned", "kde", "ksg", "mine"]


def bigger(cost, other) -> bool:
    """Whether neither memory nor time is smaller, and one is larger."""
    return cost.mb >= other.mb and cost.seconds >= other.seconds and cost != other


CHANGES = [
    {"network__hidden": [100, 5]},
    {"network__hidden": [10, 5, 5]},
    {"training__epochs": 1000},
    {"network__noise": {"sigma": 0.1}},
    {"network__quantisation": {"bits": 4}},
]


@pytest.mark.parametrize("change", [*CHANGES, {"training__prefit": {"epochs": 50}}], ids=str)
def test_training_needs_more_for_more(planned, change):
    less, more = (p.training("run", "seeds-0-9") for p in (planned(), planned(**change)))
    assert bigger(more, less)


def test_training_needs_more_for_more_seeds_and_inputs(planned):
    few = planned().training("run", "seeds-0-1")
    assert bigger(planned().training("run", "seeds-0-9"), few)
    mnist = planned()
    mnist.known._prepared = lambda dataset: Shape(70_000, (12,), {"y": 2}, 60_000)
    assert bigger(mnist.training("run", "seeds-0-1"), few)


def test_compiled_training_is_expected_to_take_a_fraction_of_torchs(planned):
    compiled = planned().training("run", "seeds-0-9")
    by_torch = planned(training__kernel="torch").training("run", "seeds-0-9")
    own = compiled.seconds - IMPORT_SECONDS, by_torch.seconds - IMPORT_SECONDS
    assert 5 * own[0] < own[1] and compiled.mb <= by_torch.mb
    wide = (
        planned(network__hidden=[300]),
        planned(network__hidden=[300], training__kernel="torch"),
    )
    assert wide[0].training("run", "seeds-0-9") == wide[1].training("run", "seeds-0-9")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimating_needs_more_for_more(planned, estimator):
    def cost(seeds="seeds-0-9", n_parts=1, **changes):
        return planned(**changes).estimation("run", estimator, seeds, n_parts)

    assert bigger(cost(), cost("seeds-0-1"))
    assert bigger(cost(), cost(n_parts=5))
    assert bigger(cost(training__epochs=1000), cost())
    assert bigger(cost(network__hidden=[100, 5]), cost())
    assert bigger(cost(), cost(measure__subset=1000))


def test_draws_and_held_activations_cost(planned):
    noisy = {"network__noise": {"sigma": 0.1}}
    once = planned(**noisy).estimation("run", "kde", "seeds-0-9")
    often = planned(**noisy, measure__draws=20).estimation("run", "kde", "seeds-0-9")
    assert bigger(often, once)
    block = planned(memory_mb=50).estimation("run", "binned", "seeds-0-9")
    assert block.mb > planned(memory_mb=10).estimation("run", "binned", "seeds-0-9").mb


def test_on_a_cpu_a_job_asks_for_the_memory_of_one_block(planned):
    """Of 1,010 networks of 4,096 inputs with layers of 10, 5 and 2 units."""
    asked = [
        planned(memory_mb=mb, measure__device="cpu").estimation("run", "binned", "seeds-0-9")
        for mb in (100, 4000)
    ]
    assert asked[0] == asked[1]


def test_a_survey_is_held_where_the_bound_has_room_for_it(planned):
    def costs(memory_mb):
        plan = planned(memory_mb=memory_mb)
        return [plan.estimation("run", name, "seeds-0-9") for name in ("binned", "surveyed")]

    plain, held = costs(4000)
    assert held.mb - plain.mb == pytest.approx(1010 * 4096 * (10 + 5 + 2) * 4 / 1e6)
    assert held.seconds == plain.seconds
    plain, twice = costs(300)
    assert twice.mb == plain.mb and twice.seconds > plain.seconds


def test_adaptive_schedules_are_taken_to_measure_every_kept_epoch(planned):
    adaptive = planned(measure__epochs={"schedule": "delta_exact", "delta": 0.05})
    every = planned(measure__epochs={"schedule": "all"})
    found, expected = (p.estimation("run", "kde", "seeds-0-9") for p in (adaptive, every))
    assert found.seconds == expected.seconds


def test_threads_save_time_and_no_memory(planned):
    one, four = planned(), planned(threads=4)
    for job in ("training", "activations"):
        alone = getattr(one, job)("run", "seeds-0-9")
        shared = getattr(four, job)("run", "seeds-0-9")
        assert shared.seconds < alone.seconds
        assert shared.mb == alone.mb


def test_pools_cost_by_their_longest_window(planned):
    short = planned().pool("run", "pool", "kde")
    pools = {"pool": {"lengths": [2, 50], "estimators": ["kde"]}}
    assert bigger(planned(pools=pools, memory_mb=4096).pool("run", "pool", "kde"), short)


def test_figures_and_reports_need_more_for_more_estimates(planned):
    few, many = planned(), planned(seeds=1000)
    shown = [Subject("information_plane", "information_plane-kde", "kde", ("run",), ("kde",))]
    assert bigger(many.drawing(shown), few.drawing(shown))
    assert bigger(many.report(), few.report())


def test_a_prepared_data_set_is_looked_at_and_another_is_asked_its_settings(planned, tmp_path):
    assert planned().known.shape("szt") == Shape(4096, (12,), {"y": 2}, 3277)
    settings = SOURCES["szt"].Settings(source="szt", size=100)
    write_data(prepare(settings), tmp_path / "datasets" / "szt.zarr.zip")
    assert planned().known.shape("szt") == Shape(100, (12,), {"y": 2}, 80)


def test_a_part_is_asked_its_share_of_the_epochs_unless_a_schedule_chooses_them(planned):
    run = planned().runs["run"]
    assert (run.n_measured_by_each_of(1), run.n_measured_by_each_of(4)) == (101, 26)
    adaptive = planned(measure__epochs={"schedule": "delta_exact"}).runs["run"]
    assert adaptive.n_measured_by_each_of(4) == 101


@pytest.mark.parametrize("text", ["", '{"shape": [1', "[]", "{}", "\x00"])
def test_a_damaged_data_set_is_planned_for_by_its_settings(planned, text):
    """The job that reads it says that it is damaged."""
    whole, plan = planned().training("run", "seeds-0-9"), planned()
    store = plan.known.home / "datasets/szt.zarr.zip"
    store.parent.mkdir(parents=True)
    with zipfile.ZipFile(store, "w") as archive:
        archive.writestr("zarr.json", text)
    assert plan.training("run", "seeds-0-9") == whole
