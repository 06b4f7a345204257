"""Functions compiled by numba; their machine code is kept on disk if possible.

Compiling takes seconds to a minute, so numba keeps the machine code beside the source, or below
the home directory. A computation needs neither folder. If none can be written (a read-only
installation, a job without a home directory, a full disk), or if the kept code cannot be read,
the function is compiled again.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numba
from numba.core.caching import FunctionCache

log = logging.getLogger(__name__)

REMEDY = (
    "every process compiles again, which takes up to a minute. Set NUMBA_CACHE_DIR to a folder "
    "that can be written"
)
FIRST_USE = (
    "first use: infoplane compiles machine code, which takes seconds to a minute and is kept; "
    "`python -m infoplane.compile` compiles all of it at once"
)
KEPT: list[numba.core.dispatcher.Dispatcher] = []
"""All functions of the imported modules whose machine code is kept."""


def compiled(**options) -> Callable:
    """numba.njit with these options; its machine code is kept if possible."""

    def decorated(function):
        dispatcher = numba.njit(**options)(function)
        dispatcher._cache = _Kept(function)
        KEPT.append(dispatcher)
        return dispatcher

    return decorated


class _Kept(FunctionCache):
    """numba's own cache, without its errors and with one key more."""

    def __init__(self, function):
        self._of = f"{function.__module__}.{function.__qualname__}"
        try:
            super().__init__(function)
        except RuntimeError:  # "no locator available": no folder can be written
            self._cache_path = None
            self.disable()

    def _load_overload(self, sig, target_context):
        if self.cache_path is None:
            _say(f"compiled code cannot be kept in any folder: {REMEDY}")
        found = None
        try:
            found = super()._load_overload(sig, target_context)
        except Exception as error:  # damaged bytes may raise anything
            log.info("compiled code in %s is not readable (%s)", self.cache_path, error)
        if found is None:
            if self.cache_path is not None:
                _say(FIRST_USE)
            log.info("first use: compiling %s", self._of)
            self._began = time.perf_counter()
        return found

    def _save_overload(self, sig, data):
        log.info("compiled %s in %.1f s", self._of, time.perf_counter() - self._began)
        try:
            super()._save_overload(sig, data)
        except OSError as error:
            _say(f"compiled code cannot be kept in {self.cache_path} ({error}): {REMEDY}")
        except Exception:  # a damaged index
            self.flush()
            super()._save_overload(sig, data)

    def _index_key(self, sig, codegen):
        """numba's stamp, and the files of compiled functions that this one calls, which numba
        leaves out."""
        return (*super()._index_key(sig, codegen), _digest_of_files(self._py_func))


def _digest_of_files(function) -> str:
    found, waiting = {function}, [function]
    while waiting:
        code, known = waiting[-1].__code__, waiting.pop().__globals__
        called = {_python_of(known.get(name)) for name in code.co_names}
        waiting += called - found - {None}
        found |= called - {None}
    files = sorted({one.__code__.co_filename for one in found})
    contents = [hashlib.sha256(Path(file).read_bytes()).digest() for file in files]
    return hashlib.sha256(b"".join(contents)).hexdigest()


def _python_of(function) -> Callable | None:
    """The Python function behind a compiled function or an intrinsic; None for anything
    else."""
    return getattr(function, "py_func", None) or getattr(function, "_defn", None)


@cache
def _say(text: str) -> None:
    """Warn, once a process."""
    log.warning(text)
