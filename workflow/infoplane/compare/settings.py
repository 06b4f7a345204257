"""Settings of a comparison: its signals, its epochs and its scores."""

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
    """Settings of a comparison that do not depend on the networks."""

    measure: Measure = Measure()
    """This section sets the training inputs, layers and readings of signals."""
    strata: dict[str, Stratum] = Field(default=DEFAULT, min_length=1)
    """Strata name the epochs at which networks are compared: each network at the end of its
    training, all at one epoch, or each at the same training loss."""
    targets: list[Target] = Field(default=["accuracy_test", "gap"], min_length=1)
    """A signal should predict these targets. accuracy_test is the share of test inputs with the
    right label; gap is the accuracy on training inputs minus the accuracy on test inputs, and
    less is better."""
    collapse: Collapse = Collapse()
    """A network, or an estimate, counts as collapsed by these thresholds."""
    resamples: int = Field(default=1000, ge=0)
    """Intervals of scores come from this many resamples of the networks; 0 gives no
    intervals."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """An interval holds this share of the resampled scores."""
    folds: int = Field(default=5, ge=2)
    """The increment over training loss is judged on this many folds of configurations."""
    seed: int = Field(default=0, ge=0)
    """The resamples are drawn with this seed."""
