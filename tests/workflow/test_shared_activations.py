"""Activations that estimators share: the same information, and nothing left on disk."""

import numpy as np
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_shared_activations_give_the_same_information_and_are_removed(
    copy, finished, tiny, arrays_of
):
    copy.configure(tiny, {"defaults.measure.share_activations": "always"})
    stores = [f"tiny/runs/tanh/information/{by}/seeds-0-1.zarr.zip" for by in ("binned", "kde")]
    targets = [f"results/{store}" for store in stores]
    copy.snakemake(*targets, "--configfile", "experiment.yaml")
    log = copy.log("tiny/regenerate_activations/tanh/seeds-0-1.log")
    assert "ERROR" not in log  # it ran: the log is of its job
    assert not copy.results("tiny/runs/tanh/activations/seeds-0-1.zarr.zip").exists()
    for store in stores:
        found, alone = (arrays_of(project.results(store)) for project in (copy, finished))
        for name in ("//ixt", "//ity"):
            np.testing.assert_allclose(found[name], alone[name], rtol=0, atol=1e-6)
