"""Parts of a measurement that several jobs share, next to the store that they become.

    seeds-0-9.zarr.zip               the whole, whatever its number of parts
    seeds-0-9.part-1-of-4.zarr.zip   a part, until the whole exists
    .seeds-0-9.parts                 the number of parts that made the whole, if more than one

Parts with one identity (settings, sources, weights, data) belong together, whatever their
number. If a measurement is half done in four parts and then requested in eight parts, the jobs
measure only the rest.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from infoplane.information import LayerInformation
from infoplane.schedules.parts import WHOLE, Part
from infoplane.stores.archive import SUFFIX, StoreError, name_of
from infoplane.stores.information import Key, read_records

log = logging.getLogger(__name__)


def path_of(whole: Path, part: str) -> Path:
    """The store of a part, such as '1-of-4'."""
    return whole.with_name(f"{name_of(whole)}.part-{part}{SUFFIX}")


def whole_of(part: Path) -> Path:
    """The store to which a part belongs; for a whole, the store itself."""
    return part.with_name(name_of(part).partition(".part-")[0] + SUFFIX)


def part_of(path: Path) -> Part:
    """What a store holds according to its name: a part, or the whole."""
    name = name_of(path).partition(".part-")[2]
    return Part.parse(name) if name else WHOLE


def known_records(path: Path, identity: str) -> dict[Key, LayerInformation]:
    """Records of all finished parts of the same whole with this identity.

    path : of the whole or of a part. A damaged part counts as missing.
    """
    whole = whole_of(path)
    records: dict[Key, LayerInformation] = {}
    for path in sorted(whole.parent.glob(path_of(whole, "*-of-*").name)):
        try:
            found, attributes = read_records(path)
        except StoreError as error:
            log.warning("its epochs are measured again: %s", error)
            continue
        if attributes.get("identity") == identity:
            records |= found
    return records


def gathered(whole: Path, inputs: Iterable[str]) -> None:
    """Note the number of parts of a whole, and remove parts that no job needs.

    inputs : the parts that made it; Snakemake removes these
    """
    inputs = {Path(path).name for path in inputs}
    note = _note_of(whole)
    if inputs:
        note.write_text(f"{len(inputs)}\n", encoding="utf-8")
    else:
        note.unlink(missing_ok=True)
    for path in whole.parent.glob(path_of(whole, "*-of-*").name):
        if path.name not in inputs:
            path.unlink(missing_ok=True)


def number_of(whole: Path) -> int:
    """The number of parts that made an existing whole."""
    try:
        return int(_note_of(whole).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 1


def _note_of(whole: Path) -> Path:
    return whole.with_name(f".{name_of(whole)}.parts")
