"""The content of a file of settings, and what YAML would silently drop or change in it."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infoplane.config.problems import ConfigError, dotted

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"

SURPRISING = re.compile(r"[-+]?(0[0-7_]+|\d[\d_]*(:[0-5]?\d)+(\.\d*)?)")
"""Numbers that YAML 1.1 reads in base 8, such as 010, or in base 60, such as 1:30."""

HINTS = {
    "parsing a block mapping": "keys of one mapping begin in the same column",
    "expected ':'": "a key is followed by a colon and a space",
    "parsing a flow": "a bracket or a comma is missing before this line or in it",
    "mapping values are not allowed": "a text with a colon in it needs quotes",
}
"""The usual cause of a message of PyYAML, by a part of the message."""


def read_file(path: Path) -> Any:
    """The content of a YAML or JSON file, in Python's types.

    Raises ConfigError, with file and line, if the file is neither or not in UTF-8, if a key
    occurs twice or is not text, or if a number is in base 8 or 60.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}: line {line} is not in UTF-8; save it as UTF-8") from None
    twice: list[str] = []
    try:
        written = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, twice))
        if not twice:
            return written
        text = text.replace("\t", " ")  # this is YAML too, and YAML's parser gives lines
    except ValueError:
        pass  # as Snakemake does: what is not JSON is YAML
    loader = LOADER(text)
    try:
        node = loader.get_single_node()
        problems = [] if node is None else list(_problems(node, (), set()))
        if problems:
            raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
        return None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {_said(error, text)}") from None
    finally:
        loader.dispose()


def _once(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    """The pairs as a mapping; names that occur twice are added to `twice`."""
    times = Counter(name for name, _ in pairs)
    twice += [name for name, n in times.items() if n > 1]
    return dict(pairs)


def _said(error: yaml.YAMLError, text: str) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"not YAML: {' '.join(str(error).split())}"
    said = " ".join(part for part in (error.context, error.problem) if part)
    indent = re.match(r"\s*", [*text.splitlines(), ""][mark.line])
    hint = "; indent with spaces, not with tabs" if "\t" in indent[0] else _hint(said)
    return f"line {mark.line + 1}: not YAML: {said}{hint}"


def _hint(said: str) -> str:
    """What to look for after this message of PyYAML."""
    found = (hint for part, hint in HINTS.items() if part in said)
    return next((f"; {hint}" for hint in found), "")


def _problems(node: yaml.Node, path: tuple, seen: set[int]) -> Iterator[str]:
    """Mistakes of a node and the nodes inside; `seen` holds nodes that were checked already."""
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        if node.tag != TEXT and not node.style and SURPRISING.fullmatch(node.value):
            base = 60 if ":" in node.value else 8
            yield (
                f"{dotted(path)}: line {_line(node)}: YAML reads {node.value} in base "
                f"{base}; write a decimal number, or quote it if it is text"
            )
    elif isinstance(node, yaml.SequenceNode):
        for i, inner in enumerate(node.value):
            yield from _problems(inner, (*path, i), seen)
    else:
        yield from _problems_of_mapping(node, path, seen)


def _problems_of_mapping(node: yaml.MappingNode, path: tuple, seen: set[int]) -> Iterator[str]:
    lines: dict[str, list[int]] = {}
    for key, value in node.value:
        if key.tag == MERGE:
            yield from _problems(value, path, seen)
            continue
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        lines.setdefault(name, []).append(_line(key))
        if key.tag != TEXT:
            place = f"{dotted((*path, name))}: line {_line(key)}"
            yield f"{place}: YAML does not read the name {name} as text; quote it"
        yield from _problems(value, (*path, name), seen)
    for name, found in lines.items():
        if len(found) > 1:
            *first, last = found
            yield (
                f"{dotted((*path, name))}: occurs on lines {', '.join(map(str, first))} and "
                f"{last}, and YAML keeps only the last; join them, or rename one"
            )


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
