"""Text is UTF-8 whatever the locale, and a terminal that lacks a character stops nothing."""

import ast
import io
import re
from pathlib import Path

import pytest

from infoplane.status import __main__ as status
from infoplane.terminal import use_any_encoding

WORKFLOW = Path(__file__).parents[1] / "workflow"
OPENS_TEXT = {"FileHandler", "NamedTemporaryFile", "TemporaryFile", "open", "fdopen"}
TEXT_OF_PATH = {"read_text", "write_text"}


def opens_text_in_the_locale(call: ast.Call) -> bool:
    """Whether a call opens, reads or writes text and does not say in which encoding."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name not in OPENS_TEXT | TEXT_OF_PATH or "encoding" in {k.arg for k in call.keywords}:
        return False
    if name in TEXT_OF_PATH or name == "FileHandler":
        return not any(k.arg is None for k in call.keywords)  # **how, beside it
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(of, ast.Name) and of.id == "archive":  # a member of a zip is bytes
        return False
    words = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    words += [k.value.value for k in call.keywords if k.arg == "mode"]
    modes = [word for word in words if re.fullmatch(r"[rwax][bt+]*", str(word))]
    path_alone = isinstance(call.func, ast.Name) or not call.args  # open(p), p.open()
    return not any("b" in mode for mode in modes) and bool(modes or path_alone)


def test_every_text_is_opened_with_its_encoding():
    wrong = [
        f"{file}:{node.lineno}"
        for file in WORKFLOW.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Call) and opens_text_in_the_locale(node)
    ]
    assert not wrong


def test_every_text_in_rules_is_opened_with_its_encoding():
    bare = re.compile(r"(read_text\(\)|write_text\([^=]*\)$)", re.M)
    assert not [f for f in WORKFLOW.rglob("*.smk") if bare.search(f.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("open(p)", True),
        ("open(p, 'w')", True),
        ("open(p, 'rb')", False),
        ("p.open()", True),
        ("p.open('w', newline='')", True),
        ("p.open('xb')", False),
        ("Image.open(p)", False),
        ("p.read_text()", True),
        ("p.write_text(t, encoding='utf-8')", False),
        ("logging.FileHandler(p, mode='w')", True),
        ("os.fdopen(f, 'r')", True),
    ],
)
def test_texts_are_told_from_bytes(code, wrong):
    assert opens_text_in_the_locale(ast.parse(code).body[0].value) == wrong


def test_terminal_without_a_character_shows_its_number(monkeypatch):
    stream = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(stream, encoding="ascii"))
    use_any_encoding()
    print("σ² = 0.1", flush=True)
    assert stream.getvalue() == b"\\u03c3\\xb2 = 0.1\n"


def test_status_goes_to_a_terminal_of_any_encoding(monkeypatch, tmp_path):
    (tmp_path / "results" / "größe" / "runs").mkdir(parents=True)
    stream = io.BytesIO()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["status"])
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(stream, encoding="ascii"))
    status.main()
    status.sys.stdout.flush()
    assert b"gr\\xf6\\xdfe" in stream.getvalue()
