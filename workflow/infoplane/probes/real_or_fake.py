"""Real inputs, and fakes that a GAN's generator makes from fixed z with each epoch's weights.

For the discriminator, X is a real input or a fake, in equal shares, and Y tells which. Then
I(X;Y) is the Jensen-Shannon divergence of data and generator, at most 1 bit, and falls as the
generator learns. A finite sample of different inputs cannot show it: there Y is a function of
X, and a count of I(X;Y) gives H(Y) = 1 bit. If both densities are known (the data set `ring`,
and an affine generator), Monte Carlo gives the divergence itself.

With a label of the data set, Y is that label, and only real inputs are measured, because fakes
have none. For the generator, X is z, and Y is the label of the real input nearest to its
output.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from infoplane.datasets import SOURCES
from infoplane.isolated import isolated
from infoplane.networks.arrays import to_tensor
from infoplane.networks.description import rebuild
from infoplane.networks.dtypes import PLAIN
from infoplane.probes.dataset import Part, rows_of
from infoplane.probes.divergence import NOT_KNOWN, Divergence, jensen_shannon
from infoplane.probes.probe import Inputs, Probe, ProbeSettings
from infoplane.training import gan
from infoplane.training.gan import GENERATOR
from infoplane.training.trainer import NETWORK

if TYPE_CHECKING:
    from infoplane.datasets.source import Data, Shape
    from infoplane.networks.network import Network
    from infoplane.stores.weights import WeightsStore

REAL_OR_FAKE = "real_or_fake"
LATENT = 0x70726F6265
"""Key of the measured z, which differs from the z of the training."""
MONTE_CARLO = 20_000
"""Number of fakes for the divergence, which also uses all real inputs."""


class Settings(ProbeSettings):
    """Settings of the measured part of a GAN: real inputs and fakes, or z."""

    needs: ClassVar[tuple[str, ...]] = (NETWORK, GENERATOR)

    probe: Literal["real_or_fake"]
    """`real_or_fake` measures real inputs and fakes of a GAN or, with `network: generator`, the
    numbers z behind the fakes."""
    inputs: Part = "train"
    """Real inputs come from this part of the data set."""
    subset: int = Field(default=1000, ge=2)
    """This many real inputs are measured, drawn once, or all if there are fewer; and as many
    fakes or z."""
    subset_seed: int = Field(default=0, ge=0)
    """The subset is drawn with this seed, and z with this seed and the network's own."""
    label: str | None = None
    """Y is this label. real_or_fake or null: whether an input is real. A label of the data set:
    that of real inputs, which are then measured alone. For the generator, Y is the data set's
    label (null: the first one) of the real input nearest to its output."""

    @property
    def wanted_label(self) -> str | None:
        return None if self.label == REAL_OR_FAKE else self.label

    @property
    def tests(self) -> bool:
        return self.inputs == "test"

    @property
    def of_generator(self) -> bool:
        """Whether z is measured."""
        return self.network == GENERATOR

    @property
    def tells(self) -> bool:
        """Whether Y is real or generated."""
        return not self.of_generator and self.wanted_label is None

    @model_validator(mode="after")
    def _label_of_z(self):
        if self.of_generator and self.label == REAL_OR_FAKE:
            raise ValueError(
                "label must be a label of the data set, not 'real_or_fake', if network is "
                "generator: its inputs z are neither real nor fake"
            )
        return self

    def n_inputs(self, data: Shape) -> int:
        n = {"train": data.n_train, "test": data.n_test, "all": data.n}[self.inputs]
        return max(2, min(n, self.subset)) * (1 + self.tells)


class RealOrFakeProbe(Probe):
    """The same real inputs and the same z of a seed at every epoch; fakes change."""

    Settings = Settings
    fixed = False

    def __init__(self, settings: Settings, data: Data):
        super().__init__(settings, data)
        self.label = None if settings.tells else data.label(settings.wanted_label)

    def inputs(self, seed: int, epoch: int, weights: WeightsStore) -> Inputs:
        """Raises ValueError if fewer than two real inputs are left."""
        rows = self._rows
        real = self.data.x[rows]
        if self.settings.of_generator:
            z = self._latent(weights, len(rows), seed)
            return Inputs.of(z.numpy(), self._nearest(seed, epoch, weights))
        if self.label is not None:
            return Inputs.of(real, self.label.codes[rows])
        fakes = self._fakes(weights, len(rows), seed, epoch).numpy()
        is_real = np.repeat([1, 0], len(rows))
        return Inputs.of(np.concatenate([real, fakes]), is_real)

    def information_xy(self, seed: int, epoch: int, weights: WeightsStore) -> float:
        """The divergence of data and generator, if both densities are known; for a label of the
        data set, I(X;Y) of the whole data set; NaN for a generator."""
        if self.label is None:
            return self.divergence(seed, epoch, weights).value
        if self.settings.of_generator:
            return float("nan")
        name = self.settings.wanted_label
        return self.data.attributes["information_xy"][name]

    @isolated()
    def divergence(self, seed: int, epoch: int, weights: WeightsStore) -> Divergence:
        """Jensen-Shannon divergence of data and generator by Monte Carlo, with its standard
        error; NaN if a density is unknown."""
        made = self._gaussian(weights, seed, epoch)
        if made is None:
            return NOT_KNOWN
        fakes = self._fakes(weights, MONTE_CARLO, seed, epoch).double()
        real = torch.from_numpy(self.data.x).double()
        at = {"real": real, "fake": fakes.reshape(-1, *real.shape[1:])}
        of_data = {name: self._log_density(x.numpy()) for name, x in at.items()}
        if of_data["real"] is None:
            return NOT_KNOWN
        own = {name: made.log_prob(x.flatten(1)).numpy() for name, x in at.items()}
        return jensen_shannon(of_data["real"] - own["real"], of_data["fake"] - own["fake"])

    @cached_property
    def _rows(self) -> np.ndarray:
        """The measured real inputs."""
        settings = self.settings
        return rows_of(self.data, settings.inputs, settings.subset, settings.subset_seed)

    def _latent(self, weights: WeightsStore, n: int, seed: int) -> torch.Tensor:
        """The z of a seed, (n, latent), as its training draws z."""
        training = gan.Settings.model_validate(weights.attributes["settings"]["training"])
        return training.drawn(n, seed, LATENT, self.settings.subset_seed)

    @isolated()
    def _fakes(self, weights: WeightsStore, n: int, seed: int, epoch: int) -> torch.Tensor:
        """The generator's output from z at this seed and epoch, (n, *shape)."""
        network, arrays = _generator(weights, seed, epoch)
        with torch.no_grad():
            return network.run(arrays, self._latent(weights, n, seed))[0][0]

    def _nearest(self, seed: int, epoch: int, weights: WeightsStore) -> np.ndarray:
        """Labels of the real inputs nearest to the fakes."""
        rows = self._rows
        fakes = self._fakes(weights, len(rows), seed, epoch).flatten(1)
        real = torch.from_numpy(self.data.x[rows]).flatten(1)
        return self.label.codes[rows][torch.cdist(fakes, real).argmin(1).numpy()]

    def _gaussian(self, weights: WeightsStore, seed: int, epoch: int):
        """The law of the fakes, if known."""
        if weights.attributes["settings"]["training"]["distribution"] != "normal":
            return None
        network, arrays = _generator(weights, seed, epoch)
        found = network.gaussian(arrays)
        if found is None:
            return None
        mean, covariance = (part[0] for part in found)
        scale, info = torch.linalg.cholesky_ex(covariance)
        if info:  # fewer z than numbers in an input: there is no density
            return None
        return torch.distributions.MultivariateNormal(mean, scale_tril=scale)

    def _log_density(self, x: np.ndarray) -> np.ndarray | None:
        """Log densities of the data, in nats."""
        written = self.data.attributes["settings"]
        if written["standardise"] != "none":
            return None
        source = SOURCES[written["source"]]
        return source(source.Settings.model_validate(written)).log_density(x)


def _generator(
    weights: WeightsStore, seed: int, epoch: int
) -> tuple[Network, dict[str, torch.Tensor]]:
    """The generator, and its arrays at this seed and epoch, (1, *shape)."""
    network = rebuild(weights.networks[GENERATOR])
    read = weights.read((epoch,), (seed,), GENERATOR)
    dtypes = network.dtypes
    return network, {n: to_tensor(a[0], dtypes.get(n, PLAIN)) for n, a in read.items()}
