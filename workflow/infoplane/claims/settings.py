"""A claim: a sentence, the networks that it is about, a statistic, a direction and a
threshold."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from infoplane.compare.settings import Target
from infoplane.settings import Settings


class Statistic(NamedTuple):
    """A number that a claim is about.

    quantity : ixt or ity, from which it is made, or ""
    unit : the unit of the number and of the threshold
    words : the number in words
    """

    quantity: str
    unit: str
    words: str


STATISTICS = {
    "compression": Statistic("ixt", "bits", "I(X;T) at its turn minus at the last epoch"),
    "rise": Statistic("ixt", "bits", "I(X;T) at its turn minus at the first epoch"),
    "fitting": Statistic(
        "ity", "bits", "I(T;Y) at the turn of I(X;T) minus at the first epoch"
    ),
    "ity_end": Statistic("ity", "bits", "I(T;Y) at the last epoch"),
    "turn": Statistic("ixt", "epochs", "the epoch at which I(X;T) is highest"),
    "gradient_snr": Statistic(
        "", "ratio", "‖mean‖ over ‖standard deviation‖ of the gradient at the turn of I(X;T)"
    ),
}
"""Statistics of phases (phases.networks), each for one network."""
SCORES = {
    "in_order": Statistic("", "share", "share of pairs of networks in the right order"),
    "kendall": Statistic("", "tau", "Kendall's τ of signal and target"),
    "sign_error_mean": Statistic("", "share", "mean sign error over environments"),
    "sign_error_90": Statistic("", "share", "sign error of the 90th percentile"),
    "sign_error_max": Statistic("", "share", "largest sign error of an environment"),
    "granulated": Statistic("", "tau", "granulated Kendall's τ"),
    "conditional_information": Statistic("", "share", "least normalised information"),
    "increment": Statistic("", "R2", "R² that the signal adds to the training loss"),
}
"""Scores of signals (compare.scores), each for one family in one stratum."""
NO_INTERVAL = "no interval: "
"""The note of an analysis with a value but no interval begins with these words."""
Texts = Annotated[list[str], Field(min_length=1)]


class Claim(Settings):
    """A claim, and the values of its statistic that contradict it."""

    claim: str
    """This key chooses what the claim is about: phases of training, or an order of networks."""
    sentence: str = Field(min_length=1)
    """The report prints this sentence as the claim."""
    source: str = ""
    """The report names this as the source of the claim."""
    direction: Literal["above", "below"]
    """The claim holds for a network if the statistic is on this side of the threshold."""
    threshold: float
    """The statistic is compared with this number, in `unit`."""


class PhaseClaim(Claim):
    """A claim about the phases of training, tried on every network with every estimator."""

    claim: Literal["phase"]
    """The claim is about the phases of training, and is tried on every network with every
    estimator."""
    runs: Texts
    """The claim is about the networks of these runs; a run with a sweep stands for all its
    variants."""
    layers: Literal["last_hidden", "hidden"] | Texts = "last_hidden"
    """The claim is about these layers. last_hidden is the measured layer before the output,
    hidden every measured layer but the output; a list names measured layers."""
    estimators: Texts | None = None
    """The claim is tried with these estimators; a sweep stands for all its variants, and null
    takes every estimator of information that measures a run."""
    statistic: Literal["compression", "rise", "fitting", "ity_end", "turn", "gradient_snr"]
    """This number of each network is compared with the threshold. compression is I(X;T) at its
    turn minus at the last epoch, rise I(X;T) at its turn minus at the first epoch, fitting
    I(T;Y) at that turn minus at the first epoch, ity_end I(T;Y) at the last epoch, all in bits;
    turn is the epoch at which I(X;T) is highest; gradient_snr is the ratio of the mean to the
    standard deviation of the layer's gradient at the turn."""
    unit: Literal["bits", "epochs", "ratio"]
    """The threshold is in this unit, which must be the unit of the statistic."""


class OrderClaim(Claim):
    """A claim about which signal identifies the better of two networks, tried on every
    family."""

    claim: Literal["order"]
    """The claim is about which signal identifies the better of two networks, and is tried on
    every family of `compare`."""
    signals: Texts
    """The claim is tried with each of these signals of `compare`."""
    than: str | None = None
    """The statistic is the score of each signal minus the score of this signal; null takes the
    score itself."""
    layer: str | None = None
    """Signals of layers are taken at this layer: its name, last_hidden, or mean for the mean
    over the measured layers; null means last_hidden."""
    families: Texts | None = None
    """The claim is tried on these families of `compare`; null takes all."""
    strata: Texts | None = None
    """The claim is tried in these strata of `compare`; null takes all."""
    target: Target = "accuracy_test"
    """The score measures how well a signal predicts this target, one of `compare.targets`."""
    statistic: Literal[
        "in_order",
        "kendall",
        "sign_error_mean",
        "sign_error_90",
        "sign_error_max",
        "granulated",
        "conditional_information",
        "increment",
    ] = "in_order"
    """This score, a column in the table of scores of `compare`, is compared with the
    threshold."""
    unit: Literal["share", "tau", "R2"]
    """The threshold is in this unit, which must be the unit of the score: a share between 0 and
    1, Kendall's τ, or R²."""


AnyClaim = Annotated[PhaseClaim | OrderClaim, Field(discriminator="claim")]


def statistic_of(claim: Claim) -> Statistic:
    """The statistic that a claim is about."""
    return (STATISTICS if isinstance(claim, PhaseClaim) else SCORES)[claim.statistic]
