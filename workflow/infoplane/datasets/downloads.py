"""Downloads of published files: checked by md5, and either complete or absent."""

import socket
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

TIMEOUT = 20.0
"""Seconds without an answer after which a server counts as unreachable."""


class DownloadFailed(Exception):
    """No address gave the file; the message has one reason per address."""


def fetch(addresses: Sequence[str], md5: str, folder: Path) -> Path:
    """Download one file into folder from the first address that gives it with this md5.

    Raises DownloadFailed.
    """
    from torchvision.datasets.utils import download_url  # imported here: it takes seconds

    name = addresses[0].rsplit("/", 1)[-1]
    reasons = []
    for address in addresses:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # in a folder of its own first: a job that is killed, or two jobs at once, then
            # leave no half-written file under the final name
            with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as aside:
                with _timeout(TIMEOUT):
                    download_url(address, aside, filename=name, md5=md5)
                return (Path(aside) / name).replace(folder / name)
        except (OSError, HTTPException, RuntimeError) as error:
            reasons.append(f"{address}: {error}")
    raise DownloadFailed("; ".join(reasons))


@contextmanager
def _timeout(seconds: float):
    # urllib takes no timeout through torchvision, only the process-wide default
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
