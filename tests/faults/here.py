"""Snakemake, and scripts of its jobs, in forks of a process that has their imports behind it.

All that is torch, Zarr and Snakemake is imported once; otherwise it would be most of the time.
"""

import atexit
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import thread
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path


def warm() -> None:
    """Import what Snakemake and the jobs import, with as many threads as Snakemake allows a
    job of one thread."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import pandas  # noqa: F401
    import torch

    import infoplane.config
    import infoplane.costs
    import infoplane.measurement.activations
    import infoplane.measurement.measure
    import infoplane.measurement.pooling
    import infoplane.stores.cache
    import infoplane.stores.joined
    import infoplane.training.loop  # noqa: F401
    from infoplane.estimators import ESTIMATORS
    from infoplane.figures import FIGURES
    from infoplane.networks import FAMILIES
    from infoplane.training import TRAINERS

    assert all(
        [ESTIMATORS["binned"], ESTIMATORS["kde"], FAMILIES["mlp"], TRAINERS["supervised"]]
    )
    assert all([FIGURES["information_plane"], FIGURES["window_length"]])
    torch.set_num_threads(1)


def start(said: Path, root: Path, environment: Mapping[str, str], body, *arguments):
    """A fork that runs body(*arguments) in a folder, and writes to a file what it says."""
    process = get_context("fork").Process(
        target=_run, args=(said, root, environment, body, arguments)
    )
    process.start()
    return process


def _run(said: Path, root: Path, environment: Mapping[str, str], body, arguments) -> None:
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environment)
    _forget_the_parents_end()
    body(*arguments)


def _forget_the_parents_end() -> None:
    """A job runs what is registered for its end and ends its pools of threads; a fork has those
    of its parent too."""
    atexit._clear()
    thread._threads_queues.clear()


def snakemake(arguments: Sequence[str]) -> None:
    """Snakemake's command line; the script of a job is a fork of this process.

    One job at a time, so that nothing else goes on in the process that is forked.
    """
    from snakemake import cli, script

    from infoplane import provenance

    provenance.SCRIPTS = Path("workflow/scripts").resolve()  # the project's own, in its recipes
    script.PythonScript.execute_script = _execute_script
    cli.main([*arguments, "--cores", "1"])


def _execute_script(script, file: str, edit: bool = False) -> None:
    from snakemake.benchmark import benchmarked

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            sys.argv = [file]
            _forget_the_parents_end()
            runpy.run_path(file, run_name="__main__")
            code = 0
        except SystemExit as end:
            print(end.code, file=sys.stderr)
            code = 1 if end.code else 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    record = script.bench_record
    with benchmarked(pid, record) if record is not None else nullcontext():
        _, status = os.waitpid(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(code, file)
