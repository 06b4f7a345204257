"""What every script begins with: its log file, its threads, errors that say where to look."""

import logging
import sys
from contextlib import contextmanager

from infoplane.machine import use_threads


@contextmanager
def job(snakemake):
    """Run a job's body with n threads, its log in its log file, its error in a sentence."""
    logging.basicConfig(
        filename=snakemake.log[0],
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.captureWarnings(True)
    use_threads(snakemake.threads)
    try:
        yield
    except Exception as error:
        logging.exception("%s failed", snakemake.rule)
        sys.exit(f"{snakemake.rule} ({', '.join(snakemake.wildcards)}): {error}")
