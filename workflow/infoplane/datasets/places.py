"""The folders that are searched for files of data sets, and the message if they are missing."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path


class MissingData(FileNotFoundError):
    """Files of a data set are absent. The message names them and the folders, and says what to
    do."""


def default_places() -> list[Path]:
    """$INFOPLANE_DATA if it is set, then resources/datasets, which takes downloads."""
    given = os.environ.get("INFOPLANE_DATA")
    return [*([Path(given)] if given else []), Path("resources/datasets")]


def folders(places: Iterable[str | Path] | None) -> list[Path]:
    """The places as paths; the default ones for None."""
    return default_places() if places is None else [Path(place) for place in places]


def candidates(path: Path, places: Sequence[Path]) -> list[Path]:
    """Candidates for a path of the settings: in the working directory, then in the places."""
    path = path.expanduser()
    return [path] if path.is_absolute() else [path, *(place / path for place in places)]


def first_existing(paths: Iterable[Path]) -> Path | None:
    """The first of the paths that exists, or None."""
    return next((path for path in paths if path.exists()), None)


def missing(
    source: str, names: Sequence[str], searched: Sequence[Path], reason: str = ""
) -> MissingData:
    """The error for absent files.

    names : the files, relative to the searched folders; the user may put them into the last one
    reason : a sentence, why they could not be downloaded
    """
    looked = ", ".join(str(folder.resolve()) for folder in searched)
    return MissingData(
        f"{source}: not found: {', '.join(names)}. Searched: {looked}. "
        + (f"{reason} " if reason else "")
        + f"Put the files into {searched[-1].resolve()}, or set INFOPLANE_DATA to a folder "
        "that holds them in the same layout."
    )
