"""Mutual information by k nearest neighbours (KSG), of continuous variables or with a label.

Sources: Kraskov, Stögbauer & Grassberger 2004, Phys. Rev. E 69, 066138, eq. 8; Gao, Oh &
Viswanath 2018, IEEE Trans. Inf. Theory 64, 5629 (bias-improved); Ross 2014, PLoS ONE 9, e87357
(labels). With ε_i the distance of sample i to its k-th neighbour in (a, b) together,

ksg1, in the max-norm, n_a(i) the number of samples with |a_j − a_i| < ε_i:
    I(A;B) = ψ(k) + ψ(n) − mean_i [ψ(n_a(i) + 1) + ψ(n_b(i) + 1)]
bias_improved, in the Euclidean norm, n_a(i) the number with ‖a_j − a_i‖ ≤ ε_i, and c_d the
volume of the unit ball in d dimensions:
    I(A;B) = ψ(k) + ln n + ln(c_da c_db / c_(da+db)) − mean_i [ln n_a(i) + ln n_b(i)]
labels, ε_i the distance in a to the k-th neighbour of the same class, of n_y(i) members, and
m(i) the number of samples of any class, i among them, with ‖a_j − a_i‖ < ε_i:
    I(A;B) = ψ(n) + mean_i [ψ(k_i) − ψ(n_y(i)) − ψ(m(i))]
"""

from typing import Literal

from pydantic import Field

from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import neighbour_terms, scaled
from infoplane.samples import Information, Pair
from infoplane.settings import Settings


class KSGSettings(Settings):
    """Settings of the KSG estimator."""

    estimator: Literal["ksg"] = "ksg"
    """`ksg` estimates by k nearest neighbours (Kraskov et al. 2004)."""
    k: int = Field(default=3, ge=1)
    """The estimate uses this many nearest neighbours; more of them lower the variance and, at
    much information, the values."""
    variant: Literal["ksg1", "bias_improved"] = "ksg1"
    """`ksg1` is the first algorithm of Kraskov et al. 2004; bias_improved counts in Euclidean
    balls (Gao et al. 2018). With labels only the norm differs."""
    seed: int = Field(default=0, ge=0)
    """Noise that separates ties, if there are any, is drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""


class KSG(PairEstimator):
    """Mutual information by k nearest neighbours."""

    Settings = KSGSettings
    settings: KSGSettings
    infinite_without_noise = True
    changes = (
        "another k trades bias for variance, and more samples lower both; if values "
        "repeat, the seed of the noise that separates them moves it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone")

    def between(self, pair: Pair) -> Information:
        """I(A;B) in bits by k nearest neighbours.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels. With pair.n_draws > 1, b is
            treated as the index of its row: I(A;B) is then the information of a about its
            input. Each variable is standardised and its ties are separated (scaled.py); the
            value depends neither on units nor on the order of samples. A member of a class of k
            or fewer uses all other members as neighbours. The only member of a class has none
            and is left out, also from n, as in Ross 2014 and scikit-learn; with many such
            classes the value covers only the other classes.
        Returns Information in bits.
            value : may be negative; exactly 0 if a or b never varies, or b is one class
            stderr : standard deviation of the n terms of the mean, over √n
            cap : the largest value of the formula. With ksg1, all but the farthest of the k
                neighbours in (a, b) are nearer than ε_i in a and in b, which gives ψ(n) − ψ(k).
                bias_improved counts the farthest too: ψ(k) + ln n + ln(c_da c_db / c_(da+db)) −
                2 ln k. With labels m(i) ≥ k_i, which gives ψ(n) − mean ψ(n_y(i)).
        Raises ValueError if k ≥ n, or if every label has only one sample.
        """
        neighbour_terms.require_neighbours(pair, self.settings.k)
        improved = self.settings.variant == "bias_improved"
        memory = self.settings.memory_mb * 10**6
        if pair.is_labelled or pair.n_draws > 1:
            return _with_labels(pair, self.settings, "euclidean" if improved else "max", memory)
        a, b = (scaled.of_one_scale(part) for part in (pair.a, pair.b))
        cap = neighbour_terms.cap_of_pair(
            pair.n, a.shape[1], b.shape[1], self.settings.k, improved
        )
        if 0 in (a.shape[1], b.shape[1]):
            return neighbour_terms.nothing(cap)
        a, b = scaled.without_ties([a, b], None, self.settings.seed)
        terms = neighbour_terms.of_pair(a, b, self.settings.k, improved, memory)
        return neighbour_terms.record(terms, cap)


def _with_labels(pair: Pair, settings: KSGSettings, norm, memory) -> Information:
    labels, kept = neighbour_terms.classes_of(pair)
    cap = neighbour_terms.cap_of_labels(labels)
    a = scaled.of_one_scale(pair.a[kept.to(pair.a.device)])
    if a.shape[1] == 0 or len(labels.unique()) == 1:
        return neighbour_terms.nothing(cap)
    (a,) = scaled.without_ties([a], labels, settings.seed)
    terms = neighbour_terms.of_labels(a, labels, settings.k, norm, memory)
    return neighbour_terms.record(terms, cap)
