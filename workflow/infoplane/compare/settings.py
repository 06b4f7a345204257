"""What is compared, by which signals, at which epochs, and how scores are made."""

from typing import Annotated, Any, Literal

from pydantic import Field

from infoplane.choice import Choice
from infoplane.compare.collapse import Settings as Collapse
from infoplane.compare.strata import DEFAULT, Stratum
from infoplane.settings import Settings as BaseSettings
from infoplane.signals import SIGNALS
from infoplane.signals.settings import Settings as Measure

Target = Literal["accuracy_test", "gap"]
Signal = Annotated[Any, Choice(SIGNALS, "signal")]


class Settings(BaseSettings):
    """How networks are compared, whichever they are."""

    measure: Measure = Measure()
    """The training inputs and the layers of which signals are measured."""
    strata: dict[str, Stratum] = Field(default=DEFAULT, min_length=1)
    """Where networks are compared, by name: each at the end of its training, all at one epoch,
    or each at the same training loss."""
    targets: list[Target] = Field(default=["accuracy_test", "gap"], min_length=1)
    """What a signal is to tell. accuracy_test: the share of test inputs that are right; gap:
    accuracy on training inputs less that on test inputs, where less is better."""
    collapse: Collapse = Collapse()
    """When a network, or an estimate, counts as collapsed."""
    resamples: int = Field(default=1000, ge=0)
    """Resamples of the networks for intervals of scores; 0: no intervals."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Of an interval, the share of resampled scores that it holds."""
    folds: int = Field(default=5, ge=2)
    """Folds of configurations by which the increment over training loss is judged."""
    seed: int = Field(default=0, ge=0)
    """Seed of the resamples."""
