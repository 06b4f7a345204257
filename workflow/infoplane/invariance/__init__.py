"""Estimates for the same layer in other coordinates, which do not change true information."""
