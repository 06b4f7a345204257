"""Jobs that are counted, and the time that is left of them, on a clock of the test's own."""

import pytest

from snakemake_logger_plugin_infoplane.jobs import Job, Jobs


def job(rule, started):
    return Job(rule, f"about {rule}", (), started)


@pytest.fixture
def jobs():
    """Four jobs of 10 s and two of 100 s to do."""
    jobs = Jobs()
    jobs.plan({"draw": 4, "train": 2, "total": 6})
    return jobs


def test_nothing_is_said_before_a_job_has_ended(jobs):
    jobs.start(1, job("draw", 0))
    assert jobs.total == 6 and jobs.left(5) is None


def test_what_is_left_takes_as_long_by_rule_as_what_has_ended(jobs):
    jobs.start(1, job("draw", 0))
    assert jobs.finish(1, 10) == (job("draw", 0), 10)
    assert jobs.left(10) == (30, False)  # nothing is known of training: at least
    jobs.start(2, job("train", 10))
    jobs.finish(2, 110)
    assert jobs.left(110) == (130, True)
    jobs.start(3, job("train", 110))
    assert jobs.left(150) == (90, True)  # 60 of it, and three drawings
    assert jobs.left(230) == (30, True)  # it takes longer than the first: not less than none


def test_jobs_side_by_side_share_what_is_left(jobs):
    for number in (1, 2):
        jobs.start(number, job("draw", 0))
        jobs.finish(number, 10)
    assert jobs.left(10) == (10, False)


def test_a_job_that_failed_and_is_started_again_counts_once(jobs):
    jobs.start(1, job("draw", 0))
    jobs.fail(1)
    assert not jobs.running
    jobs.start(1, job("draw", 20))
    assert jobs.finish(1, 30)[1] == 10
    assert jobs.finish(7, 30) is None  # of which nobody has told
    assert jobs.ended.total() == 1
