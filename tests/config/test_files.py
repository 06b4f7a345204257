"""Files as they are read: what YAML drops or changes without a word is named with its line."""

import json
import re

import pytest

from infoplane.config import ConfigError, read_file
from infoplane.status.wanted import wanted_by
from infoplane.truth import page

TWICE = """\
# σ
estimators:
  kde: {estimator: kde, noise_variance: 0.1}
  binned: {estimator: binned}
  "kde": {estimator: kde}
runs:
  tanh:
    training: {epochs: 3}
    seeds: 2
    training:
      epochs: 4
runs: {}
runs: {}
"""


@pytest.fixture
def read(tmp_path):
    """read(text or bytes): what the file says, or the lines of its error."""

    def content_of(content):
        file = tmp_path / "mine.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        try:
            return read_file(file)
        except ConfigError as error:
            return [line.removeprefix(f"{file}: ") for line in str(error).splitlines()]

    return content_of


def test_key_that_stands_twice_is_named_with_all_its_lines(read):
    assert [line.partition(", and YAML")[0] for line in read(TWICE)] == [
        "estimators.kde: occurs on lines 3 and 5",
        "runs.tanh.training: occurs on lines 8 and 10",
        "runs: occurs on lines 6, 12 and 13",
    ]


def test_key_that_stands_twice_in_json_is_named_too(read):
    [line] = read('{"runs": {"a": 1,\n\t"b": 2,\n\t"a": 3}}')
    assert line.startswith("runs.a: occurs on lines 1 and 3")


def test_json_is_read_as_json(read):
    written = {"a": [1e3, "010", True, None, "\t"], "b": {"c": "1e3"}}
    assert read(json.dumps(written, indent="\t")) == written
    assert read('{"a": 1e3}') == {"a": 1000.0}  # a text in YAML 1.1


def test_merged_keys_may_be_given_again(read):
    assert read("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: *a") == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb:\n\tc: 2\n", r"line 3: not YAML: .*indent with spaces, not with tabs"),
        ("a: 1\nb: [2\n", r"line 3: not YAML: while parsing a flow sequence did not find"),
        ("a: 1\n---\nb: 2\n", r"line 2: not YAML: expected a single document"),
        ("a: 1\nb: größer\n".encode("latin-1"), r"line 2 is not in UTF-8; save it as UTF-8"),
        (
            "runs:\n  on: {}\n",
            r"runs\.on: line 2: YAML does not read the name on as text; quote it",
        ),
        ("runs: {1: {}}\n", r"runs\.1: line 1: YAML does not read the name 1 as text"),
        ("a:\n- 010\n", r"a\[0\]: line 2: YAML reads 010 in base 8; write a decimal"),
        ("a: {b: 1:30}\n", r"a\.b: line 1: YAML reads 1:30 in base 60"),
        ("a: -1:30.5\n", r"a: line 1: YAML reads -1:30\.5 in base 60"),
    ],
)
def test_what_yaml_would_change_or_cannot_read_is_named(read, content, message):
    [line] = read(content)
    assert re.match(message, line), line


def test_ordinary_files_are_read_as_they_are(read):
    assert read("a: [0, 0.5, -0, 1_000, '010', \"1:30\", 08:00 h, 1e-3]\nb: off\n") == {
        "a": [0, 0.5, 0, 1000, "010", "1:30", "08:00 h", "1e-3"],
        "b": False,
    }
    assert read("") is None
    assert read(b"\xef\xbb\xbfa: 1\n") == {"a": 1}  # a byte order mark


@pytest.mark.parametrize(
    "read_by", [lambda file: page.load(str(file)), lambda file: wanted_by(file, file.parent)]
)
def test_calibration_pages_and_status_are_read_so_too(tmp_path, read_by):
    (tmp_path / "mine.yaml").write_text(TWICE, encoding="utf-8")
    with pytest.raises(ConfigError, match="kde: occurs on lines 3 and 5"):
        read_by(tmp_path / "mine.yaml")
