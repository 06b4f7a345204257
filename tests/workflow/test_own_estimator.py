"""An estimator of the user's own: the file in docs/own.md, named in a configuration."""

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


REPOSITORY = Path(__file__).parents[2]


def blocks(language):
    text = (REPOSITORY / "docs" / "own.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def source():
    """The estimator of the docs."""
    (found,) = [block for block in blocks("python") if "def between(" in block]
    return found


def test_the_docs_show_it_in_twenty_lines(source):
    assert len([line for line in source.splitlines() if line.strip()]) <= 20


def test_one_file_and_one_line_of_configuration_are_enough(copy, tiny, source, pool, arrays_of):
    (copy.root / "gaussian.py").write_text(source)
    entry = {"estimator": "gaussian:Gaussian", "ridge": 1e-3}
    config = copy.configure(tiny, {"estimators.mine": entry})
    said = copy.snakemake("estimator_mine", "--configfile", config)
    assert "2 of" in said or "100%" in said
    arrays = arrays_of(copy.results("tiny/runs/tanh/information/mine/seeds-0-1.zarr.zip"))
    (ity,) = [values for name, values in arrays.items() if name.endswith("/ity")]
    assert ((ity > -0.1) & (ity < 5)).all()  # no cut at 0: the layers are not Gaussian
    assert copy.results("tiny/runs/tanh/figures/information_plane-mine.png").exists()

    edited = copy.copy(copy.root.with_name("edited"))
    edited.edit("gaussian.py")
    again = pool.submit(edited.plan, "--configfile", config)
    copy.configure(tiny, {"estimators.mine": {**entry, "rigde": 1}}, "wrong.yaml")
    refused = copy.snakemake("-n", "--configfile", "wrong.yaml", fails=True)
    assert "estimators.mine.rigde: is not a key here" in refused
    assert "tiny/runs/tanh/information/mine/seeds-0-1.zarr.zip" in again.result()
    assert not [path for path in again.result() if "kde" in path or "weights" in path]
