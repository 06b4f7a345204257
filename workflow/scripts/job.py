"""The frame of every script: its log file, its errors, and the record of what it took."""

import atexit
import gc
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

BEGAN = time.perf_counter()

# Modules stay: a search for garbage among them takes a sixth of the time of their import.
gc.disable()
NEW_OBJECTS = 20_000
"""New objects between two searches for garbage; Python's own 700 make drawing 6 % slower."""

# The library is found even if it is not installed (an environment of `--sdm conda`).
LIBRARY = str(Path(__file__).parents[1])
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)
# The user's own estimators are found in the working directory.
sys.path.append(str(Path.cwd()))

from infoplane import spent  # noqa: E402  found by the path set above
from infoplane.settings import without_descriptions  # noqa: E402

without_descriptions()


@contextmanager
def job(snakemake):
    """Run a job's body; its log goes to its log file, and an error becomes one sentence.

    Warnings and errors go to the terminal too; every line names its job. The time and memory of
    a job that did not fail are written to benchmarks/, and then the process ends.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()
    title = " ".join([snakemake.rule, *snakemake.wildcards])
    how = {"encoding": "utf-8", "errors": "backslashreplace"}  # whatever the locale
    to_file = logging.FileHandler(snakemake.log[0], mode="w", **how)
    to_terminal = logging.StreamHandler()
    to_terminal.setLevel(logging.WARNING)
    logging.basicConfig(
        handlers=[to_file, to_terminal],
        level=logging.INFO,
        format=f"%(asctime)s %(levelname)s {title.replace('%', '%%')}: %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
    )
    logging.captureWarnings(True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it logs each glyph of a PDF
    try:
        yield
    except Exception as error:
        to_terminal.setLevel(logging.CRITICAL)  # the terminal gets no traceback
        logging.exception("failed")
        sys.exit(f"{title}: {error}")
    spent.write(spent.path_of(Path(snakemake.log[0])), time.perf_counter() - BEGAN)
    _end()


def _end() -> NoReturn:
    """End this process, after its threads and all that was registered for the end. Python would
    also take all modules apart, which takes 0.2 s after an import of torch."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
