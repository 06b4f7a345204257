"""Experiment files: what they may say, what they say, and what is wrong with them.

`read_file` reads a file, `load` turns what it says into an `Experiment`; both raise
`ConfigError` with all mistakes. `schema` is the same for editors. The package knows nothing of
Snakemake.
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
