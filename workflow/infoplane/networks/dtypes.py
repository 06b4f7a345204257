"""Types of numbers by name, and how they stand in files.

NumPy and Zarr have no bfloat16; its bits are kept as uint16.
"""

import numpy as np

PLAIN = "float32"
"""Type of numbers where nothing else is declared."""
BITS = {"bfloat16": "uint16"}
"""Types that files do not know, and those that hold their bits."""
NAN_BITS = {"bfloat16": 0x7FC0}


def in_files(dtype: str) -> np.dtype:
    """How numbers of a declared type stand in a file."""
    return np.dtype(BITS.get(dtype, dtype))


def missing(dtype: str):
    """Stands where there is no number: NaN, or 0 among whole numbers."""
    if dtype in NAN_BITS:
        return NAN_BITS[dtype]
    kind = np.dtype(dtype)
    return kind.type(np.nan) if kind.kind in "fc" else kind.type(0)
