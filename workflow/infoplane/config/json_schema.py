"""The JSON schema of experiment files; editors complete and check files by it.

A file needs only the first line `# yaml-language-server: $schema=schema.json`, with the path
from that file. `python -m infoplane.config` writes config/schema.json.
"""

import json
from collections.abc import Callable
from typing import Any

from infoplane.config.allowed import OWN, Allowed, Node
from infoplane.config.models import File, WrittenRun
from infoplane.config.runs import SWEPT
from infoplane.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAPS = ("properties", "patternProperties", "$defs")
"""Keywords whose value maps names to nodes and is not itself a node."""
VALUES = "A sweep takes each of these values of the key in turn."
SWEEP = "A sweep makes one estimator <name>-<key>_<value> for each combination of these values."


def schema() -> Node:
    """The JSON schema of an experiment file.

    A run requires nothing, because its keys may come from the defaults or from a sweep. `load`
    finds missing keys and mistakes that involve two places of the file.
    """
    whole = _everywhere(_bare, _told(File))
    run = _everywhere(_of_run, _told(WrittenRun))
    definitions = {f"run.{name}": node for name, node in run.pop("$defs").items()}
    run["properties"]["sweep"] |= {"anyOf": [_sweep(run, definitions), {"type": "null"}]}
    run_or_nothing = {"anyOf": [{"$ref": "#/$defs/run"}, {"type": "null"}]}
    whole["properties"]["defaults"] |= run_or_nothing
    _with_sweeps(whole)
    patterns = _named(whole["properties"]["runs"])
    patterns |= dict.fromkeys(patterns, run_or_nothing)
    _with_axes(whole, run)
    whole["anyOf"] = [{"required": ["runs"]}, {"required": ["compare"]}]
    whole["$defs"] = {**whole.get("$defs", {}), "run": run, **definitions}
    return {"$schema": DIALECT, **whole}


def sentence(allowed: Allowed, node: Node) -> str:
    """The text that an editor shows for a key: its docstring, what is allowed, and the
    default."""
    said = " ".join(node.get("description", "").split())
    if "not" in node:
        return f"The name stands for {OWN}."
    if "const" in allowed.resolved(node):
        return said
    said += f" Allowed: {allowed.words(node)}."
    if "default" in node and not isinstance(node["default"], dict):
        said += f" Default: {json.dumps(node['default'], ensure_ascii=False)}."
    return said.strip()


def _told(model: type[Settings]) -> Node:
    """The schema of a model; each key's text gives the allowed values and the default."""
    root = model.model_json_schema()
    allowed = Allowed(root)

    def told(node: Node) -> Node:
        keys = node.get("properties", {}).items()
        made = {key: {**inner, "description": sentence(allowed, inner)} for key, inner in keys}
        return {**node, "properties": made} if made else node

    return _everywhere(told, root)


def text() -> str:
    """The schema as it is written to the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _named(node: Node) -> Node:
    """The pattern of the names of a mapping that may be null, with the node of its entries."""
    return next(option for option in node["anyOf"] if "patternProperties" in option)[
        "patternProperties"
    ]


def _with_axes(whole: Node, run: Node) -> None:
    """Make a family a run without a sweep and with its own axes, each of which may be null;
    allow a name as a signal's estimator."""
    section = whole["$defs"]["Compare"]["properties"]
    properties = {key: node for key, node in run["properties"].items() if key != "sweep"}
    family = {**run, "properties": {**properties, "axes": section["axes"]}}
    patterns = section["families"]["patternProperties"]
    patterns |= {key: {"anyOf": [family, {"type": "null"}]} for key in patterns}
    allowed = Allowed(whole)
    for inner in _named(section["signals"]).values():
        for member in map(allowed.resolved, inner["oneOf"]):
            if "estimator" in member["properties"]:
                node = member["properties"]["estimator"]
                said = node.get("description", "")
                choice = {"description": said, "anyOf": [node, {"type": "string"}]}
                member["properties"]["estimator"] = choice


def _sweep(run: Node, definitions: dict[str, Node]) -> Node:
    """Lists of values by dotted key, for each kind of mapping that has the key."""
    properties: dict[str, list[Node]] = {}
    for key, node in Allowed({**run, "$defs": definitions}).dotted():
        if key.partition(".")[0] in SWEPT:
            if "." not in key:
                node = {"$ref": f"#/$defs/run/properties/{key}"}
            nodes = properties.setdefault(key, [])
            nodes += [] if node in nodes else [node]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: {
                "description": VALUES,
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": nodes[0] if len(nodes) == 1 else {"anyOf": nodes},
            }
            for key, nodes in properties.items()
        },
    }


def _with_sweeps(whole: Node) -> None:
    """Give every kind of estimator a sweep over its own keys."""
    allowed = Allowed(whole)
    for inner in whole["properties"]["estimators"]["patternProperties"].values():
        for member in map(allowed.resolved, inner["oneOf"]):
            keys = {k: n for k, n in member["properties"].items() if k != "estimator"}
            if not keys and member.get("additionalProperties") is False:
                continue  # an estimator without settings
            lists = {
                key: {"description": VALUES, "type": "array", "minItems": 1, "items": node}
                for key, node in keys.items()
            }
            sweep = {"type": "object", "properties": lists, "minProperties": 1}
            sweep["description"] = SWEEP
            sweep |= {"additionalProperties": False} if keys else {}
            member["properties"] = {**member["properties"], "sweep": sweep}
            member["required"] = [k for k in member["required"] if k == "estimator"]


def _bare(node: Node) -> Node:
    """Remove titles, which repeat the key, and keywords of OpenAPI; make all names safe."""
    node = {k: v for k, v in node.items() if k not in ("title", "discriminator")}
    return {**node, "additionalProperties": False} if "patternProperties" in node else node


def _of_run(node: Node) -> Node:
    """The node with nothing required, and with references to the run's own, looser definitions.

    Only the name of a user's class is required: without it, any keys would be valid.
    """
    named = any("not" in inner for inner in node.get("properties", {}).values())
    node = {k: v for k, v in _bare(node).items() if k != "required" or named}
    if "oneOf" in node:
        # Without its kind, a mapping may be one of several; the defaults decide.
        node["anyOf"] = node.pop("oneOf")
    if "$ref" in node:
        node["$ref"] = node["$ref"].replace("#/$defs/", "#/$defs/run.")
    return node


def _everywhere(change: Callable[[Node], Node], node: Any) -> Any:
    """The schema with a change to every node in it."""
    if isinstance(node, list):
        return [_everywhere(change, item) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {}
    for key, value in change(node).items():
        if key in MAPS:
            changed[key] = {name: _everywhere(change, inner) for name, inner in value.items()}
        elif key in ("default", "const", "enum"):
            changed[key] = value
        else:
            changed[key] = _everywhere(change, value)
    return changed
