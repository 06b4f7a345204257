"""Types of numbers by name, and how files hold them.

NumPy and Zarr have no bfloat16; its bits are kept as uint16.
"""

import numpy as np

PLAIN = "float32"
"""The default type of numbers."""
BITS = {"bfloat16": "uint16"}
"""Types that files do not support, and the types that hold their bits."""
NAN_BITS = {"bfloat16": 0x7FC0}


def in_files(dtype: str) -> np.dtype:
    """The type in a file for numbers of a declared type."""
    return np.dtype(BITS.get(dtype, dtype))


def missing(dtype: str):
    """The value for a missing number: NaN, or 0 among whole numbers."""
    if dtype in NAN_BITS:
        return NAN_BITS[dtype]
    kind = np.dtype(dtype)
    return kind.type(np.nan) if kind.kind in "fc" else kind.type(0)
