"""On what signals are measured: training inputs, never others."""

from pydantic import Field

from infoplane.probes.probe import HowRead
from infoplane.settings import DeviceName
from infoplane.settings import Settings as BaseSettings


class Settings(BaseSettings):
    """The training inputs and the layers of which signals are measured."""

    subset: int | None = Field(default=None, ge=2)
    """How many training inputs signals are measured on, drawn once; null: all. Training loss
    and accuracy are of all training inputs."""
    subset_seed: int = Field(default=0, ge=0)
    """Seed of the subset."""
    layers: list[str] | None = Field(default=None, min_length=1)
    """Layers that are measured, by name or pattern (conv1, dense*); null: all after an
    activation, and the output."""
    reading: HowRead = "flatten"
    """How maps are read. flatten: as one list of numbers; channels: each channel by itself;
    mean, max: as one number a channel, the mean or the largest over positions."""
    noise_seed: int = Field(default=0, ge=0)
    """Seed of the noise of networks that have noise; each network and epoch has numbers of its
    own."""
    device: DeviceName = "auto"
    """auto: CUDA where there is a GPU, else the CPU."""
