"""The text of a status: one row per run, one row per estimator, then what needs attention."""

from collections import Counter
from collections.abc import Iterable, Sequence

from infoplane.status.experiment import Measured, Run, Status, Trained


def text(status: Status) -> str:
    """A status as lines of plain text."""
    parts = [f"{status.name}: {status.home}"]
    if status.runs:
        head = ("run", "seeds", "trained to epoch", "lost", "measured")
        parts.append(_table([head, *(_row(run) for run in status.runs)]))
    else:
        parts.append("no runs yet")
    estimators = _by_estimator(status.runs)
    if estimators:
        head = ("estimator", "stores", "values", "flags")
        rows = [
            (name, _of(m.done, m.wanted), str(m.values), _counts(m.flags))
            for name, m in estimators.items()
        ]
        parts.append(_table([head, *rows]))
    remarks = [
        f"  {run.name} seed {seed}: {said}"
        for run in status.runs
        for block in run.blocks
        for seed, said in block.remarks.items()
    ]
    if remarks:
        parts.append("\n".join(["measured, with remarks:", *remarks]))
    if status.running:
        parts.append("\n".join(["running:", *(f"  {line}" for line in status.running)]))
    if status.other:
        head = (
            "outdated: other settings, code or data made them; the next run makes them again:"
        )
        parts.append("\n".join([head, *(f"  {path}" for path in status.other)]))
    if status.failures:
        parts.append("\n".join(["FAILED:", *(f"  {line}" for line in status.failures)]))
    if status.leftovers:
        head = "half-written and no longer growing; the next run writes them again:"
        parts.append("\n".join([head, *(f"  {path}" for path in status.leftovers)]))
    if status.wrong:
        parts.append("\n".join(["DAMAGED:", *(f"  {line}" for line in status.wrong)]))
    return "\n\n".join(parts)


def _row(run: Run) -> tuple[str, ...]:
    done = sum(block.state == "finished" for block in run.blocks)
    lost = Counter()
    for block in run.blocks:
        lost.update({"failed": block.failed, "set aside": block.set_aside})
    return (
        run.name if run.asked_for else f"{run.name} (not in the configuration)",
        f"{_of(done, len(run.blocks))} block{'s' if len(run.blocks) != 1 else ''}",
        "; ".join(_trained(run.blocks)) or "-",
        _counts(+lost),
        _all_measured(run.measured),
    )


def _trained(blocks: Iterable[Trained]) -> list[str]:
    """Finished blocks together, then every other one by name."""
    finished = sorted({(b.epoch, b.epochs) for b in blocks if b.state == "finished"})
    said = [_of(*reached) for reached in finished[:1]]
    if len(finished) > 1:
        said = [f"{finished[0][0]} … {_of(*finished[-1])}"]
    for block in blocks:
        if block.state in ("growing", "halted"):
            at = (
                "not at a checkpoint yet" if block.epoch < 0 else _of(block.epoch, block.epochs)
            )
            said.append(f"{block.block} {at}, {block.state}")
        elif block.state == "failed":
            said.append(f"{block.block} {_of(block.epoch, block.epochs)}, FAILED")
        elif block.state == "damaged":
            said.append(f"{block.block} DAMAGED")
        elif block.state == "other":
            said.append(f"{block.block} outdated")
    return said


def _all_measured(measured: dict[str, Measured]) -> str:
    """Finished estimators by name, or by their number if there are many; others by name."""
    done = [name for name, m in measured.items() if m.done == m.wanted]
    left = [f"{n} {_of(m.done, m.wanted)}" for n, m in measured.items() if n not in done]
    whole = ", ".join(done) if len(done) < 4 else f"{len(done)} estimators"
    return "; ".join(part for part in (whole, ", ".join(left)) if part) or "-"


def _by_estimator(runs: Iterable[Run]) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for run in runs:
        for name, measured in run.measured.items():
            found.setdefault(name, Measured()).add(measured)
    return found


def _of(done: int, wanted: int | None) -> str:
    return str(done) if wanted is None else f"{done} of {wanted}"


def _counts(counts: Counter) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common()) or "-"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
