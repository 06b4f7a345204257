"""Rows that only come on, in one file of a journal: what stands in it is not written again.

Each append is a block: the number of its first row, its length in bytes, its CRC-32, its bytes.
What a kill leaves behind the last checkpoint is cut off when the journal is taken up again.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np

from infoplane.stores.archive import damaged

HEAD = struct.Struct("<QQI")


def append(path: Path, first: int, rows: np.ndarray) -> None:
    """Put rows (n, …) at the end of the file, which may not be there yet, and on the disk.

    first : how many rows there have been before these
    """
    data = np.ascontiguousarray(rows).tobytes()
    with path.open("ab") as file:
        file.write(HEAD.pack(first, len(data), zlib.crc32(data)) + data)
        file.flush()
        os.fsync(file.fileno())


def taken_up(path: Path, first: int, stop: int, like: np.ndarray) -> np.ndarray:
    """The rows first … stop − 1, after everything behind them was cut off.

    like : rows of the same shape and type
    Raises StoreError where they are not all there, or damaged.
    """
    found, end = [like[:0]], 0
    with path.open("r+b" if path.exists() else "w+b") as file:
        while len(head := file.read(HEAD.size)) == HEAD.size:
            begin, n_bytes, checksum = HEAD.unpack(head)
            if begin >= stop:
                break
            data = file.read(n_bytes)
            if zlib.crc32(data) != checksum:
                raise damaged(path, f"the block of row {begin} has changed")
            rows = np.frombuffer(data, like.dtype).reshape(-1, *like.shape[1:])
            found.append(rows[max(0, first - begin) :])
            end = file.tell()
        file.truncate(end)
    rows = np.concatenate(found)
    if len(rows) != stop - first:
        raise damaged(path, f"it has {len(rows)} of {stop - first} rows")
    return rows
