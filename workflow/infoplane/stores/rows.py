"""Rows that are only appended, in one file of a journal; written rows are not written again.

Each append is a block: the number of its first row, its length in bytes, its CRC-32, its bytes.
A kill may leave rows after the last checkpoint; a resumed training cuts them off.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np

from infoplane.stores.archive import damaged

HEAD = struct.Struct("<QQI")


def append(path: Path, first: int, rows: np.ndarray) -> None:
    """Append rows (n, …) to the file, which may not exist yet, and make them safe on the disk.

    first : the number of rows before these
    """
    data = np.ascontiguousarray(rows).tobytes()
    with path.open("ab") as file:
        file.write(HEAD.pack(first, len(data), zlib.crc32(data)) + data)
        file.flush()
        os.fsync(file.fileno())


def taken_up(path: Path, first: int, stop: int, like: np.ndarray) -> np.ndarray:
    """The rows first … stop − 1, after cutting off everything behind them.

    like : rows of the same shape and type
    Raises StoreError if some are missing or damaged.
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
