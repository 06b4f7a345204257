"""`python -m infoplane.status [experiments] [--configfile …]`: the state of experiments.

Without an argument it prints the state of every experiment below results/, from its files.
"""

import argparse
import shutil
import sys
from pathlib import Path

from infoplane.deferred import defer_for_a_plan
from infoplane.status.experiment import status_of
from infoplane.status.show import text
from infoplane.terminal import use_any_encoding

RESULTS, LOGS = Path("results"), Path("logs")


def main() -> None:
    use_any_encoding()
    parser = argparse.ArgumentParser(prog="python -m infoplane.status", description=__doc__)
    parser.add_argument("experiments", nargs="*", help="names of folders below results/")
    parser.add_argument("--configfile", nargs="+", type=Path, default=[], metavar="FILE")
    given = parser.parse_args()
    try:
        wanted = {}
        if given.configfile:
            defer_for_a_plan()
            from infoplane.status.wanted import wanted_by

            wanted = dict(wanted_by(file, RESULTS) for file in given.configfile)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    names = [*wanted, *(name for name in given.experiments if name not in wanted)]
    if not names:
        names = sorted(path.parent.name for path in RESULTS.glob("*/runs"))
    absent = [n for n in names if n not in wanted and not (RESULTS / n).is_dir()]
    if absent:
        sys.exit(f"{RESULTS / absent[0]} does not exist; `ls {RESULTS}` lists what exists")
    statuses = [status_of(RESULTS / n, LOGS / n, wanted.get(n)) for n in names]
    report = "\n\n\n".join(map(text, statuses)) or f"no experiment in {RESULTS} yet"
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        report = "\n".join(_cut(line, columns) for line in report.splitlines())
    print(report)


def _cut(line: str, columns: int) -> str:
    """A table's line at the terminal's width; a sentence stays whole, to be copied."""
    whole = len(line) <= columns or line.startswith("  ")
    return line if whole else line[: columns - 1] + "…"


if __name__ == "__main__":
    main()
