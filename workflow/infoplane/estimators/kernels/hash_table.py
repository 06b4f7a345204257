"""A hash table with open addressing, compiled for the CPU: keys and a count for each.

A table has 2^n slots, far more than keys: `keys`, int64, and `counts`, 0 in a free slot.
"""

import numba
import numpy as np


@numba.njit(forceinline=True)
def slot_of(key, place, keys, counts):
    """The slot that holds the key, or the free slot for it, searched from `place` (uint64) on.

    Nothing branches on whether a key is new, because a processor cannot predict it.
    """
    last = np.uint64(len(keys) - 1)
    while min(counts[place], 1) * (keys[place] ^ key) != 0:  # another key is here
        place = (place + np.uint64(1)) & last
    return place
