"""Training: one file a kind of trainer.

A trainer is a module with `Settings` (with at least `trainer`, `epochs` and `keep`) and
`build(settings, network, data, seeds) -> Trainer`. `loop.train` runs any of them.
"""

from infoplane.table import Table

TRAINERS = Table("trainer", {"supervised": "infoplane.training.supervised"})
