"""How problems read maps of convolutional layers: whole, one channel, or the channels'
means."""

from __future__ import annotations

from typing import Literal

import numpy as np

How = Literal["whole", "channel", "mean"]


def read(maps: np.ndarray, how: How) -> tuple[np.ndarray, tuple[int, ...]]:
    """A reading (n, d) of maps (n, channels, height, width), and its shape.

    `whole`, and `channel`, which takes the first, have a shape; `mean`, the mean over
    positions, and units (n, d) have (). Means of integers are kept as sums, so that equal means
    are equal numbers.
    """
    if maps.ndim == 2:
        return maps, ()
    if how == "mean":
        over = maps.sum if np.issubdtype(maps.dtype, np.integer) else maps.mean
        return over(axis=(2, 3)), ()
    taken = maps[:, :1] if how == "channel" else maps
    return taken.reshape(len(taken), -1), taken.shape[1:]


def words(shape: tuple[int, ...], how: How) -> str:
    """A reading by name: "8 × 6 × 6", "one of 8 channels of 6 × 6", "16 units"."""
    if len(shape) == 1:
        return f"{shape[0]} units"
    channels, *sides = shape
    places = " × ".join(map(str, sides))
    if how == "whole":
        return f"{channels} × {places}"
    return f"{'one' if how == 'channel' else 'means'} of {channels} channels of {places}"
