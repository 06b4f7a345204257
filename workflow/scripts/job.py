"""What every script begins with: its log file, errors that say where to look, what it took."""

import gc
import logging
import sys
import time
from contextlib import contextmanager
from pathlib import Path

BEGAN = time.perf_counter()

# Modules stay: looking for garbage among them, as they are imported, is a sixth of their time.
gc.disable()

# The library is found also where it is not installed (an environment of `--sdm conda`).
LIBRARY = str(Path(__file__).parents[1])
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)
# Estimators of the user's own are found from the working directory.
sys.path.append(str(Path.cwd()))


@contextmanager
def job(snakemake):
    """Run a job's body with its log in its log file, its error in a sentence.

    Warnings and errors go to the terminal too; every line names the job it comes from. What a
    job took that did not fail stands in benchmarks/.
    """
    from infoplane import spent  # found by the path that is set above

    gc.freeze()
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
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of each glyph of a pdf
    try:
        yield
    except Exception as error:
        to_terminal.setLevel(logging.CRITICAL)  # the terminal gets the sentence, not the trace
        logging.exception("failed")
        sys.exit(f"{title}: {error}")
    spent.write(spent.path_of(Path(snakemake.log[0])), time.perf_counter() - BEGAN)
