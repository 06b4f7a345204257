"""What a call holds at most, measured, against what its job asks for and its settings allow."""

import subprocess
import sys

import pytest
from tests.costs.peaks import FEATURES, SMALL_MB, calls

from infoplane.costs import MEMORY_FACTOR
from infoplane.estimators import ESTIMATORS

COPIES = 4
"""Copies in float64 of the samples, with their centres and inputs."""
ALLOCATOR_MB = 32
"""Of freed memory that the process keeps, in pages of 2 MB: some 8 alone on a machine, and 24
beside three other tests."""


@pytest.mark.slow
def test_no_call_holds_more_than_its_job_asks_for():
    """Huge pages make some megabytes of chance: who is over is measured once more."""
    over = too_large(*ESTIMATORS)
    again = too_large(*{call[0] for call in over}) if over else {}
    assert not {call: over[call] for call in over.keys() & again.keys()}


@pytest.mark.slow
def test_maps_are_measured_without_a_copy():
    """Of 96 MB, with a bound of 20 and what is loaded at the first call."""
    asked = [
        sys.executable,
        "-m",
        "tests.costs.peaks",
        "--map",
        "binned",
        "kde",
        "edge",
        "sliced",
    ]
    done = subprocess.run(asked, capture_output=True, text=True)
    held = {name: float(mb) for name, mb in map(str.split, done.stdout.splitlines())}
    assert len(held) == 4, done.stderr
    assert max(held.values()) < SMALL_MB + 1.5 * ALLOCATOR_MB, held


def too_large(*names: str) -> dict[tuple[str, int, int, int], str]:
    """The calls of these estimators that hold more than they may, and how much."""
    asked = [sys.executable, "-m", "tests.costs.peaks", *names]
    done = subprocess.run(asked, capture_output=True, text=True)
    measured = [line.split() for line in done.stdout.splitlines()]
    assert len(measured) == len([*calls(names)]), done.stderr
    over = {}
    for name, *sizes, mb in measured:
        n, d, memory_mb = call = [*map(int, sizes)]
        may = MEMORY_FACTOR * ESTIMATORS[name]().cost(n, d, FEATURES).mb + ALLOCATOR_MB
        if memory_mb == SMALL_MB:
            may = SMALL_MB + COPIES * 8 * n * (2 * d + FEATURES) / 1e6 + ALLOCATOR_MB
        if float(mb) > may:
            over[name, *call] = f"{mb} MB of {may:.0f}"
    return over
