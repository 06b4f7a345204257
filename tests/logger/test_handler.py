"""The logger plugin by the events that Snakemake tells, on a terminal and in a pipe."""

import io
import logging
import os
import time

import pytest
from snakemake.logging import DefaultFormatter
from snakemake.settings.types import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase

import snakemake_logger_plugin_infoplane as plugin
from infoplane.progress import NO_BARS


class Terminal(io.StringIO):
    def isatty(self):
        return True


def settings(**changed):
    found = MockOutputSettings()
    found.nocolor, found.printshellcmds = True, False
    vars(found).update(changed)
    return found


class TestInterface(TestLogHandlerBase):
    """What the interface asks of any plugin."""

    __test__ = True

    def get_log_handler_cls(self):
        return plugin.LogHandler

    def get_log_handler_settings(self):
        return None

    def _create_handler(self):
        handler = super()._create_handler()
        handler.setFormatter(DefaultFormatter(show_failed_logs=True))
        return handler


@pytest.fixture
def handler_on(monkeypatch):
    """A handler that writes to a stream; its events are told by `tell`."""
    made = []

    def handler(stream, **changed):
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("LINES", "20")
        made.append(plugin.LogHandler(settings(**changed), None))
        made[-1].setFormatter(DefaultFormatter(show_failed_logs=True))
        return made[-1]

    monkeypatch.delenv(NO_BARS, raising=False)
    yield handler
    for each in made:
        each.close()


def tell(handler, event=None, msg="", level=logging.INFO, **extra):
    record = logging.LogRecord("snakemake", level, "", 1, msg, (), None)
    vars(record).update(extra | ({"event": event} if event else {}))
    handler.handle(record)


def start(handler, number, log):
    tell(handler, LogEvent.JOB_STARTED, "Execute 1 jobs...", jobs=[number])
    about = {"rule_msg": f"train {number}", "rule_name": "train", "wildcards": {}}
    tell(handler, LogEvent.JOB_INFO, "Rule: train", jobid=number, log=[str(log)], **about)


def finish(handler, number, done, total):
    tell(handler, LogEvent.JOB_FINISHED, f"Finished jobid: {number}", job_id=number)
    tell(handler, LogEvent.PROGRESS, done=done, total=total)


def fail(handler, number, log):
    fields = {
        "rule_name": "train",
        "rule_msg": None,
        "jobid": number,
        "input": [],
        "output": ["weights.zarr.zip"],
        "log": [str(log)],
        "conda_env": None,
        "aux": {"external_jobid": "17"},
        "shellcmd": None,
    }
    tell(handler, LogEvent.JOB_ERROR, None, logging.ERROR, **fields)


def test_in_a_pipe_a_job_that_ends_is_a_line(handler_on, tmp_path):
    stream = io.StringIO()
    handler = handler_on(stream)
    tell(handler, LogEvent.RUN_INFO, "Job stats", stats={"train": 3, "total": 3})
    for number in (1, 2):
        start(handler, number, tmp_path / "none.log")
    finish(handler, 1, 1, 3)
    stats, line = stream.getvalue().splitlines()
    assert stats == "Job stats"
    assert "done: train 1 (00:00); 1 of 3 jobs done, 1 running, 1 left, about 00:00" in line
    assert "\033" not in stream.getvalue()


def test_on_a_terminal_running_jobs_stand_below_by_their_logs(handler_on, tmp_path):
    stream, log = Terminal(), tmp_path / "train.log"
    handler = handler_on(stream)
    log.write_text("2026-01-01 00:00:00 INFO train: epoch 120 of 3000, 01:20 left\n")
    tell(handler, LogEvent.RUN_INFO, "Job stats", stats={"train": 3, "total": 3})
    start(handler, 1, log)
    start(handler, 2, log)
    finish(handler, 1, 1, 3)
    *_, above, far, job = stream.getvalue().split("\n")
    assert "done: train 1 (00:00)" in stream.getvalue()
    assert above == ""  # the cursor's line, for what a job writes itself
    assert far == "1 of 3 jobs done, 1 running, 1 left, about 00:00 left"
    assert job == "  train 2 (00:00)\033[2A\r"  # the log is of another start of the job
    log.write_text("2026-01-01 00:00:00 INFO train: epoch 120 of 3000, 01:20 left\n")
    os.utime(log, (time.time() + 60, time.time() + 60))
    tell(handler, msg="something")
    assert stream.getvalue().endswith("epoch 120 of 3000, 01:20 left\033[2A\r")


def test_the_lines_below_are_redrawn_and_taken_away(handler_on, tmp_path, monkeypatch):
    monkeypatch.setattr(plugin, "REFRESH_SECONDS", 0.01)
    stream = Terminal()
    handler = handler_on(stream)
    tell(handler, LogEvent.RUN_INFO, "Job stats", stats={"train": 1, "total": 1})
    tell(handler, msg="something")
    before = stream.getvalue().count("0 of 1 jobs done")
    for _ in range(1000):
        if stream.getvalue().count("0 of 1 jobs done") > before:
            break
        handler.closed.wait(0.01)
    else:
        raise AssertionError("not redrawn")
    handler.close()
    assert stream.getvalue().endswith("\r\033[J")


def report_job(handler):
    about = {"rule_msg": "write report.html", "rule_name": "report", "wildcards": {}}
    tell(handler, LogEvent.JOB_INFO, "Rule: report", jobid=1, log=[], **about)
    finish(handler, 1, 1, 1)


def nothing_to_do(handler):
    tell(handler, msg="Nothing to be done (all requested files are present and up to date).")


@pytest.mark.parametrize(
    ("run", "settings", "said"),
    [
        (report_job, {}, True),
        (nothing_to_do, {}, True),
        (lambda handler: None, {}, False),
        (nothing_to_do, {"dryrun": True}, False),
        (nothing_to_do, {"quiet": {Quietness.PROGRESS}}, False),
    ],
)
def test_a_call_ends_with_its_report_and_what_is_in_it(
    handler_on, tmp_path, monkeypatch, run, settings, said
):
    report = tmp_path / "report.html"
    report.touch()
    monkeypatch.setenv(plugin.REPORT, str(report))
    stream = io.StringIO()
    handler = handler_on(stream, **settings)
    run(handler)
    tell(handler, msg="Elapsed time: 0:00:01")
    handler.close()
    last = stream.getvalue().splitlines()[-1:]
    assert (last == [plugin.REPORT_SAYS.format(path=report)]) == said
    handler.close()
    assert stream.getvalue().count(str(report)) == said


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_failures_and_failed_logs_are_snakemakes_own_words(handler_on, tmp_path, stream):
    stream, log = stream(), tmp_path / "train.log"
    handler = handler_on(stream)
    log.write_text("the disk is full\n")
    tell(handler, LogEvent.RUN_INFO, "Job stats", stats={"train": 1, "total": 1})
    start(handler, 1, log)
    status = "SLURM-job '17' failed, SLURM status is: 'OUT_OF_MEMORY'"
    tell(handler, msg=status, level=logging.ERROR)
    fail(handler, 1, log)
    said = stream.getvalue()
    assert status in said
    assert "Error in rule train:" in said and "external_jobid: 17" in said
    assert "the disk is full" in said
    assert not handler.jobs.running


def test_a_dry_run_is_snakemakes_own(handler_on, tmp_path, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    handler = handler_on(io.StringIO(), dryrun=True, stdout=True)
    tell(handler, LogEvent.RUN_INFO, "Job stats", stats={"train": 1, "total": 1})
    about = {"local": False, "reason": "Missing", "rule_name": "train", "wildcards": {}}
    tell(handler, LogEvent.JOB_INFO, jobid=1, log=[], rule_msg="train 1", **about)
    assert "Job 1: train 1\nReason: Missing" in stream.getvalue()


def test_only_a_live_terminal_takes_the_bars_of_jobs_away(handler_on, monkeypatch):
    handler_on(io.StringIO())
    handler_on(Terminal(), dryrun=True)
    assert NO_BARS not in os.environ
    handler_on(Terminal())
    assert NO_BARS in os.environ


def test_snakemake_finds_the_plugin():
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    assert LoggerPluginRegistry().get_plugin("infoplane").log_handler is plugin.LogHandler
