"""Fails a build in which a public name has no docstring or is not in the reference, or in
which a page would load something from a network."""

import inspect
import re
from pathlib import Path
from pydoc import locate

from sphinx.util import logging

import infoplane
import infoplane.datasets

LOGGER = logging.getLogger(__name__)
REMOTE = r"[^>]*\s(?:src|href)=\"(?:https?:)?//[^\"]*"
LOADED = re.compile(rf"<(?:script|img|iframe|source|link rel=\"(?!canonical)\w+){REMOTE}")
TABLES = ("ESTIMATORS", "SOURCES")
"""Names of tables, whose entries have docstrings of their own."""
INTERFACES = (
    "infoplane.estimators.interface.Estimator",
    "infoplane.figures.figure.Figure",
    "infoplane.networks.network.Network",
    "infoplane.probes.probe.Inputs",
    "infoplane.probes.probe.Probe",
    "infoplane.signals.interface.Signal",
    "infoplane.signals.interface.Value",
    "infoplane.signals.trained.Trained",
    "infoplane.training.trainer.Metric",
    "infoplane.training.trainer.Trainer",
)
"""Classes that those of a user derive from, or are given, and that have longer names."""


def setup(app):
    """Sphinx calls this first."""
    app.connect("env-check-consistency", _check_names)
    app.connect("build-finished", _check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def public() -> dict[str, object]:
    """Every public name of infoplane, and every public method and property of its classes."""
    found = {
        f"infoplane.{name}": getattr(infoplane, name) for name in [*infoplane.__all__, "open"]
    }
    found.pop("infoplane.datasets")
    for name in infoplane.datasets.__all__:
        found[f"infoplane.datasets.{name}"] = getattr(infoplane.datasets, name)
    found |= {path: locate(path) for path in INTERFACES}
    for path, value in list(found.items()):
        if inspect.isclass(value) and value.__module__.startswith("infoplane"):
            members = {n: m for n, m in vars(value).items() if not n.startswith("_")}
            own = {n: m for n, m in members.items() if callable(m) or _is_descriptor(m)}
            found |= {f"{path}.{n}": m for n, m in own.items() if not inspect.isclass(m)}
    return found


def _is_descriptor(member) -> bool:
    return isinstance(member, property | classmethod | staticmethod)


def _check_names(app, env) -> None:
    documented = env.get_domain("py").objects
    for path, value in public().items():
        if path not in documented:
            LOGGER.warning("public name %s is not in docs/reference.md", path)
        elif path.rpartition(".")[2] not in TABLES and not inspect.getdoc(value):
            LOGGER.warning("public name %s has no docstring", path)


def _check_pages(app, error) -> None:
    if error is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for found in LOADED.finditer(text):
            LOGGER.warning("%s loads from a network: %s", page.name, found[0])
