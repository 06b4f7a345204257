"""The lock, the conda file, pyproject.toml and what is installed say the same."""

import re
import runpy
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"
MADE = runpy.run_path(str(ENVS / "make_conda.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ENVS / "requirements.txt").read_text()
CONDA = (ENVS / "infoplane.yaml").read_text()
PINS = [Requirement(pin) for pin in MADE["pins"](LOCK)]
DECLARED = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]


def applies(pin: Requirement, **changed: str) -> bool:
    """Whether a pin holds on this machine, or on one with the named markers changed."""
    return pin.marker is None or pin.marker.evaluate(default_environment() | changed)


def pinned_version(pin: Requirement) -> str:
    (clause,) = pin.specifier
    assert clause.operator == "==", pin
    return clause.version


@pytest.mark.parametrize("declared", DECLARED)
def test_dependency_is_locked_at_a_version_that_satisfies_it(declared):
    wanted = Requirement(declared)
    found = [p for p in PINS if canonicalize_name(p.name) == canonicalize_name(wanted.name)]
    assert any(applies(pin) for pin in found), f"{declared} is not in the lock: run `make lock`"
    for pin in found:
        assert wanted.specifier.contains(pinned_version(pin)), f"{pin}: run `make lock`"


@pytest.mark.parametrize("name", ["requirements.txt", "uv.txt"])
def test_locked_package_has_a_hash(name):
    lines = (ENVS / name).read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"\w", line)]
    assert starts
    for start in starts:
        assert re.match(r"\s+--hash=sha256:[0-9a-f]{64}\b", lines[start + 1]), lines[start]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_lock_has_one_version_of_a_package_for_each_python(python, platform):
    markers = {"python_version": python, "python_full_version": f"{python}.0"}
    names = [p.name for p in PINS if applies(p, sys_platform=platform, **markers)]
    assert len(names) == len(set(names))


def test_conda_file_is_what_make_lock_writes():
    assert MADE["conda_file"](LOCK) == CONDA, "run `make lock`"


def test_conda_file_pins_what_the_lock_pins():
    python, pip, packages = yaml.safe_load(CONDA)["dependencies"]
    assert [Requirement(pin) for pin in packages["pip"]] == PINS
    assert pip == "pip"
    for said in (python.removeprefix("python "), PROJECT["requires-python"]):
        assert SpecifierSet(said).contains("3.11") and not SpecifierSet(said).contains("3.10")


@pytest.mark.parametrize("name", [*(p.name for p in ENVS.iterdir()), "../pyproject.toml"])
def test_environment_file_names_no_address(name):
    text = (ENVS / name).read_text()
    assert not re.findall(r"\S*://\S*|--\S*index-url|--find-links|@ file", text)


def test_installed_versions_are_the_locked_ones():
    locked = {pin.name: pinned_version(pin) for pin in PINS if applies(pin)}
    installed = {name: version(name) for name in locked}
    assert installed == locked, "run `make env`"


def test_the_workflow_stands_where_the_catalogue_looks():
    """Snakemake's workflow catalogue wants these files for "standardized usage"."""
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) >= {"mandatory-flags", "software-stack-deployment", "report"}
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").read_text().strip()
    assert list((ROOT / "workflow" / "rules").glob("*.smk"))
