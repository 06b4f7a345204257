"""Parts of a measurement that several jobs share, beside the store they become.

    seeds-0-9.zarr.zip               the whole, which does not tell of how many parts
    seeds-0-9.part-1-of-4.zarr.zip   a part, until the whole stands
    .seeds-0-9.parts                 in how many the whole was made, where in more than one

Parts agree where they are of one identity (settings, sources, weights, data), and then it does
not matter how many there were to be: asked for in eight parts what was half done in four, the
jobs measure what is left.
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
    """The store that a part is of; a whole itself."""
    return part.with_name(name_of(part).partition(".part-")[0] + SUFFIX)


def part_of(path: Path) -> Part:
    """What a store holds by its name: a part, or the whole."""
    name = name_of(path).partition(".part-")[2]
    return Part.parse(name) if name else WHOLE


def known_records(path: Path, identity: str) -> dict[Key, LayerInformation]:
    """Records of all finished parts of the same whole that are of this identity.

    path : of the whole or of a part. A damaged part counts as not there.
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
    """Note of how many parts a whole was made, and remove parts that nobody waits for.

    inputs : the parts that it was asked to be made of; Snakemake removes these
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
    """In how many parts a whole that stands was made."""
    try:
        return int(_note_of(whole).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 1


def _note_of(whole: Path) -> Path:
    return whole.with_name(f".{name_of(whole)}.parts")
