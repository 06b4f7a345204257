"""What builds the documentation sees dead links, missing docstrings and pages that load from a
network; `make docs` builds all of it, and fails where it sees one."""

import inspect
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.append(str(DOCS / "_sphinx"))

import docstrings  # noqa: E402 — found by the line above
import public  # noqa: E402
import settings_pages  # noqa: E402

PAGE = """# Title

[no page](none.md), [no heading](index.md#none)

<img src="https://example.org/picture.png">
"""


def test_every_public_name_has_a_docstring():
    found = public.public()
    assert {"infoplane.open", "infoplane.Samples.of", "infoplane.datasets.szt"} <= set(found)
    bare = [path for path, value in found.items() if not inspect.getdoc(value)]
    assert not [path for path in bare if path.rpartition(".")[2] not in public.TABLES]


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://example.org/a.js"></script>',
        '<link rel="stylesheet" href="//example.org/a.css">',
        '<img alt="" src="http://example.org/a.png">',
    ],
)
def test_what_loads_from_a_network_is_seen(line):
    assert public.LOADED.search(line)
    assert not public.LOADED.search(
        line.replace("https:", "").replace("http:", "").replace("//", "")
    )


def test_a_link_loads_nothing():
    assert not public.LOADED.search('<a href="https://example.org">there</a>')
    assert not public.LOADED.search('<link rel="canonical" href="https://example.org/a">')


def test_arguments_become_fields():
    written = ["One layer.", "", "t, y : (n, d) and *(n,)", "    more", "Raises ValueError."]
    assert docstrings.fields(written) == [
        "One layer.",
        "",
        r":param t,y: (n, d) and \*(n,)",
        "    more",
        "",
        "Raises ValueError.",
    ]


def test_arguments_of_an_argument_become_a_list():
    written = ["a : a mapping.", "    b : text", "        that goes on", "    c : more"]
    assert docstrings.fields(written) == [
        ":param a: a mapping.",
        "",
        "    - b: text",
        "      that goes on",
        "    - c: more",
    ]


def test_every_section_of_a_file_is_on_the_settings_page():
    text = settings_pages.text()
    for title in ("estimators.<name>, estimator kde", "training, trainer supervised"):
        assert f"### `{title}`" in text
    kde = text.partition("estimator kde`")[2].partition("###")[0]
    assert "`noise_variance`\n: " in kde and "Allowed: a number > 0" in kde.replace("\\", "")


def test_dead_links_are_warned_of(tmp_path):
    for name in ("_sphinx", "_static"):
        shutil.copytree(DOCS / name, tmp_path / name)
    conf = (DOCS / "conf.py").read_text(encoding="utf-8")
    conf = conf.replace("Path(__file__).parent", f"Path({str(DOCS)!r})")
    conf = re.sub(r"extensions = .*", 'extensions = ["myst_parser"]', conf)
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    (tmp_path / "index.md").write_text(PAGE, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, str(tmp_path), str(tmp_path / "_build")], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "none.md" in done.stderr and "'none'" in done.stderr


def test_every_experiment_is_in_the_gallery():
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    files = [file.name for file in (ROOT / "config" / "experiments").glob("*.yaml")]
    assert len(files) > 30
    assert not [name for name in files if f"`{name}`" not in text]


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130
    links = re.findall(r"\]\(([^)#]+)", text)
    assert len(links) > 10
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_drawing_is_of_this_tree(monkeypatch):
    draw_rooms = runpy.run_path(str(DOCS / "draw_rooms.py"))
    draw_rooms["check"]()
    monkeypatch.setitem(draw_rooms["check"].__globals__, "UNDER", ("config", "plan"))
    with pytest.raises(ValueError, match="stores"):
        draw_rooms["check"]()
