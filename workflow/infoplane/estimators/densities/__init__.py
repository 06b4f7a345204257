"""Densities fitted to samples of a noisy layer, one file per kind, all with the same interface.

A kind is fitted to a `Fit` and has `logs(t)`: log densities in nats, one row for each of its
variants. `Stack` weights all variants of all kinds, by samples of other inputs.
"""
