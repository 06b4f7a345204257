"""Problems whose information is known: one file per family, all with the same interface.

A family is a class derived from `Family` (task.py). Its `Settings` choose tasks, `tasks` makes
them, and `prepare` makes first what takes time (trained weights, truths by Monte Carlo,
images).

`run` has an estimator answer all tasks, `calibrate` makes calibrated intervals from its errors,
and `page` has the settings of a calibration page: its estimators, problems and sizes.
"""

from infoplane.table import Table

PROBLEMS = Table(
    "family of problems",
    {
        "gaussians": "infoplane.truth.gaussians:Gaussians",
        "mixtures": "infoplane.truth.mixtures:Mixtures",
        "beyond_normal": "infoplane.truth.beyond_normal:BeyondNormal",
        "joint_mixtures": "infoplane.truth.joint_mixtures:JointMixtures",
        "noisy_functions": "infoplane.truth.noisy_functions:NoisyFunctions",
        "soft_labels": "infoplane.truth.soft_labels:SoftLabels",
        "high_information": "infoplane.truth.high_information:HighInformation",
        "channels": "infoplane.truth.channels:Channels",
        "quantised": "infoplane.truth.quantised:Quantised",
        "quantised_cnns": "infoplane.truth.quantised_cnns:QuantisedCNNs",
        "game_positions": "infoplane.truth.game_positions:GamePositions",
        "linear_layers": "infoplane.truth.linear_layers:LinearLayers",
        "linear_networks": "infoplane.truth.linear_networks:LinearNetworks",
        "tables": "infoplane.truth.tables:Tables",
        "image_pairs": "infoplane.truth.image_pairs:ImagePairs",
        "rendered": "infoplane.truth.rendered:Rendered",
    },
    base="infoplane.truth.task:Family",
)
