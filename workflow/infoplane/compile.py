"""`python -m infoplane.compile`: compile all kernels once and keep the machine code.

With names of methods it compiles their kernels alone. Each method runs on so few samples that
almost all of its time is compiling. `infoplane.compiled` keeps the machine code. If all code of
these sources and this processor is kept already, the program does nothing. The first job that
needs a kernel changed later compiles it.
"""

import compileall
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

LIBRARY = Path(__file__).parent
STAMP = "kernels.txt"
SIZES = ((300, 1, 3), (2000, 2, 1), (2000, 3, 3), (300, 40, 3))
"""Inputs, units and features: each kernel is chosen for one of them."""
OWN_SIZES = {"lga": ((60, 3, 3),), "lnn": SIZES[:3]}
"""Fewer inputs for estimators that are slow per sample or that take few dimensions."""
BESIDE = ("training", "lga", "bmm", "certified")
"""Methods whose kernels take nearly as long as all others together, and are compiled beside
them if there is a second core. They share hardly any kernel with the others."""


def main(chosen: Sequence[str] = ()) -> None:
    if chosen:
        compile_kernels(chosen)
        return
    compileall.compile_dir(LIBRARY.parent, quiet=2)
    folder, made_of = _folder(), _made_of()
    if _stamped(folder) == made_of:
        return
    say(f"compiling kernels into {folder}: it takes one to three minutes, once")
    began = time.perf_counter()
    from numba import config  # imported here: it takes a while

    names = [name for name, _ in uses()]
    beside = [name for name in names if name in BESIDE]
    if beside and config.NUMBA_NUM_THREADS > 1:
        with subprocess.Popen([sys.executable, "-m", "infoplane.compile", *beside]) as other:
            compile_kernels([name for name in names if name not in beside])
        if other.returncode:
            sys.exit(other.returncode)
    else:
        compile_kernels(names)
    say(f"all kernels are compiled ({time.perf_counter() - began:.0f} s)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STAMP).write_text(made_of, encoding="utf-8")
    except OSError as error:
        say(f"{folder} cannot be written ({error}): see the warnings above")


def compile_kernels(chosen: Sequence[str]) -> None:
    """Compile the kernels of these methods."""
    for name, use in uses():
        if name in chosen:
            started = time.perf_counter()
            with _hushed():
                use()
            say(f"kernels of {name} are compiled ({time.perf_counter() - started:.1f} s)")


@contextmanager
def _hushed() -> Iterator[None]:
    """Hide the log lines of a first use: this program reports its compiling itself."""
    from infoplane.compiled import FIRST_USE, log  # imported here: numba takes a while

    def others(record):
        return record.msg != FIRST_USE

    log.addFilter(others)
    try:
        yield
    finally:
        log.removeFilter(others)


def say(text: str) -> None:
    print(f"infoplane: {text}", flush=True)


def uses() -> Iterator[tuple[str, Callable[[], None]]]:
    """Calls, by name, that together compile all kernels."""
    from infoplane.estimators import ESTIMATORS

    yield "training", _train
    for name in ESTIMATORS:
        if not ESTIMATORS[name].trains:
            yield name, lambda name=name: _estimate(name)
    yield "truth", _tell_truth


def _train() -> None:
    from infoplane.datasets import SOURCES
    from infoplane.datasets.prepare import prepare
    from infoplane.networks.mlp import MLP, Settings
    from infoplane.training.supervised import Supervised

    data = prepare(SOURCES["szt"].Settings(source="szt"))
    network = MLP(Settings(hidden=[4, 3]), data.x.shape[1:], 2)
    settings = Supervised.Settings(epochs=1, device="cpu", kernel="compiled")
    trainer = Supervised(settings, network, data, [0, 1])
    for epoch in trainer.epochs:
        trainer.advance(epoch)


def _estimate(name: str) -> None:
    import numpy as np

    import infoplane

    random = np.random.default_rng(0)
    for n, d, features in OWN_SIZES.get(name, SIZES):
        centres = np.tanh(random.normal(size=(n, d))).astype(np.float32)
        t = centres + np.float32(0.05) * random.normal(size=(n, d)).astype(np.float32)
        t[: n // 3] = 1e-9 * t[: n // 3]  # a crowd, which float32 does not resolve
        x = random.normal(size=(n, features)).astype(np.float32)
        given = {"y": random.integers(0, 2, n), "x": x, "centres": centres, "sigma": 0.05}
        infoplane.estimate(t, estimator=name, **given)
    if name == "kde":
        infoplane.estimate(t.reshape(n // 2, 2, d), given["y"][::2], draws=True)
    if name == "binned":
        infoplane.estimate(t, given["y"], estimator=name, binning="equal_mass")


def _tell_truth() -> None:
    import numpy as np

    from infoplane.truth.channel_information import information

    points = np.random.default_rng(0).normal(size=(40, 3))
    information(points, np.arange(40) % 2, 0.5, 0.1, 0)


def _folder() -> Path:
    """The folder where numba keeps most of what it compiles."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = LIBRARY / "__pycache__"
    if os.access(beside if beside.exists() else LIBRARY, os.W_OK):
        return beside
    from numba.misc.appdirs import user_cache_dir

    return Path(user_cache_dir("numba"))


def _made_of() -> str:
    """Digest of the processor, of Python and numba, and of all files with kernels in them."""
    from llvmlite import binding

    processor = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    told = [name for name in os.environ if name.startswith("NUMBA_")]
    about = [*processor, sys.version, version("numba"), *(f"{n}={os.environ[n]}" for n in told)]
    digest = hashlib.sha256("\0".join(about).encode())
    for file in sorted(LIBRARY.rglob("*.py")):
        content = file.read_bytes()
        if b"numba" in content or b"infoplane.compiled" in content:
            digest.update(f"\0{file}\0".encode() + content)
    return digest.hexdigest()


def _stamped(folder: Path) -> str:
    try:
        return (folder / STAMP).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


if __name__ == "__main__":
    main(sys.argv[1:])
