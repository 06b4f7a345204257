"""What is claimed: a sentence, whom it is about, a statistic, a direction and a threshold."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from infoplane.compare.settings import Target
from infoplane.settings import Settings


class Statistic(NamedTuple):
    """A number that a claim is about.

    quantity : ixt or ity, of which it is made, or "" ; unit : of it and of a threshold;
    words : what it is
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
"""Statistics of phases (phases.networks), each of one network."""
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
"""Scores of signals (compare.scores), each of one family in one stratum."""
NO_INTERVAL = "no interval: "
"""The note of an analysis with a value and without an interval begins with this."""
Texts = Annotated[list[str], Field(min_length=1)]


class Claim(Settings):
    """A claim, and what would be against it."""

    claim: str
    """This key chooses what the claim is about: phases of training, or an order of networks."""
    sentence: str = Field(min_length=1)
    """The report prints this sentence, which says what is claimed."""
    source: str = ""
    """The report names this as who claims it."""
    direction: Literal["above", "below"]
    """The claim holds where the statistic is on this side of the threshold."""
    threshold: float
    """The statistic is compared with this number, in `unit`."""


class PhaseClaim(Claim):
    """A claim about the phases of training, tried on every network by every estimator."""

    claim: Literal["phase"]
    """The claim is about the phases of training, and is tried on every network by every
    estimator."""
    runs: Texts
    """The claim is about the networks of these runs; a run with a sweep stands for all its
    variants."""
    layers: Literal["last_hidden", "hidden"] | Texts = "last_hidden"
    """The claim is about these layers. last_hidden is the measured layer before the output,
    hidden every measured layer but the output; a list names measured layers."""
    estimators: Texts | None = None
    """The claim is tried by these estimators, where a sweep stands for all its variants; null
    takes every estimator of information that measures a run."""
    statistic: Literal["compression", "rise", "fitting", "ity_end", "turn", "gradient_snr"]
    """This number of each network is compared with the threshold. compression is I(X;T) at its
    turn minus at the last epoch, rise I(X;T) at its turn minus at the first epoch, fitting
    I(T;Y) at that turn minus at the first epoch, ity_end I(T;Y) at the last epoch, all in bits;
    turn is the epoch at which I(X;T) is highest; gradient_snr is the ratio of the mean to the
    standard deviation of the layer's gradient at the turn."""
    unit: Literal["bits", "epochs", "ratio"]
    """The threshold is in this unit, which has to be that of the statistic."""


class OrderClaim(Claim):
    """A claim about which signal names the better of two networks, tried on every family."""

    claim: Literal["order"]
    """The claim is about which signal names the better of two networks, and is tried on every
    family of `compare`."""
    signals: Texts
    """The claim is tried by each of these signals of `compare`."""
    than: str | None = None
    """The statistic is the score of each signal less that of this signal; null takes the score
    itself."""
    layer: str | None = None
    """Signals that are of layers are taken at this layer: its name, last_hidden, or mean for
    the mean over the measured layers; null means last_hidden."""
    families: Texts | None = None
    """The claim is tried on these families of `compare`; null takes all."""
    strata: Texts | None = None
    """The claim is tried in these strata of `compare`; null takes all."""
    target: Target = "accuracy_test"
    """The score says how well a signal tells this target, which is one of `compare.targets`."""
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
    """This score is compared with the threshold, as `compare` has it in its table of scores."""
    unit: Literal["share", "tau", "R2"]
    """The threshold is in this unit, which has to be that of the score: a share between 0 and
    1, Kendall's τ, or R²."""


AnyClaim = Annotated[PhaseClaim | OrderClaim, Field(discriminator="claim")]


def statistic_of(claim: Claim) -> Statistic:
    """The number that a claim is about."""
    return (STATISTICS if isinstance(claim, PhaseClaim) else SCORES)[claim.statistic]
