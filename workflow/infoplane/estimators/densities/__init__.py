"""Densities fitted to samples of a noisy layer, one file per kind, all with the same interface.

A kind takes what it is fitted to (`Fit`) and has `logs(t)`, logarithms of densities in nats,
one row for each of its variants. `Stack` weighs all variants of all kinds by samples of other
inputs.
"""
