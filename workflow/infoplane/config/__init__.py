"""Experiment files: the keys they may have, the experiment they describe, and their mistakes.

`read_file` reads a file, and `load` turns its content into an `Experiment`; both raise
`ConfigError` with all mistakes. `schema` gives the rules to editors. The package does not
depend on Snakemake.
"""

from infoplane.config.files import read_file
from infoplane.config.json_schema import schema
from infoplane.config.models import Experiment, Run
from infoplane.config.problems import ConfigError
from infoplane.config.read import load

__all__ = [
    "ConfigError",
    "Experiment",
    "Run",
    "load",
    "read_file",
    "schema",
]
