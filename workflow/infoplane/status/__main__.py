"""`python -m infoplane.status [experiments] [--configfile …]`: how far experiments are.

Without an argument: every experiment below results/, as far as its files say.
"""

import argparse
import shutil
import sys
from pathlib import Path

from infoplane.status.experiment import Wanted, status_of
from infoplane.status.show import text

RESULTS, LOGS = Path("results"), Path("logs")


def wanted_by(file: Path) -> tuple[str, dict[str, Wanted]]:
    """Name of a configuration's experiment, and what it asks for by run."""
    # Here, because torch comes with it: without a configuration, a status takes no second.
    import yaml

    from infoplane.config import block_name, load, parse_block, seed_blocks
    from infoplane.config.pools import estimators_of

    experiment = load(yaml.safe_load(file.read_text()), file=str(file))
    wanted = {}
    for name, run in experiment.runs.items():
        stores = (RESULTS / experiment.name / "runs" / name / "weights").glob("seeds-*.zarr")
        existing = sorted(parse_block(store.stem) for store in stores)
        blocks = seed_blocks(run.seeds, existing, run.seeds_per_block)
        pooled = [f"{pool}/{by}" for pool in run.pools for by in estimators_of(run, pool)]
        wanted[name] = Wanted(
            run.training.epochs, [*map(block_name, blocks)], [*run.estimators, *pooled]
        )
    return experiment.name, wanted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infoplane.status", description=__doc__)
    parser.add_argument("experiments", nargs="*", help="names of folders below results/")
    parser.add_argument("--configfile", nargs="+", type=Path, default=[], metavar="FILE")
    given = parser.parse_args()
    try:
        wanted = dict(wanted_by(file) for file in given.configfile)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    names = [*wanted, *(name for name in given.experiments if name not in wanted)]
    if not names:
        names = sorted(path.parent.name for path in RESULTS.glob("*/runs"))
    absent = [n for n in names if n not in wanted and not (RESULTS / n).is_dir()]
    if absent:
        sys.exit(f"{RESULTS / absent[0]} does not exist; what there is: ls {RESULTS}")
    statuses = [status_of(RESULTS / n, LOGS / n, wanted.get(n)) for n in names]
    said = "\n\n\n".join(map(text, statuses)) or f"no experiment in {RESULTS} yet"
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        said = "\n".join(_cut(line, columns) for line in said.splitlines())
    print(said)


def _cut(line: str, columns: int) -> str:
    """A table's line at the terminal's width; a sentence stays whole, to be copied."""
    whole = len(line) <= columns or line.startswith("  ")
    return line if whole else line[: columns - 1] + "…"


if __name__ == "__main__":
    main()
