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
"""
    own = {"PYTHONPATH": str(SCRIPTS), "PATH": ""}
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, env=own, check=True)
