"""IDX, the file format of MNIST and related sets: bytes with a small header, gzipped or not.

Header, big-endian: two zero bytes, a type (8: unsigned byte), the number of dimensions,
then each dimension as a 32-bit integer. Source: LeCun, Cortes, Burges, the MNIST database.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 8


def read_idx(path: Path, n_dimensions: int) -> np.ndarray:
    """uint8 array of n_dimensions (3 for images, 1 for labels) from an IDX file.

    A file whose name ends in .gz is unpacked.
    Raises ValueError with the file's name if it is damaged, truncated or not IDX.
    """
    content = _content(path)
    expected = bytes([0, 0, UNSIGNED_BYTE, n_dimensions])
    start = 4 + 4 * n_dimensions
    if content[:4] != expected or len(content) < start:
        raise ValueError(
            f"{path} is not an IDX file of bytes in {n_dimensions} dimensions: it starts with "
            f"{content[:4].hex(' ')}, not {expected.hex(' ')}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", n_dimensions, offset=4))
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"{path} is damaged: its header announces {math.prod(shape)} values {shape}, it "
            f"holds {len(content) - start}. Delete it and fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is truncated or damaged ({error}). Delete it and fetch it again"
        ) from None
