"""What an estimator's module declares of itself, as one record: its traits."""

from dataclasses import dataclass, fields
from types import ModuleType

INFORMATION_FIGURES = ("information_plane", "information_curves")


@dataclass(frozen=True)
class Traits:
    """A module's `TRAITS = Traits(…)`; what is left out is as it is for most estimators.

    Raises TypeError for a value of another type than the default's.
    """

    together: bool = False
    """A batch is all layers of some seeds at one epoch, in place of one layer's."""
    trains: bool = False
    """It trains networks of its own: under `device: auto` its jobs ask for a GPU."""
    infinite_without_noise: bool = False
    """What it estimates is infinite where T is a function of a continuous X."""
    exact: bool = False
    """It counts what it is asked, so that there is no accuracy to test (regime.py)."""
    without_information: bool = False
    """ixt and ity are NaN: no adaptive schedule."""
    needs_noise: str = ""
    """Why it is for layers with noise of their own alone: a run of a network without `noise` is
    refused, and samples without it are answered with NaN, flagged 'needs_noise'."""
    not_pooled: str = ""
    """Why it can make nothing of pooled epochs or seeds (pooling.py)."""
    exempt_from_dpi: str = ""
    """Why the data processing inequality does not hold for it."""
    quantity: frozenset[str] = frozenset()
    """Keys of its Settings that choose what is estimated and not how well (regime.py)."""
    figures: tuple[str, ...] = INFORMATION_FIGURES
    """The figures drawn of it."""

    def __post_init__(self):
        for one in fields(self):
            value, kind = getattr(self, one.name), type(one.default)
            if not isinstance(value, kind):
                raise TypeError(
                    f"{one.name} of Traits must be of type {kind.__name__}, not {value!r}"
                )


FORMER = frozenset(one.name.upper() for one in fields(Traits))
"""Constants that once said the same, each by itself: whatever had such a name was believed."""


def traits_of(module: ModuleType) -> Traits:
    """The module's TRAITS; of a module without, those of most estimators.

    Raises TypeError where TRAITS is something else, and where a module without TRAITS has a
    constant of a former name, which would not be read.
    """
    if hasattr(module, "TRAITS"):
        if not isinstance(module.TRAITS, Traits):
            raise TypeError(
                f"estimator {module.__name__}: TRAITS must be an infoplane.estimators.traits."
                f"Traits, not {module.TRAITS!r}"
            )
        return module.TRAITS
    if former := sorted(FORMER & vars(module).keys()):
        raise TypeError(
            f"estimator {module.__name__}: {', '.join(former)} is not read; say it as "
            f"TRAITS = Traits({former[0].lower()}=…) of infoplane.estimators.traits, or "
            "TRAITS = Traits() where it means something else"
        )
    return Traits()
