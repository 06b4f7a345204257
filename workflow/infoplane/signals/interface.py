"""The interface of signals: a class with its settings, which declares its properties.

A signal of the whole network derives from `NetworkSignal`, a signal of each layer from
`LayerSignal`. Both get a `Trained`: one network at one epoch, with training inputs and no
others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from infoplane.settings import Settings

if TYPE_CHECKING:
    from infoplane.samples import Samples
    from infoplane.signals.trained import Trained

NEEDS = {
    "initial": "the weights before training",
}
"""Material that is read only if a signal declares that it needs it."""
Better = Literal["higher", "lower"]


class NotMeasurable(Exception):
    """A network does not have this signal; the message says why, and the table shows it."""


class Value(NamedTuple):
    """A value with its remarks.

    value : the signal's value, in its unit
    cap : the largest possible value, NaN if there is none
    flags : the estimator's, names out of information.FLAGS
    """

    value: float
    cap: float = float("nan")
    flags: tuple[str, ...] = ()


class SignalSettings(Settings):
    """The settings of a signal without further settings."""

    signal: str
    """The signal has this name, or this import path, "module:Class"."""


class Signal(ABC):
    """A number that should be related to generalisation, with its settings.

    Raises TypeError for a class with an unknown declaration.
    """

    Settings: ClassVar[type[Settings]] = SignalSettings
    """Its settings, `signal: str` among them."""
    label: str = ""
    """Its name in tables and figures; empty: the name in the configuration."""
    unit: str = ""
    """The unit of its values; empty if they have none."""
    better: Better
    """The values that should go with better generalisation; the docstring names the source of
    the claim."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Names out of NEEDS."""
    control: ClassVar[bool] = False
    """Whether it is a negative control: a number that should not predict generalisation."""
    by_itself: ClassVar[bool] = True
    """Whether it is measured by default."""
    by_layer: ClassVar[bool] = False
    """Whether it is one number per layer; the base class decides."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if not (isinstance(cls.Settings, type) and issubclass(cls.Settings, Settings)):
            raise TypeError(
                f"{cls.__name__}.Settings must be a class derived from infoplane.Settings, not "
                f"{cls.Settings!r}"
            )
        unknown = [need for need in cls.needs if need not in NEEDS]
        if unknown or isinstance(cls.needs, str):
            raise TypeError(
                f"{cls.__name__}.needs must be names out of {', '.join(NEEDS)}, not "
                f"{cls.needs!r}"
            )
        better = getattr(cls, "better", None)
        if not isinstance(better, property) and better not in (None, "higher", "lower"):
            raise TypeError(
                f"{cls.__name__}.better must be 'higher' or 'lower', not {better!r}"
            )

    def __init__(self, settings: Settings | None = None, **chosen: Any):
        """settings : of the class `Settings`; or its keys, as CDNV(signal="cdnv").

        Raises TypeError for a signal that does not declare `better`.
        """
        self.settings = self.Settings(**chosen) if settings is None else settings
        if not hasattr(self, "better"):
            raise TypeError(
                f"{type(self).__name__} must declare `better`, 'higher' or 'lower': the values "
                "that should go with better generalisation"
            )

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self.settings.signal


class NetworkSignal(Signal):
    """A number of the whole network."""

    @abstractmethod
    def of_network(self, trained: Trained) -> float | Value:
        """Its value. Raises NotMeasurable, with the reason, if this network has none."""


class LayerSignal(Signal):
    """A number of each measured layer; the value of the last hidden layer and the mean over
    layers follow from it."""

    by_layer = True

    @abstractmethod
    def of_layer(self, samples: Samples, trained: Trained) -> float | Value:
        """Its value for one layer. Raises NotMeasurable, with the reason, if this layer has
        none.

        samples : t (n, 1, units), y (n,) labels without gaps, x (n, features)
        """
