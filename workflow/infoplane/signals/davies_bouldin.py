"""Davies-Bouldin index of the classes in each layer."""

from __future__ import annotations

from typing import Literal

import numpy as np

from infoplane.samples import Samples
from infoplane.settings import Settings
from infoplane.signals.interface import LayerSignal, NotMeasurable
from infoplane.signals.trained import Trained

EQUAL = 1e-7
"""Class means closer than this count as equal; the largest activation is scaled to 1."""


class DaviesBouldinSettings(Settings):
    """Davies-Bouldin index of the classes in each layer."""

    signal: Literal["davies_bouldin"] = "davies_bouldin"
    """`davies_bouldin` is the Davies-Bouldin index of the classes in each layer."""


class DaviesBouldin(LayerSignal):
    """Mean over classes c of max_{c'} (s_c + s_c') / ‖μ_c − μ_c'‖, s_c the mean distance to
    μ_c.

    Davies & Bouldin 1979, computed by scikit-learn; Natekar & Sharma 2020 ("Representation
    based complexity measures", arXiv 2012.02775) won the PGDL competition with it. Smaller is
    said to be better.
    """

    Settings = DaviesBouldinSettings
    label, better = "Davies-Bouldin", "lower"

    def of_layer(self, samples: Samples, trained: Trained) -> float:
        from scipy.spatial.distance import pdist  # here: a plan does without
        from sklearn.metrics import davies_bouldin_score

        t, y = samples.t[:, 0].cpu().numpy(), samples.y.numpy()
        classes = np.unique(y)
        if not 2 <= len(classes) < len(y):
            raise NotMeasurable(f"there are {len(classes)} classes among {len(y)} inputs")
        t = t - t[0]
        unit = np.abs(t).max()
        if not unit:
            raise NotMeasurable("it is the same for all inputs")
        t = t / unit  # scikit-learn treats small distances as 0
        means = np.stack([t[y == c].mean(0) for c in classes])
        if pdist(means).min() <= EQUAL:
            raise NotMeasurable(
                "two class means are equal"
            )  # scikit-learn would return 0, the best value
        return float(davies_bouldin_score(t, y))
