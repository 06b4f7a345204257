"""Probabilities of labels given a noisy sample, q(y | t), weighted like the densities.

Their held-out cross-entropy is at least H(Y|T), so H(Y) minus the cross-entropy is at most
I(T;Y) (Barber & Agakov 2003).
"""

from __future__ import annotations

import warnings

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor

from infoplane.estimators.densities.centres import Centres
from infoplane.estimators.densities.fit import Fit, Spectrum, log_weights

MOST_AXES = 128
"""The regression uses at most this many principal components."""


class Labels:
    """Three models: frequencies of labels, mixtures around each label's centres, and logistic
    regression."""

    def __init__(
        self, fit: Fit, spectrum: Spectrum, centres: Centres, labels: Tensor, chosen: Tensor
    ):
        """labels (n,), chosen (n_chosen,) int64 : labels of the samples fit.t and fit.chosen"""
        self.spectrum, self.centres = spectrum, centres
        self.n_labels = centres.n_labels
        counts = torch.bincount(labels, minlength=self.n_labels).double()
        self.prior = ((counts + 0.5) / (counts + 0.5).sum()).log()
        self.scale = (spectrum.variances[:MOST_AXES] + 1).sqrt()
        self.regression = None
        if int((counts > 0).sum()) > 1:
            regression = LogisticRegression(max_iter=300)
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore", ConvergenceWarning)  # valid wherever it stops
                self.regression = regression.fit(self._rows(fit.t), labels.cpu().numpy())
        self.log_weights = log_weights(_own(self._each(fit.chosen), chosen), least=0)

    def of(self, t: Tensor, labels: Tensor) -> Tensor:
        """ln q(y | t) (n,) for samples t and their labels."""
        return torch.logsumexp(_own(self._each(t), labels) + self.log_weights[:, None], dim=0)

    def _each(self, t: Tensor) -> Tensor:
        prior = self.prior[None, :, None].expand(1, -1, len(t))
        joint = self.centres.joint(t)
        # for a sample far from all centres, only the frequencies are known
        total = joint.logsumexp(1, keepdim=True)
        found = [prior, torch.where(torch.isfinite(total), joint - total, prior)]
        if self.regression is not None:
            logs = torch.full((1, self.n_labels, len(t)), -torch.inf, dtype=torch.float64)
            scores = torch.from_numpy(self.regression.decision_function(self._rows(t)))
            if scores.ndim == 1:  # two labels: scores of the second
                scores = torch.stack([torch.zeros_like(scores), scores], dim=1)
            logs[0, self.regression.classes_] = torch.log_softmax(scores.double(), 1).T
            found.append(logs.to(t.device))
        return torch.cat(found)

    def _rows(self, t: Tensor):
        return (self.spectrum.coordinates(t, MOST_AXES) / self.scale).cpu().numpy()


def _own(each: Tensor, labels: Tensor) -> Tensor:
    """The logarithms (n_variants, n) for the samples' own labels, from (n_variants, n_labels,
    n)."""
    return each.gather(1, labels.expand(len(each), 1, -1))[:, 0]
