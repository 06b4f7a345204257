"""What a call holds at most, measured, against what its job asks for and its settings allow."""

import subprocess
import sys

import pytest
from tests.costs.peaks import FEATURES, SMALL_MB, calls

from infoplane.estimators import ESTIMATORS

COPIES = 4
"""Copies in float64 of the samples, with their centres and inputs."""
ALLOCATOR_MB = 8
"""Of freed memory that the process keeps."""


@pytest.mark.slow
def test_no_call_holds_more_than_its_estimator_says():
    asked = [sys.executable, "-m", "tests.costs.peaks"]
    done = subprocess.run(asked, capture_output=True, text=True)
    measured = [line.split() for line in done.stdout.splitlines()]
    assert len(measured) == len([*calls()]), done.stderr
    over = []
    for name, *sizes, mb in measured:
        n, d, memory_mb = map(int, sizes)
        said = ESTIMATORS[name]().cost(n, d, FEATURES).mb
        if memory_mb == SMALL_MB:
            said = SMALL_MB + COPIES * 8 * n * (2 * d + FEATURES) / 1e6 + ALLOCATOR_MB
        if float(mb) > said:
            over.append(f"{name}, {n} × {d}, memory_mb {memory_mb}: {mb} MB of {said:.0f}")
    assert not over
