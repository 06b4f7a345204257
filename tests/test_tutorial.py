"""The notebook of the documentation runs, here and where the wheel alone is installed."""

import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

import infoplane

REPOSITORY = Path(__file__).parents[1]
LOCKED = Path(pytest.__file__).parents[1]
"""Where the locked packages are installed."""


@pytest.fixture
def folder(tmp_path):
    """A folder outside the repository, with the notebook and the store that it opens."""
    shutil.copytree(REPOSITORY / "docs" / "example", tmp_path / "example")
    shutil.copy(REPOSITORY / "docs" / "tutorial.ipynb", tmp_path)
    return tmp_path


def test_version_is_that_of_the_package_and_of_the_citation():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert infoplane.__version__ == version("infoplane") == citation["version"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from the tree's sources, without a network."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(
        REPOSITORY / "workflow",
        tree / "workflow",
        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, tree)
    words = ("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", str(out))
    subprocess.run([sys.executable, "-m", "pip", *words, str(tree)], check=True)
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.mark.slow
def test_a_wheel_has_every_file_of_the_library(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    library = REPOSITORY / "workflow"
    own = {
        str(file.relative_to(library))
        for package in ("infoplane", "snakemake_logger_plugin_infoplane")
        for file in (library / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert own - packed == set()


@pytest.mark.slow
def test_a_wheel_runs_the_notebook_outside_the_repository(wheel, folder, monkeypatch):
    """In an environment of its own that has the wheel and, by a path, the locked packages."""
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    words = ("-m", "pip", "install", "--no-deps", "--no-index", str(wheel))
    subprocess.run([python, *words], check=True, cwd=folder)
    [site] = (folder / "env" / "lib").glob("python*/site-packages")
    # A path alone: what is installed there as a link to a repository is not followed.
    (site / "locked.pth").write_text(f"{LOCKED}\n")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        f'{{"argv": ["{python}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
        '"display_name": "of the wheel", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(folder))
    notebook = nbformat.read(folder / "tutorial.ipynb", 4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import infoplane; infoplane.__file__"))
    where = {"metadata": {"path": str(folder)}}
    done = NotebookClient(notebook, timeout=600, resources=where).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    found = next(output for output in outputs if "data" in output)["data"]["text/plain"]
    assert str(site) in found and str(REPOSITORY) not in found
    assert "I(T;Y) = 0.72 bits" in "".join(output.get("text", "") for output in outputs)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert (folder / "plane.html").stat().st_size > 5e6  # plotly is in it
    assert (folder / "recording" / "0.zarr.zip").is_file()
