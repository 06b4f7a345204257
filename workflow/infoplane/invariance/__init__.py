"""Estimates of the same layer in other coordinates, in which true information does not
change."""
