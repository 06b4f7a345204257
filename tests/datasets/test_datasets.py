"""The folder's table, its settings as one type, what it imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from infoplane import sources
from infoplane.datasets import SOURCES, Data, default_places, files_of, prepare, settings_type
from infoplane.provenance import source_digest


def test_sources_each_have_settings_and_loader():
    for name, source in SOURCES.items():
        assert source.Settings.model_fields["source"].annotation.__args__ == (name,)
        assert SOURCES[name] is source


def test_settings_are_told_apart_by_source(settings):
    for name in SOURCES:
        own = {"images": {"path": "a"}, "arrays": {"path": "a"}, "game": {"game": "nim"}}
        assert type(settings(name, **own.get(name, {}))) is SOURCES[name].Settings
    with pytest.raises(ValidationError, match="'imagenet'"):
        settings("imagenet")


def test_settings_are_all_described():
    schema = TypeAdapter(settings_type()).json_schema()
    for name, part in schema["$defs"].items():
        for key, described in part["properties"].items():
            assert described.get("description"), f"{name}.{key} has no docstring"


def test_importing_settings_loads_neither_torchvision_nor_sklearn():
    # together they take some ten seconds, which `snakemake --help` should not pay
    code = (
        "import sys, infoplane.datasets as d; d.settings_type(); d.szt();"
        "print([m for m in ('torchvision', 'sklearn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_source_digest_of_one_source_leaves_out_others(monkeypatch):
    seen = []
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: (seen.append(path.stem), read(path))[1]
    )
    sources._source_at.cache_clear()  # files are read once
    source_digest("infoplane.datasets.prepare", SOURCES.path("mnist"))
    assert {"mnist", "idx", "options", "contents"} <= set(seen)
    assert not {"cifar10", "arrays", "shwartz_ziv_tishby", "images", "digits"} & set(seen)


def test_attributes_are_json_and_carry_settings(settings):
    data = prepare(settings("digits", size=100))
    assert isinstance(data, Data)
    assert json.loads(json.dumps(data.attributes)) == data.attributes
    assert data.attributes["settings"] == settings("digits", size=100).model_dump(mode="json")
    assert data.label().n_classes == 10 and len(data.attributes["digest"]) == 64


def test_default_places_begin_with_given_folder(monkeypatch):
    monkeypatch.setenv("INFOPLANE_DATA", "/given")
    assert default_places() == [Path("/given"), Path("resources/datasets")]
    monkeypatch.delenv("INFOPLANE_DATA")
    assert default_places() == [Path("resources/datasets")]


def test_files_of_computed_sources_are_none(settings):
    assert files_of(settings("szt")) == files_of(settings("digits")) == []
