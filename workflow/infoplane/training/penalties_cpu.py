"""Gradients of the penalties in a perceptron's loss, in compiled loops."""

import numba
import numpy as np

from infoplane.training.products_cpu import FILLED, FUSED, combine
from infoplane.vectors_cpu import pointer

F = np.float32


@numba.njit(error_model="numpy")
def penalise(g, theta, widths, l1, l2):
    """Gradients of λ Σ|w| and λ Σw² over weights without biases."""
    at = 0
    for layer in range(len(widths) - 1):
        weights = widths[layer] * widths[layer + 1]
        for p in range(at, at + weights):
            sign = F(theta[p] > F(0)) - F(theta[p] < F(0))
            g[p] += F(l1) * sign + F(2 * l2) * theta[p]
        at += weights + widths[layer + 1]


@numba.njit(**FUSED)
def keep_orthonormal(g, theta, widths, penalty):
    """Gradient of λ ‖W'W − I‖² for each layer's matrix W of weights, 4 λ W (W'W − I); with WW'
    and W' if W has more columns than rows. g, theta : all layers"""
    at = 0
    for layer in range(len(widths) - 1):
        fan_in, fan_out = widths[layer], widths[layer + 1]
        rows, columns = max(fan_in, fan_out), min(fan_in, fan_out)
        # from one row, or column, of the taller matrix to the next in theta
        down, along = (1, fan_out) if fan_in < fan_out else (fan_out, 1)
        row = (columns + FILLED - 1) // FILLED * FILLED
        tall, step = np.zeros((rows, row), F), np.empty((rows, row), F)
        gram = np.empty((columns, row), F)
        for i in range(rows):
            for j in range(columns):
                tall[i, j] = theta[at + i * down + j * along]
        of_tall, of_gram = pointer(tall), pointer(gram)
        combine(of_gram, row, columns, of_tall, row, rows, of_tall, row, 1, row)
        for j in range(columns):
            gram[j, j] -= F(1)
        combine(pointer(step), row, rows, of_gram, row, columns, of_tall, 1, row, row)
        tall[0, 0] = gram[0, 0]  # keeps them until here
        for i in range(rows):
            for j in range(columns):
                g[at + i * down + j * along] += F(4 * penalty) * step[i, j]
        at += (fan_in + 1) * fan_out
