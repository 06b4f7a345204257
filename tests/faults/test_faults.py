"""The shortened form of `python tests/faults`: some of every fault; all of it has to hold.

In a process of its own, for it forks, and the one that runs all tests has threads by then.
"""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds jobs in /proc")
def test_some_of_every_fault_hold():
    few = ("--kills", "3", "--job-kills", "1", "--damages", "5", "--seed", "1")
    done = subprocess.run(
        [sys.executable, HERE, *few],
        cwd=HERE.parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2400,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "NOT HELD" not in done.stdout
