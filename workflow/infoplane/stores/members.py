"""Members of a store, which Zarr reads at their place in the file.

Zarr's own ZipStore reads through zipfile, which reads everything before the requested bytes and
moves the file position that threads and forks share.
"""

import os
import struct
import zipfile
import zlib

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.storage import ZipStore

HEAD = struct.Struct("<4s22xHH")
"""Head of a member: magic bytes, and the lengths of its name and of its extra field."""


class Members(ZipStore):
    """A store, opened for reading. A member that is read whole is compared with its CRC-32."""

    def __init__(self, path):
        super().__init__(path, mode="r")
        self._starts: dict[str, int] = {}

    async def get(self, key, prototype, byte_range=None):
        """The content of a member, or a part of it; None if there is no member of this name."""
        if not self._is_open:
            self._sync_open()
        try:
            about = self._zf.getinfo(key)
        except KeyError:
            return None
        first, stop = _range(byte_range, about.file_size)
        content = self._read(self._start(about) + first, stop - first)
        if byte_range is None and zlib.crc32(content) != about.CRC:
            raise zipfile.BadZipFile(f"bad CRC-32 of {key}")
        return prototype.buffer.from_bytes(content)

    async def get_partial_values(self, prototype, key_ranges):
        """The same for several members."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    def _start(self, about: zipfile.ZipInfo) -> int:
        """The offset of a member's content."""
        if about.filename not in self._starts:
            name = about.filename.encode()
            head = self._read(about.header_offset, HEAD.size + len(name))
            magic, n_name, n_more = HEAD.unpack_from(head)
            if magic != b"PK\3\4" or n_name != len(name) or head[HEAD.size :] != name:
                raise zipfile.BadZipFile(f"no {about.filename} where its directory says")
            self._starts[about.filename] = about.header_offset + len(head) + n_more
        return self._starts[about.filename]

    def _read(self, start: int, length: int) -> bytes:
        content = os.pread(self._zf.fp.fileno(), length, start)
        if len(content) != length:
            raise EOFError(f"{self.path} ends before byte {start + length}")
        return content


def _range(asked, size: int) -> tuple[int, int]:
    """The first byte of the requested range in a member of this size, and the byte after its
    last."""
    match asked:
        case None:
            return 0, size
        case RangeByteRequest(start, end):
            return start, min(end, size)
        case OffsetByteRequest(offset):
            return offset, size
        case SuffixByteRequest(suffix):
            return max(size - suffix, 0), size
    raise TypeError(f"not a range of bytes: {asked}")
