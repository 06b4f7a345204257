import gzip
import hashlib
import struct

import numpy as np
import pytest

from infoplane.datasets.idx import read_idx


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_idx_returns_what_was_written(tmp_path, packed):
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5)).astype(np.uint8)
    path = tmp_path / ("a-ubyte.gz" if packed else "a-ubyte")
    path.write_bytes(gzip.compress(idx(images)) if packed else idx(images))
    assert (read_idx(path, 3) == images).all()


WHOLE = idx(np.zeros((3, 4, 5), np.uint8))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("short", WHOLE[:-1], r"announces 60 values \(3, 4, 5\), it holds 59"),
        ("long", WHOLE + b"\0", "announces 60 values .* it holds 61"),
        ("header", WHOLE[:9], "not an IDX file"),
        ("empty", b"", "not an IDX file"),
        ("labels", idx(np.zeros(3, np.uint8)), "3 dimensions: it starts with 00 00 08 01"),
        ("floats", idx(np.zeros((1, 1, 1), np.float32), kind=0x0D), "00 00 0d 03"),
        ("short.gz", gzip.compress(WHOLE)[:-9], "truncated or damaged"),
        ("flipped.gz", gzip.compress(WHOLE)[:-6] + b"xxxxxx", "truncated or damaged"),
        ("plain.gz", WHOLE, "truncated or damaged"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_idx_damage_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)


def test_idx_reads_real_mnist(real_data):
    packed = real_data / "MNIST/raw/t10k-images-idx3-ubyte.gz"
    unpacked = gzip.decompress(packed.read_bytes())
    assert hashlib.md5(unpacked).hexdigest() == "2646ac647ad5339dbf082846283269ea"
    images = read_idx(packed, 3)
    assert images.shape == (10_000, 28, 28)
    assert images.tobytes() == unpacked[16:]
