"""How much memory a call takes, in a process of its own.

In a process that has run other tests, memory that these left may be freed or used again during
the call, and hide what it takes.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

STATUS = Path("/proc/self/status")


def resident(which: str) -> int:
    """Bytes of resident memory: VmRSS now, VmHWM at most since it was reset."""
    return 1024 * int(STATUS.read_text().split(f"{which}:")[1].split()[0])


def growth(call: Callable[[], object]) -> int:
    """Bytes by which the process grows at most, during the call."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of this call alone
    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


def of_new_process(function: Callable[[], int]) -> int:
    """What a function of a module returns in a new process."""
    module, name = function.__module__, function.__name__
    code = f"from {module} import {name}; print({name}())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)
