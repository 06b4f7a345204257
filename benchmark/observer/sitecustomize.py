"""Python imports this at its start, where it is on its path: it observes the process.

`benchmark/starts.py` puts it there. As the process ends it writes to the folder INFOPLANE_NOTES
what processor time went to what.
"""

import atexit
import importlib._bootstrap as bootstrap
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

START = time.process_time()
imports = defaultdict(float)
spent = {"kept code": 0.0, "compiling": 0.0}
# Of each open import or compilation: the seconds spent in those that it began in turn.
within = [0.0]


class Clock:
    """Processor seconds of a stretch, without those of the stretches inside it."""

    def __enter__(self):
        within.append(0.0)
        self.began = time.thread_time()
        return self

    def __exit__(self, *_):
        took = time.thread_time() - self.began
        self.alone = took - within.pop()
        within[-1] += took


def find_and_load(name, import_, original=bootstrap._find_and_load):
    try:
        with Clock() as clock:
            return original(name, import_)
    finally:
        imports[name.partition(".")[0]] += clock.alone
        if name == "numba.core.caching":
            observe_numba()


def observe_numba():
    from numba.core import caching, event

    class Compiling(event.Listener):
        def on_start(self, event):
            self.clocks = [*getattr(self, "clocks", []), Clock().__enter__()]

        def on_end(self, event):
            clock = self.clocks.pop()
            clock.__exit__()
            spent["compiling"] += clock.alone

    event.register("numba:compile", Compiling())
    load = caching.Cache.load_overload

    def observed(self, *words):
        with Clock() as clock:
            found = load(self, *words)
        spent["kept code"] += clock.alone
        return found

    caching.Cache.load_overload = observed


def write():
    job = getattr(sys.modules["__main__"], "snakemake", None)
    process = " ".join([job.rule, *job.wildcards]) if hasattr(job, "rule") else "Snakemake"
    note = {"process": process, "start": START, "imports": imports, **spent}
    note["all"] = time.process_time()
    path = Path(os.environ["INFOPLANE_NOTES"], f"{os.getpid()}.json")
    path.write_text(json.dumps(note), encoding="utf-8")


bootstrap._find_and_load = find_and_load
atexit.register(write)
