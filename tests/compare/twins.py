"""Scores as slow loops over pairs, each as its paper writes it."""

from itertools import combinations
from math import log2

import numpy as np


def pairs(n):
    return list(combinations(range(n), 2))


def in_order(signal, target):
    right = total = 0.0
    for i, j in pairs(len(target)):
        if target[i] == target[j]:
            continue
        total += 1
        if signal[i] == signal[j]:
            right += 0.5
        elif (signal[i] > signal[j]) == (target[i] > target[j]):
            right += 1
    return right / total


def sign_errors(signal, target, points):
    """Sign error of each environment: two configurations that differ in one axis."""
    found = {}
    for i, j in pairs(len(target)):
        differ = [a for a in range(points.shape[1]) if points[i, a] != points[j, a]]
        if len(differ) != 1 or target[i] == target[j]:
            continue
        ends = tuple(sorted([tuple(points[i]), tuple(points[j])]))
        product = np.sign(signal[i] - signal[j]) * np.sign(target[i] - target[j])
        found.setdefault(ends, []).append((1 - product) / 2)
    return {ends: np.mean(errors) for ends, errors in found.items()}


def granulated(signal, target, points):
    by_axis = []
    for axis in range(points.shape[1]):
        by_context = {}
        for i, j in pairs(len(target)):
            others = np.delete(np.arange(points.shape[1]), axis)
            same = (points[i, others] == points[j, others]).all()
            if not same or points[i, axis] == points[j, axis] or target[i] == target[j]:
                continue
            product = np.sign(signal[i] - signal[j]) * np.sign(target[i] - target[j])
            by_context.setdefault(tuple(points[i, others]), []).append(product)
        by_axis.append(np.mean([np.mean(products) for products in by_context.values()]))
    return np.mean(by_axis)


def conditional_information(signal, target, points):
    """From counts of (V_μ, V_g) over ordered pairs of each granule."""
    n_axes = points.shape[1]
    least = np.inf
    for n_known in range(min(2, n_axes) + 1):
        for known in combinations(range(n_axes), n_known):
            joint = {}
            for i in range(len(target)):
                for j in range(len(target)):
                    if i == j or target[i] == target[j]:
                        continue
                    where = tuple(points[i, known])
                    if where != tuple(points[j, known]):
                        continue
                    v_g = np.sign(target[i] - target[j])
                    v_mu = np.sign(signal[i] - signal[j])
                    table = joint.setdefault(where, {})
                    for says, share in ((v_mu, 1.0),) if v_mu else ((1, 0.5), (-1, 0.5)):
                        table[says, v_g] = table.get((says, v_g), 0) + share
            total = sum(sum(table.values()) for table in joint.values())
            if not total:
                continue
            told = entropy = 0.0
            for table in joint.values():
                n = sum(table.values())
                mu = {v: sum(c for (a, _), c in table.items() if a == v) for v in (-1, 1)}
                g = {v: sum(c for (_, b), c in table.items() if b == v) for v in (-1, 1)}
                told += (
                    n
                    / total
                    * sum(
                        c / n * log2(c * n / (mu[a] * g[b])) for (a, b), c in table.items() if c
                    )
                )
                entropy -= n / total * sum(c / n * log2(c / n) for c in g.values() if c)
            least = min(least, told / entropy)
    return least
