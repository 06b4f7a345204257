"""Settings of the inputs of signals: training inputs, never others."""

from pydantic import Field

from infoplane.probes.probe import HowRead
from infoplane.settings import DeviceName
from infoplane.settings import Settings as BaseSettings


class Settings(BaseSettings):
    """The training inputs and the layers on which signals are measured."""

    subset: int | None = Field(default=None, ge=2)
    """Signals are measured on this many training inputs, drawn once; null means all. Training
    loss and accuracy take all training inputs in any case."""
    subset_seed: int = Field(default=0, ge=0)
    """The subset is drawn with this seed."""
    layers: list[str] | None = Field(default=None, min_length=1)
    """These layers are measured, by name or pattern (conv1, dense*); null means all after an
    activation, and the output."""
    reading: HowRead = "flatten"
    """This is how maps are read. flatten: as one list of numbers. channels: each channel by
    itself. mean, max: as one number for each channel, the mean or the largest over
    positions."""
    noise_seed: int = Field(default=0, ge=0)
    """The noise of networks that have noise is drawn with this seed; each network and epoch has
    numbers of its own."""
    device: DeviceName = "auto"
    """Signals are measured on this device; auto takes CUDA if there is a GPU, else the CPU."""
