"""Which layers are looked at in other coordinates, how often, and by which maps."""

from typing import Literal

from pydantic import Field, field_validator

from infoplane.settings import Settings

MapName = Literal["rescale", "rotate", "monotone", "permute"]
MAPS: tuple[MapName, ...] = ("rescale", "rotate", "monotone", "permute")


class MapSettings(Settings):
    """Which maps are applied to a layer, and how far they go."""

    maps: list[MapName] = Field(default=[*MAPS], min_length=1)
    """Invertible maps of a layer: rescale multiplies every unit by a number of its own, rotate
    turns all units together, monotone bends every unit by a strictly increasing function of its
    own, permute changes their order; of maps that are read whole, rotate and permute take
    channels in place of units."""
    repeats: int = Field(default=3, ge=1, le=100)
    """Number of random maps of each kind that every layer is measured under."""
    factor: float = Field(default=10.0, gt=1, le=1e6)
    """Largest number that rescale multiplies a unit by, without a unit; its inverse is the
    smallest, and between them all are log-uniform."""
    seed: int = Field(default=0, ge=0)
    """Seed of the random maps."""

    @field_validator("maps")
    @classmethod
    def _each_once(cls, maps: list[str]) -> list[str]:
        for name in maps:
            if maps.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
        return maps


class AuditSettings(MapSettings):
    """Which of the experiment's layers are audited, by which of its estimators."""

    runs: list[str] | None = Field(default=None, min_length=1)
    """Names of the runs whose layers are audited; null: all that are measured one by one."""
    estimators: list[str] | None = Field(default=None, min_length=1)
    """Names of the estimators that are audited, where they measure the run; null: all that give
    information."""
    epochs: int = Field(default=2, ge=1)
    """Number of a run's measured epochs that are audited, evenly spread in their order: 1 is
    the last, 2 are the first and the last."""
    seeds: int = Field(default=1, ge=1)
    """Number of a run's seeds that are audited, its first ones."""
