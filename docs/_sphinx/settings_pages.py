"""The directive `all-settings`: every key of an experiment file, as its models say it."""

import re
from collections.abc import Iterator

from sphinx.util.docutils import SphinxDirective

from infoplane.config.allowed import Allowed, Node
from infoplane.config.json_schema import sentence
from infoplane.config.models import File, WrittenRun

SECTIONS = ("datasets", "estimators", "compare", "claims", "figures")
"""Sections of a file, in this order."""


def setup(app):
    """Sphinx calls this first."""
    app.add_directive("all-settings", AllSettings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class AllSettings(SphinxDirective):
    """A section for each mapping of an experiment file, with a list of its keys."""

    def run(self):
        """The parsed sections."""
        return self.parse_text_to_nodes(text(), allow_section_headings=True)


def text() -> str:
    """The sections as Markdown."""
    file, run = (Allowed(model.model_json_schema()) for model in (File, WrittenRun))
    lines = ["## The file", *_keys(file, file.root), "", "## A run", *_keys(run, run.root)]
    seen: set[str] = set()
    for key, node in run.root["properties"].items():
        lines += _below(run, node, key, seen)
    for name in SECTIONS:
        lines += ["", f"## {name}", *_below(file, file.root["properties"][name], name, seen)]
    return "\n".join(lines) + "\n"


def _below(allowed: Allowed, node: Node, title: str, seen: set[str]) -> list[str]:
    """A part for each mapping below a node that is not among those `seen`."""
    lines = []
    for place, mapping in _mappings(allowed, node, title):
        body = _keys(allowed, mapping)
        if body and str(body) not in seen:
            seen.add(str(body))
            lines += ["", f"### `{place}`", *body]
    return lines


def _mappings(allowed: Allowed, node: Node, title: str) -> Iterator[tuple[str, Node]]:
    """Every mapping below a node, with how its place is called."""
    node = allowed.resolved(node)
    for option in node.get("anyOf", []):
        yield from _mappings(allowed, option, title)
    key = node.get("discriminator", {}).get("propertyName")
    for member in map(allowed.resolved, node.get("oneOf", [])):
        if kind := member["properties"][key].get("const"):
            yield from _mappings(allowed, member, f"{title}, {key} {kind}")
    if node.get("properties"):
        yield title, node
        for name, inner in node["properties"].items():
            yield from _mappings(allowed, inner, f"{title}.{name}")
    for inner in node.get("patternProperties", {}).values():
        yield from _mappings(allowed, inner, f"{title}.<name>")


def _keys(allowed: Allowed, node: Node) -> list[str]:
    lines = []
    for key, inner in node.get("properties", {}).items():
        lines += ["", f"`{key}`", f": {_plain(sentence(allowed, inner))}"]
    return lines


def _plain(text: str) -> str:
    """Text outside of backticks with the marks of Markdown and HTML escaped."""
    parts = re.split(r"(`[^`]*`)", text)
    marks = re.compile(r"([*_<>\[\]|])")
    return "".join(p if p.startswith("`") else marks.sub(r"\\\1", p) for p in parts)
