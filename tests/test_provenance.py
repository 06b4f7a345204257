"""Digests of sources: what an edit touches, and what it does not."""

import ast
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from infoplane import provenance


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library that tests may edit."""
    copy = tmp_path / "infoplane"
    shutil.copytree(provenance.LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "LIBRARY", copy)
    return copy


def edit(file: Path, text: str = "edited = True"):
    file.write_text(f"{file.read_text()}\n{text}\n")


KDE = ("infoplane.measurement.measure", "infoplane.estimators.kde")
BINNED = ("infoplane.measurement.measure", "infoplane.estimators.binned")


def test_editing_an_estimator_changes_its_digest_alone(library):
    kde, binned = provenance.source_digest(*KDE), provenance.source_digest(*BINNED)
    edit(library / "estimators" / "kde.py")
    assert provenance.source_digest(*KDE) != kde
    assert provenance.source_digest(*BINNED) == binned


def test_editing_what_both_import_changes_both(library):
    kde, binned = provenance.source_digest(*KDE), provenance.source_digest(*BINNED)
    edit(library / "samples.py")
    assert provenance.source_digest(*KDE) != kde
    assert provenance.source_digest(*BINNED) != binned


@pytest.mark.parametrize("file", ["intervals.py", "turns.py", "curves.py", "layers.py"])
def test_editing_the_statistics_of_phases_changes_the_figures_that_show_them(library, file):
    figures = [
        f"infoplane.figures.{name}" for name in ("phases", "factor_planes", "comparison")
    ]
    before = [provenance.source_digest(figure) for figure in figures]
    edit(library / "phases" / file)
    after = [provenance.source_digest(figure) for figure in figures]
    assert [x != y for x, y in zip(before, after, strict=True)] == [True, True, False]


def test_a_transitive_import_counts(library):
    (library / "first.py").write_text("from infoplane.second import value\n")
    (library / "second.py").write_text("import infoplane.third\nvalue = 1\n")
    (library / "third.py").write_text("")
    before = provenance.source_digest("infoplane.first")
    edit(library / "third.py")
    assert provenance.source_digest("infoplane.first") != before


@pytest.mark.parametrize(
    "file", ["estimators/__init__.py", "figures/plane.py", "progress.py", "training/loop.py"]
)
def test_tables_and_unrelated_modules_do_not_count(library, file):
    before = provenance.source_digest(*BINNED)
    edit(library / file)
    assert provenance.source_digest(*BINNED) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("value = f(1, 2)\n", "# why\nvalue = f(\n    1,\n    2,\n)\n"),
        ("value = 'a'\n", 'value = "a"  # a\n'),
        ("def f():\n    return 1\n", 'def f():\n    """Says."""\n\n    return 1\n'),
        (
            "class A:\n    n: int\n",
            'class A:\n    """Says."""\n\n    n: int\n    """How many."""\n',
        ),
    ],
)
def test_comments_docstrings_and_formatting_do_not_count(library, before, after):
    file = library / "samples.py"
    edit(file, before)
    digest = provenance.source_digest(*KDE)
    file.write_text(file.read_text().replace(before, after))
    assert after in file.read_text()
    assert provenance.source_digest(*KDE) == digest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("value = 1", "value = 2"),
        ("value = 1", "value = 1.0"),
        ("value = 'a'", "value = b'a'"),
        ("value = [1, [2]]", "value = [[1], 2]"),
        ("value = {'a': 1}", "value = {'a', 1}"),
        ("f(a, b)", "f(b, a)"),
        ("value = a if b else c", "value = a if c else b"),
        ("value = -a", "value = ~a"),
    ],
)
def test_what_is_computed_counts(library, before, after):
    edit(library / "samples.py", before)
    digest = provenance.source_digest(*KDE)
    edit(library / "samples.py", "")
    assert provenance.source_digest(*KDE) == digest
    file = library / "samples.py"
    file.write_text(file.read_text().replace(before, after))
    assert provenance.source_digest(*KDE) != digest


def test_a_script_counts_with_the_scripts_it_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "SCRIPTS", tmp_path)
    (tmp_path / "draw.py").write_text(
        "from drawing import draw\nfrom infoplane import samples\n"
    )
    (tmp_path / "drawing.py").write_text("import job\n")
    (tmp_path / "job.py").write_text("")
    before = provenance.source_digest("infoplane.measurement.checks", script="draw.py")
    assert before != provenance.source_digest("infoplane.measurement.checks")
    edit(tmp_path / "job.py", "# why")
    assert provenance.source_digest("infoplane.measurement.checks", script="draw.py") == before
    edit(tmp_path / "job.py")
    assert provenance.source_digest("infoplane.measurement.checks", script="draw.py") != before


def test_a_missing_module_and_a_relative_import_are_named(library):
    with pytest.raises(ModuleNotFoundError, match=r"infoplane\.nothing"):
        provenance.source_digest("infoplane.nothing")
    (library / "first.py").write_text("from . import samples\n")
    with pytest.raises(ImportError, match="full name"):
        provenance.source_digest("infoplane.first")


FOLDERS = ("datasets", "estimators", "figures", "networks", "phases", "schedules", "training")


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_measured_takes_only_tables_from_a_folder(folder):
    """Digests leave a folder's __init__ out: a function there would change results unseen.

    Configuration and plan may take more from it, as they make no result.
    """
    modules = [
        module
        for module in provenance.LIBRARY.rglob("*.py")
        if module.name != "__init__.py" and module.parent.name not in ("config", "plan")
    ]
    taken = {
        (module.name, alias.name)
        for module in modules
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == f"infoplane.{folder}"
        for alias in node.names
        if provenance._find(f"{node.module}.{alias.name}", (provenance.LIBRARY.parent,)) is None
    }
    assert all(name.isupper() for _, name in taken), taken


def test_a_users_module_brings_along_what_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_shared.py").write_text("value = 1\n")
    (tmp_path / "mine_apart.py").write_text("value = 1\n")
    (tmp_path / "mine.py").write_text(
        "import numpy\nfrom mine_shared import value\nfrom infoplane.samples import Pair\n"
    )
    before = provenance.source_digest("mine")
    edit(tmp_path / "mine_apart.py")
    assert provenance.source_digest("mine") == before
    edit(tmp_path / "mine_shared.py")
    after = provenance.source_digest("mine")
    assert after != before
    edit(tmp_path / "mine.py")
    assert provenance.source_digest("mine") not in (before, after)


def test_a_users_module_depends_on_the_library_it_imports(library, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_too.py").write_text("from infoplane.samples import Pair\n")
    before = provenance.source_digest("mine_too")
    edit(library / "samples.py")
    assert provenance.source_digest("mine_too") != before


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of the user's own: a file, and a package with relative imports."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mynet.py").write_text("import mylayers\n")
    (tmp_path / "mylayers.py").write_text("")
    package = tmp_path / "mynets"
    package.mkdir()
    (package / "__init__.py").write_text("from .deep import Deep\nfrom . import blocks\n")
    (package / "deep.py").write_text("from .parts.one import One\n")
    (package / "blocks.py").write_text("")
    (package / "parts").mkdir()
    (package / "parts" / "one.py").write_text("from ..other import two\n")
    (package / "other.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "edited"),
    [
        ("mynet", "mynet.py"),
        ("mynet", "mylayers.py"),
        ("mynets", "mynets/__init__.py"),
        ("mynets", "mynets/blocks.py"),
        ("mynets.deep", "mynets/parts/one.py"),
        ("mynets.deep", "mynets/other.py"),
    ],
)
def test_a_users_module_counts_with_what_it_imports_beside_it(own, module, edited):
    before = provenance.version_of(module)
    edit(own / edited, "# why")
    assert provenance.version_of(module) == before
    edit(own / edited)
    assert provenance.version_of(module) != before


def test_an_installed_package_counts_by_its_version():
    assert (
        provenance.version_of("torchvision.models") == f"torchvision=={version('torchvision')}"
    )
    with pytest.raises(ModuleNotFoundError, match=r"no module 'nowhere\.net'"):
        provenance.version_of("nowhere.net")
