"""Which layers are measured in other coordinates, how often, and under which maps."""

from typing import Literal

from pydantic import Field, field_validator

from infoplane.settings import Settings

MapName = Literal["rescale", "rotate", "monotone", "permute"]
MAPS: tuple[MapName, ...] = ("rescale", "rotate", "monotone", "permute")


class MapSettings(Settings):
    """The maps that are applied to a layer, and how strong they are."""

    maps: list[MapName] = Field(default=[*MAPS], min_length=1)
    """These invertible maps are applied to a layer: rescale multiplies every unit by a number
    of its own, rotate rotates all units together, monotone applies a strictly increasing
    function to every unit, permute changes the order of units; for maps that are read whole,
    rotate and permute act on channels instead of units."""
    repeats: int = Field(default=3, ge=1, le=100)
    """Every layer is measured under this many random maps of each kind."""
    factor: float = Field(default=10.0, gt=1, le=1e6)
    """The largest factor of a unit under rescale, without a unit; its inverse is the smallest,
    and factors are log-uniform between them."""
    seed: int = Field(default=0, ge=0)
    """The random maps are drawn with this seed."""

    @field_validator("maps")
    @classmethod
    def _each_once(cls, maps: list[str]) -> list[str]:
        for name in maps:
            if maps.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
        return maps


class AuditSettings(MapSettings):
    """Which of the experiment's layers are audited, with which of its estimators."""

    runs: list[str] | None = Field(default=None, min_length=1)
    """The layers of these runs are audited; null takes all runs that are measured one by
    one."""
    estimators: list[str] | None = Field(default=None, min_length=1)
    """These estimators are audited, on the runs that they measure; null takes all that give
    information."""
    epochs: int = Field(default=2, ge=1)
    """This many of a run's measured epochs are audited, evenly spread in their order: 1 takes
    the last, 2 the first and the last."""
    seeds: int = Field(default=1, ge=1)
    """This many of a run's seeds are audited, the first ones."""
