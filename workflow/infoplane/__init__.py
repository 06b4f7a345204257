"""infoplane: information planes of neural networks that a reader can trust."""

from infoplane import datasets
from infoplane.estimators import ESTIMATORS, estimate
from infoplane.samples import Information, Samples

__all__ = ["ESTIMATORS", "Information", "Samples", "datasets", "estimate"]
__version__ = "0.1.0"
