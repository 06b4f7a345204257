"""What a rule makes: where it stands, from what and at which cost, and whether it is there."""

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from infoplane.costs import Cost, Request, request
from infoplane.stores.recipes import recipe_in

AROUND_MB, CUDA_MB = 600, 2000
"""What a job's allocation on a cluster holds beside the job itself: two Snakemakes (504 as
measured, more in large experiments), and CUDA's libraries and context (not measured)."""
Notes = Mapping[str, tuple[str, tuple[str, ...]]]
"""Of a folder: files that say by which recipe they were made, each with that by which they are
to be made, and the files that have to be beside them."""


class Standing(Enum):
    """How a result on disk stands to what is asked for."""

    ABSENT = "absent"
    RIGHT = "made from what is asked for"
    OTHER = "made from something else"
    SILENT = "does not say what it was made from"


class Stage:
    """One kind of result. All functions take the names in its path, by their wildcards.

    path : with wildcards; recipe, cost : of one result; gpus : 0 or 1; notes : of a folder of
    results that say each for itself what it was made from
    """

    def __init__(
        self,
        path: str,
        recipe: Callable[..., str],
        cost: Callable[..., Cost],
        gpus: Callable[..., int] | None = None,
        notes: Callable[..., Notes] | None = None,
    ):
        self.path, self.recipe, self.cost = path, recipe, cost
        self.gpus = gpus or (lambda **names: 0)
        self.notes = notes
        self._looked_at: dict[str, Standing] = {}
        self._costs: dict[str, Cost] = {}

    def at(self, **names: str) -> str:
        """The path of one result."""
        return self.path.format(**names)

    def requests(self, **names: str) -> Callable[..., Request]:
        """What a job asks for, by its attempt, and whether it is submitted to a cluster.

        Snakemake asks several times.
        """
        path = self.at(**names)
        if path not in self._costs:
            self._costs[path] = self.cost(**names)

        def requested(attempt: int, submitted: bool = False) -> Request:
            around = AROUND_MB + CUDA_MB * self.gpus(**names) if submitted else 0
            return request(self._costs[path], attempt, around)

        return requested

    def standing(self, **names: str) -> Standing:
        """How a result stands, by what is on disk when it is asked for first."""
        path = self.at(**names)
        if path not in self._looked_at:
            self._looked_at[path] = self._look(Path(path), names)
        return self._looked_at[path]

    def stays(self, **names: str) -> bool:
        """Whether a result stands, made from what is asked for."""
        return self.standing(**names) is Standing.RIGHT

    def made_otherwise(
        self, newer: Path, warn: Callable[[str], None], **names: str
    ) -> list[str]:
        """What has a result of another recipe made anew: `newer`, a file that is newer than all
        results. For one that stands, or is not there, nothing.

        Raises OSError where there is no such file: results may only be read.
        """
        standing, path = self.standing(**names), self.at(**names)
        if standing in (Standing.ABSENT, Standing.RIGHT):
            return []
        if standing is Standing.SILENT:
            why = "it is damaged, or of an older infoplane. It is made anew"
            warn(f"{path} {standing.value}: {why}")
        if not newer.exists():
            raise OSError(
                f"{path} was made otherwise than asked for, and {newer.parent}/ may "
                "only be read"
            )
        return [str(newer)]

    def _look(self, path: Path, names: Mapping[str, str]) -> Standing:
        if not path.exists():
            return Standing.ABSENT
        if self.notes:
            return Standing.RIGHT if stand(self.notes(**names)) else Standing.OTHER
        made_by = recipe_in(path)
        if made_by is None:
            return Standing.SILENT
        return Standing.RIGHT if made_by == self.recipe(**names) else Standing.OTHER


def stand(notes: Notes) -> bool:
    """Whether all results of a folder are there, and made from what is asked for."""
    return all(
        recipe_in(Path(note)) == recipe and all(Path(file).exists() for file in beside)
        for note, (recipe, beside) in notes.items()
    )
