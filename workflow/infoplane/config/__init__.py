"""Experiment files: what they may say, what they say, and what is wrong with them.

`load` turns a parsed file into an `Experiment` or raises `ConfigError` with all mistakes;
`schema` is the same for editors; `seed_blocks` divides a run's seeds among jobs. Nothing else
in the library imports this package, and it knows nothing of Snakemake.
"""

from infoplane.config.json_schema import schema
from infoplane.config.models import Experiment, Run
from infoplane.config.problems import ConfigError
from infoplane.config.read import load
from infoplane.config.seeds import block_name, parse_block, seed_blocks

__all__ = [
    "ConfigError",
    "Experiment",
    "Run",
    "block_name",
    "load",
    "parse_block",
    "schema",
    "seed_blocks",
]
