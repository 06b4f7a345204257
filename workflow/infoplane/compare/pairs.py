"""Scores over all pairs: the share in the right order, and Kendall's rank correlation."""

import numpy as np

from infoplane.compare.sample import Sample, ratio


def in_order(sample: Sample) -> np.ndarray:
    """Share of pairs whose better network the signal names, (n_weightings,).

        Σ_{i<j} [1 + sgn(Δμ) sgn(Δg)] / 2  over the pairs with Δg ≠ 0, divided by their number

    A signal that is the same for both counts half: it names neither, and a coin would be right
    half the time. Pairs of equal targets have no right order and do not count. Stirn et al.
    2018 publish such shares in per cent.
    """
    comparable = sample.networks.comparable
    agree = sample.over_pairs(sample.agreement)
    return 0.5 + 0.5 * ratio(agree, sample.over_pairs(comparable))


def kendall(sample: Sample) -> np.ndarray:
    """Kendall's τ_b of signal and target, (n_weightings,), as scipy.stats.kendalltau.

        τ_b = Σ sgn(Δμ) sgn(Δg) / √(Σ |sgn Δμ| · Σ |sgn Δg|)

    Kendall 1945, Biometrika 33, 239. It is 1 if all pairs are in order, −1 if all are reversed.
    """
    agree = sample.over_pairs(sample.agreement)
    differ = sample.over_pairs(np.abs(sample.said))
    comparable = sample.over_pairs(sample.networks.comparable)
    return ratio(agree, np.sqrt(differ * comparable))
