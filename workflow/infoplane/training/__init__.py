"""Training: one file for each kind of trainer.

A trainer is a subclass of `trainer.Trainer` with `Settings` (with at least the key `trainer`).
It is made from its settings, the run's network, the data and the seeds of a block. `loop.train`
runs any trainer.
"""

from infoplane.table import Table

TRAINERS = Table(
    "trainer",
    {
        "supervised": "infoplane.training.supervised:Supervised",
        "gan": "infoplane.training.gan:GAN",
        "selfplay": "infoplane.training.selfplay:SelfPlay",
        "adopt": "infoplane.training.adopt:Adopt",
    },
    open=True,
    base="infoplane.training.trainer:Trainer",
)
