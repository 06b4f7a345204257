import csv
import re
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"


def test_a_job_collects_garbage_again_once_modules_are_imported(tmp_path):
    body = """
import gc
from types import SimpleNamespace

from job import job

assert not gc.isenabled()
with job(SimpleNamespace(rule="draw", wildcards=[], log=["job.log"])):
    assert gc.isenabled() and gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] > 10_000
"""
    own = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, env=own, check=True)


def test_a_job_reads_no_descriptions_of_settings(tmp_path):
    body = """
import job
from infoplane.estimators.binned import BinnedSettings

fields = BinnedSettings.model_fields
assert len(fields) > 5 and not any(field.description for field in fields.values())
"""
    own = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, env=own, check=True)


def test_a_job_says_what_it_took(tmp_path):
    body = """
import time
from types import SimpleNamespace

from job import job

with job(SimpleNamespace(rule="draw", wildcards=[], log=["logs/tiny/draw.log"])):
    held = bytearray(200 * 2**20)
    while time.process_time() < 0.5:
        pass
    time.sleep(0.5)
"""
    tmp_path.joinpath("logs/tiny").mkdir(parents=True)
    own = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, env=own, check=True)
    with tmp_path.joinpath("benchmarks/tiny/draw.tsv").open(encoding="utf-8") as text:
        (row,) = csv.DictReader(text, delimiter="\t")
    assert 0.5 <= float(row["cpu_time"]) < float(row["s"]) - 0.4
    assert re.fullmatch(r"0:0\d:\d\d", row["h:m:s"])
    assert 200 < float(row["max_rss"]) < 300


def test_a_job_ends_after_its_threads_and_what_is_registered_for_the_end(tmp_path):
    body = """
import atexit
import sys
import threading
import time
from types import SimpleNamespace

from job import job

atexit.register(print, "registered")
with job(SimpleNamespace(rule="draw", wildcards=[], log=["job.log"])):
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    sys.stdout.write("body ")
raise RuntimeError("the process has ended")
"""
    own = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", body], cwd=tmp_path, env=own, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["body", "thread", "registered"]


def test_a_failed_job_says_why_and_ends_with_an_error(tmp_path):
    body = """
from types import SimpleNamespace

from job import job

with job(SimpleNamespace(rule="draw", wildcards=["tanh"], log=["job.log"])):
    raise ValueError("no such run")
"""
    own = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", body], cwd=tmp_path, env=own, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.strip().endswith("draw tanh: no such run")
    assert "ValueError: no such run" in (tmp_path / "job.log").read_text(encoding="utf-8")
