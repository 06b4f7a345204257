"""Computations that estimators share: distances, neighbours, counts, scales. Nothing here
estimates."""
