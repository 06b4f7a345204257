"""Differences of entropies by k nearest neighbours (Kozachenko and Leonenko).

Sources: Kozachenko & Leonenko 1987, Probl. Inf. Transm. 23, 9; for k neighbours Kraskov et al.
2004, eq. 20; weighted Berrett, Samworth & Yuan 2019, Ann. Stat. 47, 288, used on information
planes by Butakov et al. 2024 (ICLR). With ρ_j(i) the distance of sample i to its j-th neighbour
and c_d the volume of the unit ball in d dimensions,
    H(A) = mean_i Σ_j w_j [ψ(n) − ψ(j) + ln c_d + d ln ρ_j(i)]
    I(A;B) = H(A) + H(B) − H(A,B)      with labels H(A) − Σ_y p(y) H(A | y)
where only w_k = 1 is not 0 or, weighted, Σ_j w_j = 1 and Σ_j w_j Γ(j + 2l/d)/Γ(j) = 0 for
l = 1 … ⌊d/4⌋, which removes the leading terms of the bias in many dimensions.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from scipy.special import digamma, gammaln

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import neighbour_terms, neighbours, scaled, tails
from infoplane.samples import Information, Pair
from infoplane.settings import Settings

MOST_EQUALS = 0.01
"""A result is flagged if more than this share of the samples is equal to another one, in a or
in b."""


class KLSettings(Settings):
    """Settings of the Kozachenko-Leonenko entropies."""

    estimator: Literal["kl"] = "kl"
    """`kl` combines Kozachenko-Leonenko entropies of nearest neighbours."""
    k: int = Field(default=3, ge=1)
    """The entropies use this many nearest neighbours; with weights, at most this many, and at
    least ⌊d/4⌋ + 1 in d dimensions."""
    norm: Literal["euclidean", "max"] = "euclidean"
    """Distances have this norm; in the max-norm, balls are cubes."""
    weighted: bool = False
    """`true` weights the 1st to k-th neighbour to reduce bias; false takes only the k-th.
    Weights suit 4 to 8 dimensions of a and b together: they sum to 1, but their absolute values
    sum to 3 in 4 to 6 dimensions, 25 in 8 and 300 in 12, and the noise of the estimate grows
    with them."""
    seed: int = Field(default=0, ge=0)
    """Noise that separates ties, if there are any, is drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""


class KL(PairEstimator):
    """Differences of nearest-neighbour entropies."""

    Settings = KLSettings
    settings: KLSettings
    infinite_without_noise = True
    changes = (
        "another k, or weights, trade bias for variance, and more samples lower both; if "
        "values repeat, the seed of the noise that separates them moves it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone")

    def between(self, pair: Pair) -> Information:
        """I(A;B) in bits as a difference of entropies by nearest neighbours.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels. With pair.n_draws > 1, b is
            treated as the index of its row. Each variable is standardised and its ties are
            separated (scaled.py). Samples of a class with k members or fewer use all its other
            members as neighbours, in H(A | Y) and also in their terms of H(A), which keeps
            their bias equal; the only member of a class is left out of both.
        Returns Information in bits.
            value : may be negative; exactly 0 if a or b never varies, or b is one class
            stderr : standard deviation of the n differences of terms, over √n
            cap : a distance in (a, b) is at least the distance in a or in b, and a distance
                within a class at least the distance within all samples, so logarithms of
                distances only subtract. This gives ψ(n) − ψ(k) + ln(c_da c_db / c_(da+db)), or
                ψ(n) − mean ψ(n_y(i)) for labels. Infinite with weights, which may be negative.
            extra : the entropies entropy_a, entropy_b, entropy_joint, or entropy_a and
                entropy_a_given_b: differential, in bits, in the units of the samples, of the
                variables that vary
            flags : 'degenerate' if more than 1 % of the samples are equal to another one in all
                of a or all of b. The entropy is then −∞, and the effect of the noise that
                separates ties does not cancel; `ksg` measures such samples. 'heavy_tails'
                (tails.py) if a variable of a continuous pair has them: its scale then differs
                too much between regions. `ksg` takes normal scores, which would change the
                entropies.
        Raises ValueError if k ≥ n, if every label has only one sample, or if the weights need a
        larger k.
        """
        neighbour_terms.require_neighbours(pair, self.settings.k)
        if pair.is_labelled or pair.n_draws > 1:
            return _with_labels(pair, self.settings)
        a, b = scaled.standardised(pair.a), scaled.standardised(pair.b)
        d_a, d_b = a.rows.shape[1], b.rows.shape[1]
        norm = self.settings.norm
        cap = digamma(pair.n) - digamma(self.settings.k) + neighbour_terms.ln_ball(d_a, norm)
        cap += neighbour_terms.ln_ball(d_b, norm) - neighbour_terms.ln_ball(d_a + d_b, norm)
        cap = math.inf if self.settings.weighted else cap
        if 0 in (d_a, d_b):
            return neighbour_terms.nothing(cap)
        discrete = max(map(scaled.share_of_equals, (a.rows, b.rows))) > MOST_EQUALS
        rows_a, rows_b = scaled.without_ties([a.rows, b.rows], None, self.settings.seed)
        rows = torch.cat([rows_a, rows_b], dim=1)
        _require_weights(pair, self.settings, self.settings.k, rows)
        of_a, of_b, of_both = (
            local_entropies(r, self.settings) for r in (rows_a, rows_b, rows)
        )
        units_a, units_b = a.scales.log().sum().item(), b.scales.log().sum().item()
        entropies = {
            "entropy_a": of_a.mean().item() + units_a,
            "entropy_b": of_b.mean().item() + units_b,
            "entropy_joint": of_both.mean().item() + units_a + units_b,
        }
        record = neighbour_terms.record(of_a + of_b - of_both, cap, extra=entropies)
        record = record.with_flag("degenerate") if discrete else record
        heavy = any(bool(tails.heavy(part).any()) for part in (pair.a, pair.b))
        return record.with_flag("heavy_tails") if heavy else record


def _with_labels(pair: Pair, settings: KLSettings) -> Information:
    labels, kept = neighbour_terms.classes_of(pair)
    cap = math.inf if settings.weighted else neighbour_terms.cap_of_labels(labels)
    a = scaled.standardised(pair.a[kept.to(pair.a.device)])
    if a.rows.shape[1] == 0 or len(labels.unique()) == 1:
        return neighbour_terms.nothing(cap)
    discrete = scaled.share_of_equals(a.rows) > MOST_EQUALS
    (rows,) = scaled.without_ties([a.rows], labels, settings.seed)
    sizes = neighbour_terms.class_sizes(labels)
    ks = (sizes - 1).clamp(max=settings.k)
    _require_weights(pair, settings, int(ks.min()), rows)
    memory, norm, d = settings.memory_mb * 10**6, settings.norm, rows.shape[1]
    in_all, _ = neighbours.nearest(rows, int(ks.max()), norm, memory)
    in_class = neighbours.group_distances(rows, labels, ks, norm, memory)
    n = torch.full_like(sizes, len(rows))
    whole = _terms(in_all, n, ks, d, norm, settings.weighted)
    given = _terms(in_class, sizes, ks, d, norm, settings.weighted)
    units = a.scales.log().sum().item()
    entropies = {
        "entropy_a": whole.mean().item() + units,
        "entropy_a_given_b": given.mean().item() + units,
    }
    record = neighbour_terms.record(whole - given, cap, extra=entropies)
    return record.with_flag("degenerate") if discrete else record


def local_entropies(rows: torch.Tensor, settings) -> torch.Tensor:
    """−ln density at each sample; the mean is the differential entropy.

    rows : torch.Tensor (n, d), floating point, no two of them equal; not standardised here
    settings : KLSettings, or an object with k, norm, weighted and memory_mb
    Returns float64 (n,) in nats, for the units of the rows, on their device; −∞ or NaN for
    equal rows. Raises ValueError if k ≥ n, or if the weights need a larger k.
    """
    n, d = rows.shape
    distances, _ = neighbours.nearest(
        rows, settings.k, settings.norm, settings.memory_mb * 10**6
    )
    ks = torch.full((n,), settings.k)
    return _terms(distances, torch.full((n,), n), ks, d, settings.norm, settings.weighted)


def neighbour_weights(k: int, d: int) -> np.ndarray:
    """w_1 … w_k of Berrett et al. 2019, eq. 2: the least-squares solution of the equations with
    w_j ≠ 0 only for j = ⌊k/d⌋, ⌊2k/d⌋ … k. Raises ValueError if k is less than ⌊d/4⌋ + 1,
    because there is no solution.
    """
    n_conditions = d // 4
    if k <= n_conditions:
        raise ValueError(
            f"weighted entropies in {d} dimensions need k ≥ {n_conditions + 1} neighbours; "
            f"k is {k}"
        )
    chosen = np.unique(np.arange(1, d + 1) * k // d)
    chosen = chosen[chosen > 0]
    shift = 2 * np.arange(n_conditions + 1)[:, None] / d
    # Each equation is divided by its largest term, because the terms grow like j^(2l/d).
    conditions = np.exp(gammaln(chosen + shift) - gammaln(chosen))
    conditions /= conditions.max(axis=1, keepdims=True)
    wanted = np.zeros(n_conditions + 1)
    wanted[0] = 1.0
    weights = np.zeros(k)
    weights[chosen - 1] = np.linalg.lstsq(conditions, wanted, rcond=None)[0]
    return weights / weights.sum()


def _terms(distances, sizes, ks, d: int, norm, weighted: bool) -> torch.Tensor:
    """Σ_j w_j [ψ(n) − ψ(j) + ln c_d + d ln ρ_j] for each sample, with n from `sizes` and ks
    neighbours. distances : (n, largest of ks); those beyond a sample's ks are not used"""
    most = distances.shape[1]
    weights = np.zeros((most + 1, most))
    for k in ks.unique().tolist():
        if weighted:
            weights[k, :k] = neighbour_weights(k, d)
        else:
            weights[k, k - 1] = 1.0
    used = torch.from_numpy(weights)[ks].to(distances.device)
    logs = torch.where(used != 0, distances, 1.0).log()
    order = torch.from_numpy(digamma(np.arange(1, most + 1))).to(distances.device)
    constant = neighbour_terms.psi(sizes).to(distances.device)
    constant = constant + neighbour_terms.ln_ball(d, norm)
    return constant + (used * (d * logs - order)).sum(dim=1)


def _require_weights(pair: Pair, settings: KLSettings, k: int, rows: torch.Tensor) -> None:
    if not settings.weighted:
        return
    try:
        neighbour_weights(k, rows.shape[1])
    except ValueError as error:
        of = f", the smallest class has {k + 1} samples" if k < settings.k else ""
        raise ValueError(f"{pair.place}: {error}{of}") from error
