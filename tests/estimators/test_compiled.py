"""Code that numba has just compiled and code from its cache give the same results, bit by bit.

Otherwise the first job in a fresh clone would differ from all later jobs.
"""

import os
import subprocess
import sys

import pytest

BITS = """
import numpy as np, torch
import infoplane
from infoplane.threads import use_threads

use_threads(1)
t = np.tanh(np.random.default_rng(0).normal(size=(2048, 5)))
y = np.random.default_rng(1).integers(0, 2, 2048)
noisy = t + 0.05 * np.random.default_rng(2).normal(size=t.shape)
for d in (2, 5):
    for name, options in (
        ("kde", {"noise_variance": 1e-3}),
        ("ksg", {"x": t}),
        ("sp", {"centres": t[:, :d], "sigma": 0.05}),
    ):
        found = infoplane.estimate(torch.from_numpy(noisy[:, :d]), y, estimator=name, **options)
        print(name, d, *(float(value).hex() for value in (found.ixt.value, found.ity.value)))
"""


@pytest.mark.slow
def test_compiled_and_cached_code_agree_bit_by_bit(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def bits():
        command = [sys.executable, "-c", BITS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    compiled = bits()
    assert list(tmp_path.rglob("*.nbc"))
    assert len(compiled) == 6
    assert bits() == compiled
