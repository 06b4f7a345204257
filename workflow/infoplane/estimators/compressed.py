"""Information after lossy compression: an autoencoder for X, principal components for T.

Source: Butakov, Tolmachev, Malanchuk, Neopryatnaya, Frolov & Andreev 2024 (ICLR), section 3;
entropies of the compressed pair by weighted nearest neighbours (Berrett, Samworth & Yuan 2019,
see `kl`). With T' the leading components of T and X' the code of X
    I(X;T) ≈ I(X';T') = H(X') + H(T') − H(X',T')      I(T;Y) ≈ H(T') − Σ_y p(y) H(T' | y)
Compression only loses information: I(X';T') ≤ I(X;T), up to the error of the entropies. It
loses little if X and T lie near manifolds of few dimensions. T should have noise; without noise
I(X;T) is infinite.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from infoplane.estimators import kl
from infoplane.estimators.critics.autoencoder import Code, autoencoded
from infoplane.estimators.critics.convolutions import is_map
from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import components
from infoplane.information import PAIRS, Quantity
from infoplane.samples import Information, Pair
from infoplane.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor


REMEMBERED = 4
"""Number of codes that are kept. All layers and epochs of a network share one X."""


class CompressedSettings(Settings):
    """Settings of the estimate on compressed variables."""

    estimator: Literal["compressed"] = "compressed"
    """`compressed` estimates by neighbours in an autoencoder's code of X and principal
    components of T (Butakov et al. 2024)."""
    components: int = Field(default=4, ge=1)
    """T, the first variable, is compressed to this many principal components; fewer dimensions
    stay as they are."""
    code: int = Field(default=4, ge=1)
    """X, the second variable, is compressed to this many dimensions by an autoencoder; fewer
    dimensions stay as they are."""
    k: int = Field(default=40, ge=1)
    """The entropies use this many nearest neighbours; with weights, at most this many."""
    weighted: bool = True
    """`true` weights the neighbours to reduce bias (Berrett et al. 2019); false takes only the
    k-th."""
    autoencoder: Literal["dense", "convolutional"] = "dense"
    """`convolutional` reads X as a map, by 3 × 3 convolutions with stride 2, and needs
    measure.reading: whole; dense reads X as a vector."""
    width: int = Field(default=64, ge=1)
    """The one hidden layer of a dense encoder, and of its decoder, has this many units."""
    channels: list[Annotated[int, Field(ge=1)]] = Field(default=[8, 16], min_length=1)
    """Each convolution of a convolutional encoder has this many channels; its decoder mirrors
    them."""
    batch_size: int = Field(default=256, ge=1)
    """A mini-batch of the autoencoder has this many samples."""
    learning_rate: float = Field(default=3e-3, gt=0, allow_inf_nan=False)
    """Adam trains the autoencoder at this learning rate."""
    max_steps: int = Field(default=3000, ge=1)
    """The autoencoder's training ends after this many mini-batches in any case."""
    evaluate_every: int = Field(default=50, ge=1)
    """The autoencoder is evaluated on held-out samples once in this many mini-batches."""
    patience: int = Field(default=6, ge=1)
    """The autoencoder's training ends after this many evaluations without a smaller error."""
    held_out: float = Field(default=0.1, gt=0, lt=1)
    """This share of the samples is held out and decides when training ends."""
    seed: int = Field(default=0, ge=0)
    """The autoencoder, and the noise that separates ties, are drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting copies of the
    samples."""

    @model_validator(mode="after")
    def _no_key_is_ignored(self):
        of_other = {"dense": "channels", "convolutional": "width"}[self.autoencoder]
        if getattr(self, of_other) != type(self).model_fields[of_other].default:
            text = f"has no effect with autoencoder: {self.autoencoder}; leave it out"
            raise ValueError(f"{of_other} {text}")
        return self


class Compressed(PairEstimator):
    """Nearest-neighbour entropies of compressed variables."""

    Settings = CompressedSettings
    settings: CompressedSettings
    trains = True
    infinite_without_noise = True
    changes = (
        "a larger code or more components keep more of the variables, and another k "
        "trades bias for variance; if values repeat, the seed of the noise that "
        "separates them moves it"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        return ("rotate", "monotone")

    def quantity(self, of: str) -> Quantity:
        """The information of a code of X and components of T, with their dimensions."""
        t, x = f"{self.settings.components} components T' of T", f"{self.settings.code}-d code"
        words = {"ixt": f"I(X';T') of a {x} X' of X and {t}", "ity": f"I(T';Y) of {t}"}
        return Quantity(words[of], PAIRS[of].replace("T", "T'").replace("X", "X'"))

    @property
    def idle(self) -> frozenset[str]:
        """The settings of the other autoencoder."""
        dense = self.settings.autoencoder == "dense"
        return frozenset({"autoencoder", "channels"} if dense else {"width"})

    def takes_as_maps(self, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Whether convolutions read the second variable."""
        return self.settings.autoencoder == "convolutional" and is_map(shapes[-1])

    def why_not(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
        """`autoencoder`, if it is convolutional and X is not read as a map."""
        if self.settings.autoencoder == "dense" or is_map(shapes.get("X", ())):
            return "", ""
        text = "must be dense, not 'convolutional': X is not a map that is read with its shape"
        return "autoencoder", f"{text} (measure.reading: whole)"

    def between(self, pair: Pair) -> Information:
        """I(A';B') in bits, A' being the principal components of A and B' the code of B.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels, which are not compressed. With
            pair.n_draws > 1, b is treated as the index of its row, which needs no code. Each
            coordinate is standardised before compression; one with heavy tails is replaced by
            its normal scores (tails.py); one that never varies is left out.
        Returns Information in bits.
            value, stderr, cap : those of `kl` on the compressed pair; the value is exactly 0 if
                a or b never varies, or b is one class
            extra : the entropies of `kl`, in bits, in the units of components and code of
                standardised variables; explained_variance, the share of A's variance that its
                components keep, and reconstruction_error, the share of B's variance that its
                code loses, on held-out samples (both without unit)
            flags : 'not_converged' if the autoencoder was still improving after max_steps
        Raises ValueError if the autoencoder is convolutional and b is not a map; like `kl`,
        also if k ≥ n, if every label has only one sample, or if the weights need a larger k.
        """
        a, explained = components.principal_components(
            pair.a, self.settings.components, self.settings.seed
        )
        extra, flags, b = {"explained_variance": explained}, (), pair.b
        if not pair.is_labelled and pair.n_draws == 1:
            code = _code_of(pair.b, self.settings, self._shape(pair))
            b, extra["reconstruction_error"] = code.values, code.error
            flags = () if code.converged else ("not_converged",)
        settings = kl.KLSettings(
            k=self.settings.k,
            weighted=self.settings.weighted,
            seed=self.settings.seed,
            memory_mb=self.settings.memory_mb,
        )
        record = kl.KL(settings).between(replace(pair, a=a, b=b))
        return replace(record, extra=record.extra | extra, flags=(*record.flags, *flags))

    def _shape(self, pair: Pair) -> tuple[int, ...]:
        """The shape in which the autoencoder reads b; () if it reads a vector."""
        if self.settings.autoencoder == "dense":
            return ()
        if not is_map(pair.shapes[1]):
            raise ValueError(
                f"{pair.place}: autoencoder is convolutional, but the second variable has no "
                "shape (channels, height, width); give its shape, or use autoencoder: dense"
            )
        return pair.shapes[1]


_codes: OrderedDict[str, Code] = OrderedDict()


def _code_of(values: Tensor, settings: CompressedSettings, shape: tuple[int, ...]) -> Code:
    """The code of these values, from memory if the same values were encoded before."""
    digest = hashlib.blake2b(values.detach().contiguous().cpu().numpy().tobytes())
    how = f"{tuple(values.shape)} {shape} {values.device} {settings.canonical()}"
    digest.update(how.encode())
    key = digest.hexdigest()
    if key not in _codes:
        _codes[key] = autoencoded(values, settings, shape)
        while len(_codes) > REMEMBERED:
            _codes.popitem(last=False)
    return _codes[key]
