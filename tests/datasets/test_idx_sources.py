"""mnist, fashion_mnist, notmnist."""

import gzip
import hashlib
import socket
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from infoplane.datasets import downloads, files_of, prepare
from infoplane.datasets.places import MissingData

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def write_pair(folder, images, labels, n_inputs, first_label=0, n_labels=None):
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.arange(n_inputs * 4, dtype=np.uint8)
    (folder / images).write_bytes(
        struct.pack(">BBBB3I", 0, 0, 8, 3, n_inputs, 2, 2) + pixels.tobytes()
    )
    n_labels = n_inputs if n_labels is None else n_labels
    y = (np.arange(n_labels) % 10 + first_label).astype(np.uint8)
    content = struct.pack(">BBBBI", 0, 0, 8, 1, n_labels) + y.tobytes()
    (folder / f"{labels}.gz").write_bytes(gzip.compress(content))


def test_mnist_is_the_original(settings, real_data, tmp_path):
    data = prepare(settings("mnist", flatten=False), [real_data, tmp_path])
    assert data.x.shape == (70_000, 1, 28, 28) and data.x.dtype == np.float32
    assert (data.x.min(), data.x.max()) == (0, 1)
    assert data.train.tolist() == list(range(60_000))
    assert data.test.tolist() == list(range(60_000, 70_000))
    assert data.y[:5].tolist() == [5, 0, 4, 1, 9]  # the first of the training files
    assert data.y[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    # the mean and deviation that everyone normalises MNIST by
    assert data.x[:60_000].mean(dtype=float) == pytest.approx(0.1307, abs=1e-4)
    assert data.x[:60_000].std(dtype=float) == pytest.approx(0.3081, abs=1e-4)
    assert data.label().class_names == tuple("0123456789")


def test_notmnist_is_split_by_fraction(settings, real_data, tmp_path):
    chosen = settings("notmnist")
    data = prepare(chosen, [real_data, tmp_path])
    assert data.x.shape == (10_000, 784)
    assert np.bincount(data.y).tolist() == [1000] * 10
    assert np.bincount(data.y[data.train]).tolist() == [800] * 10
    assert data.label().class_names == tuple("ABCDEFGHIJ")
    assert data.attributes["entropy_x"] < np.log2(10_000)  # some letters are there twice
    assert "t10k" in data.attributes["notes"][0]
    assert {path.name for path in files_of(chosen, [real_data, tmp_path])} == {
        f"{TEST_IMAGES}.gz",
        f"{TEST_LABELS}.gz",
    }


def test_notmnist_with_training_files_has_own_split(settings, tmp_path):
    folder = tmp_path / "notMNIST/raw"
    write_pair(folder, TRAIN_IMAGES, TRAIN_LABELS, 30)
    write_pair(folder, TEST_IMAGES, TEST_LABELS, 10)
    data = prepare(settings("notmnist"), [tmp_path])
    assert (len(data.train), len(data.test), data.attributes["notes"]) == (30, 10, [])
    np.testing.assert_array_equal(data.x[1], np.arange(4, 8, dtype=np.float32) / 255)
    assert len(files_of(settings("notmnist"), [tmp_path])) == 4


def test_notmnist_absent_names_files_and_folders(settings, tmp_path):
    with pytest.raises(MissingData) as caught:
        prepare(settings("notmnist"), [tmp_path / "a", tmp_path / "b"])
    for part in (
        TEST_IMAGES,
        TEST_LABELS,
        "a/notMNIST/raw",
        "b/notMNIST/raw",
        "INFOPLANE_DATA",
    ):
        assert part in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_notmnist_half_a_pair_names_the_other_half(settings, tmp_path):
    folder = tmp_path / "notMNIST/raw"
    write_pair(folder, TEST_IMAGES, TEST_LABELS, 10)
    write_pair(folder, TRAIN_IMAGES, TRAIN_LABELS, 10)
    (folder / f"{TRAIN_LABELS}.gz").unlink()
    with pytest.raises(MissingData, match=rf"not found: {TRAIN_LABELS}\(.gz\)\."):
        prepare(settings("notmnist"), [tmp_path])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"n_labels": 9}, "10 images, .* 9 labels"), ({"first_label": 1}, "holds the label 10")],
)
def test_images_and_labels_that_disagree_are_refused(settings, tmp_path, wrong, message):
    write_pair(tmp_path / "notMNIST/raw", TEST_IMAGES, TEST_LABELS, 10, **wrong)
    with pytest.raises(ValueError, match=message):
        prepare(settings("notmnist"), [tmp_path])


@pytest.mark.parametrize(
    ("source", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")]
)
def test_published_set_is_pieced_together_from_places(settings, tmp_path, source, folder):
    write_pair(tmp_path / "a" / folder / "raw", TRAIN_IMAGES, TRAIN_LABELS, 30)
    write_pair(tmp_path / "b" / folder / "raw", TEST_IMAGES, TEST_LABELS, 10)
    data = prepare(settings(source), [tmp_path / "a", tmp_path / "b"])
    assert (len(data.train), len(data.test)) == (30, 10)
    assert files_of(settings(source), [tmp_path / "a", tmp_path / "b"]) == []


@pytest.mark.parametrize(
    ("source", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")]
)
def test_published_set_offline_names_files_and_folders(
    settings, tmp_path, offline, source, folder
):
    given, downloaded = tmp_path / "given", tmp_path / "downloaded"
    write_pair(given / folder / "raw", TRAIN_IMAGES, TRAIN_LABELS, 30)
    with pytest.raises(MissingData) as caught:
        prepare(settings(source), [given, downloaded])
    message = str(caught.value)
    for part in (
        f"{source}: not found: {TEST_IMAGES}(.gz), {TEST_LABELS}(.gz).",
        f"{given / folder}/raw, {downloaded / folder}/raw",
        "Name or service not known",
        f"Put the files into {downloaded / folder}/raw",
    ):
        assert part in message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert list((downloaded / folder / "raw").iterdir()) == []  # nothing half-written


@pytest.fixture
def server(tmp_path):
    """Address of a web server on this machine that has a.gz in its root."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.gz").write_bytes(b"content")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_download_comes_from_the_next_mirror_whole_or_not(tmp_path, server):
    addresses = [f"{server}/absent/a.gz", f"{server}/a.gz"]
    path = downloads.fetch(addresses, hashlib.md5(b"content").hexdigest(), tmp_path / "to")
    assert path == tmp_path / "to/a.gz" and path.read_bytes() == b"content"
    with pytest.raises(downloads.DownloadFailed, match=r"404.*; .*corrupted"):
        downloads.fetch(addresses, "0" * 32, tmp_path / "bad")
    assert list((tmp_path / "bad").iterdir()) == []


def test_download_gives_up_on_a_silent_server(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a.gz"
        with pytest.raises(downloads.DownloadFailed, match="timed out"):
            downloads.fetch([address], "0" * 32, tmp_path)
    assert socket.getdefaulttimeout() is None


def test_download_into_a_folder_that_cannot_be_made_is_told(settings, tmp_path, offline):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingData, match="The download failed"):
        prepare(settings("mnist"), [tmp_path / "file"])
