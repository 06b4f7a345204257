"""The results of a rule: their paths, recipes and costs, and whether they exist."""

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from infoplane.costs import Cost, Request, request
from infoplane.stores.recipes import recipe_in

AROUND_MB, CUDA_MB = 600, 2000
"""Memory in a job's allocation on a cluster, in addition to the job: two Snakemakes (504 as
measured, more in large experiments), and CUDA's libraries and context (not measured)."""
Notes = Mapping[str, tuple[str, tuple[str, ...]]]
"""The notes of a folder: files that hold the recipe that made them, each with the planned
recipe and the files that must be with it."""


class Standing(Enum):
    """How a result on disk compares with the request."""

    ABSENT = "absent"
    RIGHT = "made as requested"
    OTHER = "made with other settings, code or inputs"
    SILENT = "holds no recipe"


class Stage:
    """One kind of result. All functions take the names in its path, by their wildcards.

    path : with wildcards; recipe, cost : of one result; gpus : 0 or 1; notes : for a folder, in
        which each result holds its own recipe
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
        """What a job asks for, by its attempt and by whether it is submitted to a cluster.

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
        """The state of a result, from the files on disk at the first call."""
        path = self.at(**names)
        if path not in self._looked_at:
            self._looked_at[path] = self._look(Path(path), names)
        return self._looked_at[path]

    def stays(self, **names: str) -> bool:
        """Whether a result exists, made as requested."""
        return self.standing(**names) is Standing.RIGHT

    def made_otherwise(
        self, newer: Path, warn: Callable[[str], None], **names: str
    ) -> list[str]:
        """Make a result with another recipe again: `newer`, a file that is newer than all
        results, is then an input. Empty for a result that is as requested or missing.

        Raises OSError if there is no such file, because results are read-only.
        """
        standing, path = self.standing(**names), self.at(**names)
        if standing in (Standing.ABSENT, Standing.RIGHT):
            return []
        if standing is Standing.SILENT:
            why = "it is damaged, or from an older infoplane. It is made again"
            warn(f"{path} {standing.value}: {why}")
        if not newer.exists():
            raise OSError(f"{path} must be made again, but {newer.parent}/ is read-only")
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
    """Whether all results of a folder exist, made as requested."""
    return all(
        recipe_in(Path(note)) == recipe and all(Path(file).exists() for file in beside)
        for note, (recipe, beside) in notes.items()
    )
