"""Planning without torch: what stands for a module until it is used, and who keeps to it."""

import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "workflow"


def python(code, *words):
    """What a fresh Python says, which has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=LIBRARY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_module_is_imported_once_it_is_used(tmp_path):
    code = """
import sys
from infoplane.deferred import defer
defer("fractions")
import fractions
print("decimal" in sys.modules, hasattr(fractions, "__file__"))
half = fractions.Fraction(1, 2)
print("decimal" in sys.modules, half, sys.modules["fractions"].Fraction is type(half))
"""
    assert python(code).splitlines() == ["False False", "True 1/2 True"]


@pytest.mark.parametrize(
    "use", ["from json import loads", "import json.decoder", "from json.decoder import scanner"]
)
def test_every_way_to_import_from_it_works(use):
    code = f"""
from infoplane.deferred import defer
defer("json")
{use}
import json
print(json.loads("[1]"), json.decoder.JSONDecoder.__name__)
"""
    assert python(code) == "[1] JSONDecoder"


def test_what_is_there_or_does_not_exist_is_left_alone():
    code = """
import sys, json
from infoplane.deferred import defer
defer("json")
defer("no_such_module")
print(type(sys.modules["json"]).__name__, "no_such_module" in sys.modules)
"""
    assert python(code) == "module False"


def test_absent_attribute_is_named_by_the_module_itself():
    code = """
from infoplane.deferred import defer
defer("json")
import json
try:
    json.no_such_name
except AttributeError as error:
    print(error)
"""
    assert python(code) == "module 'json' has no attribute 'no_such_name'"


def test_class_taken_from_a_deferred_module_is_imported_once_it_is_called():
    code = """
import sys
from infoplane.deferred import defer
defer("xml", "dom.minidom")
from xml.dom.minidom import Document, Node
print("xml.dom.domreg" in sys.modules)
document = Document()
print(isinstance(document, Node), document.createElement("a").toxml(), Node.TEXT_NODE)
class Own(Document): pass
import xml.dom.minidom
print(Own.__bases__ == (xml.dom.minidom.Document,), "xml.dom.domreg" in sys.modules)
"""
    assert python(code).splitlines() == ["False", "True <a/> 3", "True True"]


def test_plan_of_every_method_needs_neither_torch_nor_matplotlib_nor_zarr():
    """A module that fails here uses the package at its top level, or in an annotation without
    `from __future__ import annotations`; or takes from a part of the package that
    `infoplane.deferred` does not list."""
    code = """
import sys
from infoplane.deferred import Deferred, defer_for_a_plan
defer_for_a_plan()
import infoplane.config, infoplane.plan.costs, infoplane.measurement.measure
from infoplane.datasets import SOURCES
from infoplane.figures import FIGURES
from infoplane.estimators import ESTIMATORS
from infoplane.networks import FAMILIES
from infoplane.training import TRAINERS
for table in (SOURCES, FAMILIES, TRAINERS, ESTIMATORS, FIGURES):
    for name in table:
        table[name]
        for package in ("torch", "matplotlib", "xarray", "zarr"):
            assert isinstance(sys.modules[package], Deferred), name
print(sum(map(len, (SOURCES, FAMILIES, TRAINERS, ESTIMATORS))) > 20)
"""
    assert python(code) == "True"
