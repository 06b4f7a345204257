"""The shortened form of `python tests/faults`: some of every fault; all of it has to hold."""

from pathlib import Path

import pytest
from tests.faults import cached, damages, disk, kills, twice
from tests.faults.experiment import Jobs, undisturbed
from tests.faults.table import Outcome, table

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds jobs in /proc"),
]
SEED = 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return undisturbed(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def jobs(whole):
    return Jobs(whole)


def hold(outcomes):
    outcomes = list(outcomes)
    assert outcomes
    assert all(outcome.holds for outcome in outcomes), table(outcomes)


def test_damaged_stores_are_named_or_as_good_as_whole(whole, tmp_path):
    hold(damages.opened(whole, tmp_path, 4, SEED))


def test_damaged_journals_end_in_the_same_bits(whole, jobs, tmp_path):
    hold(damages.of_journals(whole, jobs, tmp_path / "project", 6, SEED))


def test_damage_stops_the_workflow_and_the_remedy_helps(whole, tmp_path):
    hold(damages.through(whole, tmp_path / "project", 3, SEED))


def test_killed_jobs_leave_nothing_wrong(whole, jobs, tmp_path):
    hold(kills.of_jobs(whole, jobs, tmp_path / "project", 2, SEED))


def test_killed_snakemakes_leave_nothing_wrong(whole, tmp_path):
    hold(kills.under_snakemake(whole, tmp_path / "project", 1, SEED))


def test_two_writers_end_in_the_same_bits(whole, jobs, tmp_path):
    hold(twice.jobs_at_once(whole, jobs, tmp_path / "project", 5, SEED))


def test_what_the_cache_keeps_is_whole_or_made_anew(whole, jobs, tmp_path):
    hold(cached.of_entries(whole, jobs, tmp_path / "project", 3, SEED))


def test_full_and_read_only_disks_are_named(whole, jobs, tmp_path):
    if not disk.mountable(tmp_path):
        pytest.skip("nothing can be mounted here")
    hold(disk.refused(whole, jobs, tmp_path / "project"))
    hold(disk.full(whole, jobs, tmp_path / "project", 5, SEED))


def test_a_table_shows_what_does_not_hold():
    good = Outcome("deleted", "weights", "c/0", "an error", True)
    bad = Outcome("deleted", "weights", "c/1", "WRONG", False)
    said = table([good, good, bad])
    assert "deleted  weights  2" in said.replace("   ", "  ") and "2 of 3 hold" in said
    assert "NOT HELD: deleted, weights, c/1: WRONG" in said
