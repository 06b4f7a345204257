"""A hash table by open addressing, compiled for the CPU: keys and what is counted of each.

A table has 2^n slots, far more than keys: `keys` int64 and `counts`, 0 where a slot is free.
"""

import numba
import numpy as np


@numba.njit(forceinline=True)
def slot_of(key, place, keys, counts):
    """The slot that holds the key, or the free one where it belongs: from `place` (uint64) on.

    Nothing branches on whether a key is new, as a processor cannot guess it.
    """
    last = np.uint64(len(keys) - 1)
    while min(counts[place], 1) * (keys[place] ^ key) != 0:  # taken, by another
        place = (place + np.uint64(1)) & last
    return place
