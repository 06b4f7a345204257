"""The examples in the docstrings of what a notebook calls, each run in a folder of results."""

import doctest
import warnings

import pytest
from tests.stored import store_information

import infoplane

CALLED = [*(name for name in infoplane._PLACES if name[0].islower()), "Recorder"]


@pytest.mark.parametrize("name", CALLED)
def test_what_a_docstring_shows_is_so(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seeds = range(10)
    store_information("results/default/runs/tanh/information/binned/seeds-0-9.zarr.zip", seeds)
    finder = doctest.DocTestFinder(recurse=False)
    [test] = finder.find(getattr(infoplane, name), name, globs={})
    assert len(test.examples) >= 3
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "".join(said)
