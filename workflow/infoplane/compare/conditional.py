"""Conditional information: what a signal says about the order of pairs beyond two axes."""

from itertools import combinations

import numpy as np

from infoplane.compare.sample import Networks, Sample, ratio

MOST_AXES = 2
"""The score conditions on at most this many axes."""


def granules(networks: Networks) -> list[list[np.ndarray]]:
    """For every choice of at most two axes, groups of networks that agree in them, by index."""
    n_axes = networks.points.shape[1]
    found = []
    for n_known in range(min(MOST_AXES, n_axes) + 1):
        for known in combinations(range(n_axes), n_known):
            if not known:
                found.append([np.arange(len(networks.target))])
                continue
            columns = networks.points[:, known]
            _, place = np.unique(columns, axis=0, return_inverse=True)
            inside = [np.flatnonzero(place.reshape(-1) == k) for k in range(place.max() + 1)]
            found.append([rows for rows in inside if len(rows) > 1])
    return [choice for choice in found if choice]


def conditional_information(sample: Sample, choices: list[list[np.ndarray]]) -> np.ndarray:
    """Least normalised conditional information of a signal, (n_weightings,), from 0 to 1.

        min over S, |S| ≤ 2, of  I(V_μ; V_g | U_S) / H(V_g | U_S)

    V_μ and V_g are the signs of Δμ and Δg of a pair, U_S the values of the axes in S, which
    both networks of a pair share (Jiang et al. 2020, section 3.3; the score of the PGDL
    competition of 2020). Pairs are taken in both orders, so that H(V_g | U_S) is 1 bit, and
    the information in one granule is 1 − h(p) with p the share in order and h the binary
    entropy; a granule's weight is its number of pairs. Ties of the signal count half each way.
    A signal that is always wrong is as informative as one that is always right. Plug-in
    estimates are too high if granules hold few pairs: the random control shows by how much.
    """
    least = np.full(len(sample.weights), np.nan)
    for choice in choices:
        told = np.zeros(len(least))
        pairs = np.zeros(len(least))
        for rows in choice:
            square = np.ix_(rows, rows)
            below = sample.over_pairs(sample.networks.comparable[square], rows)
            above = sample.over_pairs(sample.agreement[square], rows)
            share = 0.5 + 0.5 * ratio(above, below)
            told += np.where(below > 0, below * (1 - _binary_entropy(share)), 0)
            pairs += below
        least = np.fmin(least, ratio(told, pairs))
    return least


def _binary_entropy(share: np.ndarray) -> np.ndarray:
    """Entropy of a coin with this share of heads, in bits."""
    share = np.clip(np.nan_to_num(share, nan=0.5), 1e-12, 1 - 1e-12)
    return -share * np.log2(share) - (1 - share) * np.log2(1 - share)
