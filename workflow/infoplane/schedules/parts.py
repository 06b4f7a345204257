"""A measurement divided among jobs: each job measures a part of its epochs or gaps."""

import re
from typing import NamedTuple


class Part(NamedTuple):
    """One of `of` parts, of about the same size; `number` counts from 1."""

    number: int = 1
    of: int = 1

    @property
    def name(self) -> str:
        """'1-of-4', as in names of files."""
        return f"{self.number}-of-{self.of}"

    @classmethod
    def parse(cls, name: str) -> "Part":
        """The part behind a name; ValueError if `name` does not give such a name."""
        numbers = re.fullmatch(r"(\d+)-of-(\d+)", name, re.ASCII)
        part = cls(int(numbers[1]), int(numbers[2])) if numbers else None
        if part is None or not 1 <= part.number <= part.of or part.name != name:
            raise ValueError(f"'{name}' is not the name of a part, such as '1-of-4'")
        return part

    def of_range(self, n: int) -> slice:
        """The part's share of n items in order; it may be empty if there are fewer items than
        parts."""
        return slice((self.number - 1) * n // self.of, self.number * n // self.of)


WHOLE = Part()
