"""The table of speeds: rows are kept by kind of machine, and the docs show all of them.

benchmark/speeds/avx512.json and avx2.json have the latest rows of every part;
docs/speed-table.md is written from both.
"""

import datetime
import json
import platform
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from clock import Limits, Row

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "benchmark" / "speeds"
TABLE = ROOT / "docs" / "speed-table.md"
KINDS = {"avx512": "AVX-512", "avx2": "AVX2"}
HEAD = """# Table of speeds

Written by `make bench`; [speed](speed.md) explains the rows.

- `ratio`: the peer's time over ours, in one run.
- `distance`: our time over the time of the limit alone, as measured in that run.
- `load`: programs that ran when the benchmark began; with more, times are less exact.

"""


def kind() -> str:
    """The instructions that this process computes with."""
    return "avx512" if "AVX512" in torch.backends.cpu.get_cpu_capability() else "avx2"


def processor() -> str:
    """Name of the CPU, and whether this process uses fewer instructions than it has."""
    told = Path("/proc/cpuinfo").read_text() if platform.system() == "Linux" else ""
    name = re.search(r"model name\s*: (.*)", told)
    held_back = kind() == "avx2" and " avx512f" in told
    return (name[1] if name else platform.processor()) + held_back * ", held to AVX2 (`--avx2`)"


def keep(part: str, rows: Sequence[Row], limits: Limits, threads: int, load: float) -> None:
    """Replace a part's kept rows by these, and write the table."""
    path = KEPT / f"{kind()}.json"
    parts = json.loads(path.read_text()) if path.exists() else {}
    parts[part] = {
        "machine": f"{processor()}, {threads} threads",
        "load": load,
        "date": datetime.date.today().isoformat(),
        "limits": str(limits),
        "rows": [row._replace(note="")._asdict() for row in rows],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n")
    write()


def write() -> None:
    """Write the table from all kept rows."""
    kept = {
        name: json.loads(path.read_text())
        for name in KINDS
        if (path := KEPT / f"{name}.json").exists()
    }
    TABLE.write_text(HEAD + _machines(kept) + "".join(_part(p, kept) for p in _parts(kept)))


def _parts(kept: dict) -> list[str]:
    return list(dict.fromkeys(part for parts in kept.values() for part in parts))


def _machines(kept: dict) -> str:
    """A line for each kind, machine and date, with the parts that were measured on it."""
    found: dict[tuple, list] = {}
    for name, parts in kept.items():
        for part, measured in parts.items():
            key = KINDS[name], measured["machine"], measured["date"], f"{measured['load']:.1f}"
            found.setdefault(key, []).append((part, measured["limits"]))
    lines = ["| instructions | machine | date | load | parts | limits |", "|---" * 6 + "|"]
    for key, measured in found.items():
        parts = ", ".join(part for part, _ in measured)
        lines.append(f"| {' | '.join(key)} | {parts} | {measured[-1][1]} |")
    return "\n".join(lines) + "\n"


def _part(part: str, kept: dict) -> str:
    """One part's rows, side by side for each kind of machine."""
    kinds = [name for name in kept if part in kept[name]]
    rows = {
        name: {one["item"]: Row(**one) for one in kept[name][part]["rows"]} for name in kinds
    }
    items = dict.fromkeys(item for name in kinds for item in rows[name])
    columns = [
        c for name in kinds for c in ("peer", f"ours, {KINDS[name]}", "ratio", "distance")
    ]
    lines = [
        f"\n## {part}\n",
        f"| item | {' | '.join(columns)} | limit |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for item in items:
        found = [rows[name].get(item) for name in kinds]
        cells = [cell for row in found for cell in _cells(row)]
        limit = next(row.limit for row in found if row)
        lines.append(f"| {item} | {' | '.join(cells)} | {limit} |")
    return "\n".join(lines) + "\n"


def _cells(row: Row | None) -> list[str]:
    if row is None:
        return [""] * 4
    return [
        duration(row.peer),
        duration(row.ours),
        "" if row.ratio is None else f"{row.ratio:.3g}",
        "" if row.distance is None else f"{row.distance:.2g}",
    ]


def duration(seconds: float | None) -> str:
    """A time to three digits, in a suitable unit."""
    if seconds is None:
        return ""
    for most, unit, name in ((1e-3, 1e-6, "µs"), (1, 1e-3, "ms"), (6000, 1, "s")):
        if seconds < most:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 3600:.3g} h"
