"""What a file may hold at a place, in words, from a settings model's JSON schema."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from infoplane.config.models import NAME
from infoplane.settings import Settings

Node = dict[str, Any]
Path = tuple[str | int, ...]

SIGNS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
    "multipleOf": "a multiple of",
}
OWN = "the import path of a class of yours, module:Class"
"""What may replace a name in an open table."""
TYPES = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}


@cache
def allowed_by(model: type[Settings]) -> "Allowed":
    """What a settings model allows."""
    return Allowed(model.model_json_schema())


class Allowed:
    """Questions about a JSON schema. A node is a part of it that describes one value."""

    def __init__(self, root: Node):
        self.root = root

    def at(self, path: Path, value: Any) -> Node:
        """The node for the value at a path within a value; {} if there is none."""
        node = self.root
        for part in path:
            node = self.inside(node, value, part)
            value = _item(value, part)
        return node

    def inside(self, node: Node, value: Any, part: str | int) -> Node:
        """The node of one entry of the value that `node` describes."""
        for option in self._options(self.branch(node, value)):
            if isinstance(part, int) and option.get("type") == "array":
                fixed = option.get("prefixItems", [])
                return fixed[part] if part < len(fixed) else option.get("items", {})
            if part in option.get("properties", {}):
                return option["properties"][part]
            if isinstance(option.get("additionalProperties"), dict):
                return option["additionalProperties"]
            for inner in option.get("patternProperties", {}).values():
                return inner
        return {}

    def branch(self, node: Node, value: Any) -> Node:
        """The member of a union that a mapping chooses by its kind, else the node itself."""
        for option in self._options(node):
            kind = self.kind(option, value)
            for member in map(self.resolved, option.get("oneOf", ())):
                key = option["discriminator"]["propertyName"]
                if kind is not None and member["properties"][key].get("const") == kind:
                    return member
        return node

    def kind(self, node: Node, value: Any) -> str | None:
        """The value of the key by which a mapping chooses its model, or its default."""
        for option in self._options(node):
            key = option.get("discriminator", {}).get("propertyName")
            if key and isinstance(value, dict):
                return value.get(key, option.get("default", {}).get(key))
        return None

    def kind_key(self, node: Node) -> str | None:
        """The key by which a mapping chooses its model, if there are several."""
        keys = [o["discriminator"]["propertyName"] for o in self._options(node) if "oneOf" in o]
        return keys[0] if keys else None

    def keys(self, node: Node, value: Any) -> list[str]:
        """The keys that a mapping may have."""
        options = self._options(self.branch(node, value))
        return list(dict.fromkeys(key for o in options for key in o.get("properties", {})))

    def dotted(self, node: Node | None = None, above: str = "") -> Iterator[tuple[str, Node]]:
        """Every key that any kind of a mapping may have, dotted, with its node."""
        for option in self._options(self.root if node is None else node):
            for member in option.get("oneOf", [option]):
                for key, inner in self.resolved(member).get("properties", {}).items():
                    yield above + key, inner
                    yield from self.dotted(inner, f"{above}{key}.")

    def words(self, node: Node) -> str:
        """What is allowed, in words that follow 'must be'."""
        node = self.resolved(node)
        if "const" in node:
            return str(node["const"])
        if "enum" in node:
            return "one of " + ", ".join(map(str, node["enum"]))
        if "anyOf" in node:
            return " or ".join(dict.fromkeys(map(self.words, node["anyOf"])))
        if "oneOf" in node:
            kinds = self.kinds(node)
            one_of = "one of " if len(kinds) > 1 else ""
            return f"a mapping whose {self.kind_key(node)} is {one_of}{', '.join(kinds)}"
        if node.get("pattern") == NAME:
            return "a name of letters, digits and _ - . = , without a dot or dash at its start"
        words = TYPES.get(node.get("type", ""), "something else")
        bounds = [f"{SIGNS[k]} {node[k]}" for k in SIGNS if k in node]
        words = " ".join([words, " and ".join(bounds)]).strip()
        if node.get("type") == "array":
            return words + self._of_items(node)
        if node.get("properties"):
            return f"{words} with keys out of {', '.join(node['properties'])}"
        return f"{words} with at least one entry" if node.get("minProperties") else words

    def kinds(self, node: Node) -> list[str]:
        """The values of the key by which a mapping chooses its model."""
        for option in self._options(node):
            key = option.get("discriminator", {}).get("propertyName")
            members = map(self.resolved, option.get("oneOf", ()))
            if key:
                kinds = [member["properties"][key] for member in members]
                return [kind.get("const", OWN) for kind in kinds]
        return []

    def choices(self, node: Node) -> list[str]:
        """The texts that a value may be, if it must be one of several."""
        options = [
            o.get("enum", [o["const"]] if "const" in o else []) for o in self._options(node)
        ]
        return [text for found in options for text in found]

    def _of_items(self, node: Node) -> str:
        if "prefixItems" in node:
            inner = [self.words(item) for item in node["prefixItems"]]
            same = len(set(inner)) == 1
            return f" of {len(inner)} entries, " + (
                f"each {inner[0]}" if same else ", ".join(inner)
            )
        least, most = node.get("minItems", 0), node.get("maxItems")
        count = f" of {most} entries" if least == most else ""
        if least != most:
            count += {0: "", 1: " of at least one"}.get(least, f" of at least {least}")
            count += f" of at most {most}" if most is not None else ""
        return count + (f", each {self.words(node['items'])}" if node.get("items") else "")

    def _options(self, node: Node) -> list[Node]:
        """The node itself, or the members of its plain union."""
        node = self.resolved(node)
        return (
            [o for m in node["anyOf"] for o in self._options(m)] if "anyOf" in node else [node]
        )

    def resolved(self, node: Node) -> Node:
        """The node itself, or the one it refers to."""
        while "$ref" in node:
            node = self.root["$defs"][node["$ref"].rpartition("/")[2]]
        return node


def _item(value: Any, part: str | int) -> Any:
    """An entry of a mapping or list; None if there is none."""
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None
