"""What every script begins with: its log file, errors that say where to look."""

import logging
import sys
from contextlib import contextmanager
from pathlib import Path

# The library is found also where it is not installed (an environment of `--sdm conda`).
LIBRARY = str(Path(__file__).parents[1])
if LIBRARY not in sys.path:
    sys.path.insert(0, LIBRARY)


@contextmanager
def job(snakemake):
    """Run a job's body with its log in its log file, its error in a sentence."""
    logging.basicConfig(
        filename=snakemake.log[0],
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.captureWarnings(True)
    try:
        yield
    except Exception as error:
        logging.exception("%s failed", snakemake.rule)
        sys.exit(f"{snakemake.rule} ({', '.join(snakemake.wildcards)}): {error}")
