"""Where the processor time of an experiment's jobs goes.

    python benchmark/starts.py                            the default experiment
    python benchmark/starts.py --again                    then a start with nothing to do
    python benchmark/starts.py --cold                     without kept machine code
    python benchmark/starts.py --configfile FILE --cores 2

Runs the workflow in a new folder. Every Python process records its own processor time: for
imports, by package, each without the packages that it imports in turn; for compiling; for
reading kept machine code; and for the rest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
OBSERVER = Path(__file__).parent / "observer"
COLUMNS = ("start", "imports", "kept code", "compiling", "work", "all")


def observed(words: list[str], folder: Path, **environment: str) -> list[dict]:
    """The records of the processes that a command starts, in the order in which they end."""
    notes = folder / "notes"
    notes.mkdir(exist_ok=True)
    for note in notes.iterdir():
        note.unlink()
    paths = [str(OBSERVER), str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")]
    told = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "INFOPLANE_NOTES": str(notes)}
    subprocess.run(words, cwd=folder, env={**os.environ, **told, **environment}, check=True)
    written = sorted(notes.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text(encoding="utf-8")) for path in written]


def table(notes: list[dict]) -> str:
    """One line for each process, in seconds of processor time; then packages, of all
    processes."""
    lines = [" | ".join(["process", *COLUMNS, "dearest imports"])]
    packages = Counter()
    for note in notes:
        imports = Counter(note["imports"])
        packages += imports
        spent = {
            "start": note["start"],
            "imports": imports.total(),
            "kept code": note["kept code"],
            "compiling": note["compiling"],
            "all": note["all"],
        }
        spent["work"] = spent["all"] - sum(spent[key] for key in COLUMNS[:4])
        dearest = ", ".join(f"{name} {value:.2f}" for name, value in imports.most_common(7))
        lines.append(
            " | ".join([note["process"], *(f"{spent[key]:.2f}" for key in COLUMNS), dearest])
        )
    dearest = ", ".join(f"{name} {value:.2f}" for name, value in packages.most_common(20))
    total = sum(note["all"] for note in notes)
    return "\n".join([*lines, f"all processes: {total:.2f} s, imports: {dearest}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", type=Path, default=ROOT / "config" / "config.yaml")
    parser.add_argument("--cores", default="1", help="jobs side by side (1)")
    parser.add_argument("--cold", action="store_true", help="without kept machine code")
    parser.add_argument("--again", action="store_true", help="start once more, nothing to do")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = {"NUMBA_CACHE_DIR": str(folder / "kept")} if args.cold else {}
        snakefile = str(ROOT / "workflow" / "Snakefile")
        words = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, "--quiet", "all"]
        words += ["--configfile", str(args.configfile.resolve()), "--cores", args.cores]
        print(table(observed(words, folder, **told)))
        if args.again:
            print(table(observed(words, folder, **told)))


if __name__ == "__main__":
    main()
