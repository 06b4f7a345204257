"""Matrix-based Rényi information: eigenvalues of kernel matrices instead of densities.

Sources: Sánchez Giraldo, Rao & Príncipe 2015 (IEEE Trans. Inf. Theory 61, 535), equations 8
and 10; Yu et al. 2020 (IEEE TPAMI 42, 2960); Wickstrøm et al. 2019 (arXiv 1909.11396) for the
information plane and the kernel width. With K_ij = exp(−‖a_i − a_j‖² / σ²) of n samples and
A = K / n, of trace 1 and eigenvalues λ,
    S_α(A) = log2(Σ λ^α) / (1 − α)        S_α(A, B) = S_α(A∘B / tr(A∘B))
    I_α(A;B) = S_α(A) + S_α(B) − S_α(A, B)
and at α = 1 the limit −Σ λ log2 λ. Labels have the kernel 1 if they are equal, else 0. If B
repeats each of its rows (`Pair.n_draws` > 1), the index of the input is treated like a label.

This is neither Shannon's information of the variables nor an estimate of it. The width decides
how far apart two samples must be to count as two, and the value says how well the clusters of
one variable at that width predict those of the other. It equals Shannon's information if the
values are discrete, far apart compared with σ, and α = 1. Larger batches give larger values.

Eigenvalues take O(n³) time and n² memory, so samples are divided into batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import torch
from pydantic import Field, model_validator

from infoplane.estimators.by_layer import ByLayer
from infoplane.estimators.interface import PairEstimator
from infoplane.estimators.kernels import tails
from infoplane.information import PAIRS, Quantity
from infoplane.machine import one_thread_each
from infoplane.samples import Information, Pair
from infoplane.settings import Settings

NARROWEST, WIDEST = 0.1, 10.0
"""The smallest and largest width for alignment, in mean distances of two samples."""

_EQUAL = 1e-14
"""Squared distances below this share of the largest squared length count as 0."""

_MATRICES = 8  # matrices of one batch in memory at once, with the workspace for eigenvalues


if TYPE_CHECKING:
    from torch import Tensor

Width = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RenyiSettings(Settings):
    """Settings of the matrix-based Rényi information."""

    estimator: Literal["renyi"] = "renyi"
    """`renyi` is matrix-based Rényi information, which is not Shannon's (Giraldo et al.
    2015)."""
    alpha: float = Field(default=1.01, gt=0, allow_inf_nan=False)
    """The entropies have this order α; 1 is Shannon's form."""
    width: Literal["alignment", "median"] | float | ByLayer[Width] = "alignment"
    """The kernel of T, the first variable, has this width σ. `alignment` tries n_widths between
    0.1 and 10 mean distances and takes the one whose kernel matrix K is most similar to the
    labels' kernel matrix L (largest ⟨K, L⟩ / ‖K‖‖L‖), for both I(X;T) and I(T;Y); without
    labels it takes the median. median takes the median distance of two samples. A number is in
    units of the variable. A mapping gives each layer its own width by its name or a pattern:
    {conv1: 8.0, "dense*": 1.0}."""
    width_b: Literal["median"] | float = "median"
    """The kernel of a continuous second variable, such as the inputs X, has this width, in
    units of the variable; median takes the median distance of two samples of a batch."""
    n_widths: int = Field(default=41, ge=2)
    """`width: alignment` chooses from this many widths, equally spaced on a logarithmic
    scale."""
    moving_average: float = Field(default=0, ge=0, lt=1)
    """With `width: alignment`, the previous width has this share in each new one. Wickstrøm et
    al. use 0.9: every batch chooses a width σ', σ ← 0.9 σ + 0.1 σ', and an epoch continues from
    the epoch measured before it. With 0 the first batch of an epoch chooses for all
    batches."""
    standardise: bool = False
    """`true` first divides each coordinate by its standard deviation. false, as published,
    gives units with larger variance more weight; only a scale common to all units then makes no
    difference."""
    batch_size: int = Field(default=512, ge=2)
    """A kernel matrix has this many samples; the cap is log2 of this number."""
    n_batches: int = Field(default=8, ge=1)
    """Values are means over at most this many disjoint batches."""
    seed: int = Field(default=0, ge=0)
    """The batches are drawn with this seed."""
    memory_mb: int = Field(default=512, ge=1)
    """The estimator uses at most this many MB of working memory, not counting a copy of the
    samples."""

    @model_validator(mode="after")
    def _widths_are_positive(self):
        for key in ("width", "width_b"):
            width = getattr(self, key)
            if isinstance(width, float) and not 0 < width < math.inf:
                raise ValueError(f"{key} must be positive and finite; it is {width}")
        for key in ("n_widths", "moving_average"):
            usual = type(self).model_fields[key].default
            if self.width != "alignment" and getattr(self, key) != usual:
                raise ValueError(f"{key} has no effect without width: alignment; leave it out")
        return self


class Renyi(PairEstimator):
    """Matrix-based Rényi information."""

    Settings = RenyiSettings
    settings: RenyiSettings
    chosen_by = frozenset({"alpha", "width", "width_b", "moving_average", "standardise"})
    by_layer = ("width",)
    forgets_by = "moving_average to 0"
    changes = (
        "narrower kernels give more bits, up to log2 of batch_size; another α is another "
        "quantity"
    )

    def moved_by(self, of: str) -> tuple[str, ...]:
        """Distances of standardised rows depend on the axes, other distances on scales."""
        moving = "rotate" if self.settings.standardise else "rescale"
        return (moving, "monotone")

    def quantity(self, of: str) -> Quantity:
        """Rényi's information of kernel matrices, with its order and the kernels' width."""
        width = self.settings.width
        by = f"width {width:g}" if isinstance(width, float) else "widths by layer"
        by = {"alignment": "width by alignment", "median": "median width"}.get(str(width), by)
        words = f"Rényi's I_α of kernel matrices, α = {self.settings.alpha:g}, {by}"
        symbol = PAIRS[of].replace("I", r"I_\alpha")
        return Quantity(f"{words}, of {' and '.join(PAIRS[of][2:-1].split(';'))}", symbol)

    @property
    def remembers(self) -> bool:
        return self.settings.moving_average > 0

    def between(self, pair: Pair) -> Information:
        """I_α(A;B) of kernel matrices.

        pair.a : (n, d_a); pair.b : (n, d_b), or (n,) labels
        Returns Information in bits: the mean over batches and, with two or more, its
        standard error. cap: log2 of the samples in a batch, because S_α(A) and S_α(B) are at
        most that and S_α(A, B) is not below either. extra: entropy, S_α(A); width, σ of A in
        its units, a mean if batches have their own widths.
        flags: 'heavy_tails' (tails.py): no single width is suitable.
        A variable that never varies gives 0.
        Raises ValueError if the matrices of one batch need more than memory_mb.
        """
        return self.between_batch([pair])[0]

    def between_batch(
        self, pairs: Sequence[Pair], memory: dict | None = None
    ) -> list[Information]:
        """`between` for many pairs. A layer's widths from alignment with the labels are also
        used for its pair with the inputs, if both pairs are among these.

        memory : the last width of each layer and seed, in units of its activations, if widths
            are moving averages; pairs of one layer and seed come in order of epochs
        """
        aligned: dict[tuple, Tensor] = {}
        before = {} if memory is None else memory
        found: dict[int, Information] = {}
        for i in sorted(range(len(pairs)), key=lambda i: not pairs[i].is_labelled):
            pair = pairs[i]
            network = pair.key[:2]
            layer = (network, pair.epoch) if pair.key else None
            last = before.get(network) if pair.key else None
            found[i], widths, unit = _between(pair, self.settings, aligned.get(layer), last)
            if pair.is_labelled and layer is not None and widths is not None:
                aligned[layer] = widths
                before[network] = float(widths[-1]) * unit
        return [found[i] for i in range(len(pairs))]


def _between(pair: Pair, settings: RenyiSettings, aligned: Tensor | None, last: float | None):
    """The record; the widths of the scaled A, one for each batch (None if A never varies); and
    the unit by which A is divided.

    aligned : the widths, if they were already found with labels
    last : the width of the epoch before, in units of A
    """
    size = min(pair.n, settings.batch_size)
    cap = math.log2(size)
    at_once = settings.memory_mb * 10**6 // (_MATRICES * 8 * size**2)
    if at_once == 0:
        raise ValueError(
            f"{pair.place}: kernel matrices of {size} samples need "
            f"{_MATRICES * 8 * size**2 / 1e6:.0f} MB, but memory_mb is {settings.memory_mb}; "
            "use a smaller batch_size"
        )
    batches = _batches(pair.n, size, settings)
    a = _Values.of(pair.a, settings.standardise)
    b = _second(pair, settings)
    if a.scale == 0 or b is None:
        return Information(0.0, cap=cap, extra={"entropy": 0.0, "width": math.nan}), None, 1.0
    widths = _widths_of_a(pair, a, batches, settings, aligned, last)
    parts = [
        _entropies(a, own, b, settings, chosen)
        for chosen, own in zip(
            batches.split(int(at_once)), widths.split(int(at_once)), strict=True
        )
    ]
    entropy, value = torch.cat(parts, dim=1)
    n = len(value)
    heavy = tails.heavy_radii(pair.a) or (isinstance(b, _Values) and tails.heavy_radii(pair.b))
    record = Information(
        float(value.mean()),
        stderr=float(value.std() / math.sqrt(n)) if n > 1 else math.nan,
        cap=cap,
        flags=("heavy_tails",) if heavy else (),
        extra={"entropy": float(entropy.mean()), "width": float(widths.mean()) * a.scale},
    )
    return record, widths, a.scale


class _Values(NamedTuple):
    """A continuous variable, centred and divided by `scale`: rows (n, d) float64."""

    rows: torch.Tensor
    scale: float

    @classmethod
    def of(cls, rows: torch.Tensor, standardise: bool) -> _Values:
        rows = rows.to(torch.float64)
        rows = rows - rows[0]  # a variable that never varies is then exactly 0
        unit = rows.abs().amax(dim=0) if standardise else rows.abs().amax()
        rows = rows / torch.where(unit > 0, unit, 1.0)
        rows = rows - rows.mean(dim=0)
        if not standardise:
            return cls(rows, float(unit))
        sd = rows.std(dim=0, correction=0)
        return cls(rows / torch.where(unit > 0, sd, 1.0), float(unit.any()))

    def squares(self, chosen: torch.Tensor) -> torch.Tensor:
        """‖a_i − a_j‖² (m, s, s) within m batches of s samples."""
        rows = self.rows[chosen.to(self.rows.device)]
        squares = torch.cdist(rows, rows).square()
        # For equal rows, products of matrices leave about 1e-16 of the largest square.
        return torch.where(squares > _EQUAL * rows.square().sum(2).max(), squares, 0.0)


def _second(pair: Pair, settings: RenyiSettings):
    """The second variable, as values or as codes (n,); None if it never varies."""
    if pair.is_labelled or pair.n_draws > 1:
        codes = pair.b if pair.is_labelled else torch.arange(pair.n) // pair.n_draws
        return None if bool((codes == codes[0]).all()) else codes.to(pair.a.device)
    b = _Values.of(pair.b, settings.standardise)
    return None if b.scale == 0 else b


def _batches(n: int, size: int, settings: RenyiSettings) -> torch.Tensor:
    """The samples of each batch (n_batches, size); in their order if one batch has all."""
    if size == n:
        return torch.arange(n)[None]
    n_batches = min(settings.n_batches, n // size)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(settings.seed))
    return order[: n_batches * size].reshape(n_batches, size)


def _widths_of_a(pair: Pair, a: _Values, batches, settings, aligned, last) -> Tensor:
    """σ of the scaled A for each batch (n_batches,), float64; in units of A it might overflow.
    last : in units of A"""
    n = len(batches)

    def same(width: float) -> Tensor:
        return torch.full((n,), width, dtype=torch.float64)

    if isinstance(settings.width, float):
        return same(settings.width / a.scale)
    if settings.width == "median" or (aligned is None and not pair.is_labelled):
        return same(_median_distance(a.squares(batches[:1])[0]))
    if aligned is not None:
        return aligned
    share = settings.moving_average
    if share == 0:
        return same(_aligned_width(pair, a, batches[0], settings))
    widths, last = [], None if last is None else last / a.scale
    for chosen in batches:
        own = _aligned_width(pair, a, chosen, settings)
        last = own if last is None else share * last + (1 - share) * own
        widths.append(last)
    return torch.tensor(widths, dtype=torch.float64)


def _median_distance(squares: torch.Tensor) -> float:
    """Median of the distances that are not 0; 1 if all are 0."""
    apart = squares[squares > 0]
    return math.sqrt(float(apart.median())) if len(apart) else 1.0


def _aligned_width(pair: Pair, a: _Values, chosen, settings: RenyiSettings) -> float:
    squares = a.squares(chosen[None])[0]
    codes = pair.b[chosen].to(squares.device)
    like = codes[:, None] == codes
    n_apart = len(squares) * (len(squares) - 1)
    mean = float(squares.sqrt().sum() / n_apart) or 1.0
    widths = mean * torch.logspace(
        math.log10(NARROWEST), math.log10(WIDEST), settings.n_widths, dtype=torch.float64
    )
    alignments = []
    for width in widths.tolist():
        kernel = torch.exp(-squares / width**2)
        alignments.append(float(kernel[like].sum() / kernel.square().sum().sqrt()))
    return float(widths[int(torch.tensor(alignments).argmax())])


def _entropies(a: _Values, widths, b, settings: RenyiSettings, chosen) -> torch.Tensor:
    """S_α(A) and I_α(A;B) (2, m), in bits, for m batches of samples. chosen : (m, s); widths :
    (m,), for the scaled values"""
    size, alpha = chosen.shape[1], settings.alpha
    squares = a.squares(chosen)
    kernel_a = torch.exp(squares / -(widths.to(squares.device)[:, None, None] ** 2))
    of_a = _entropy(_eigenvalues(kernel_a) / size, alpha)
    if isinstance(b, _Values):
        kernel_b = _kernel_of_b(b, chosen, settings)
        of_b = _entropy(_eigenvalues(kernel_b) / size, alpha)
    else:
        codes = b[chosen.to(b.device)]
        kernel_b = (codes[:, :, None] == codes[:, None]).to(torch.float64)
        # The eigenvalues are the classes' shares. Each of the n_c rows of a class accounts
        # for 1/n_c of its share.
        of_b = _entropy_of_shares(kernel_b.sum(dim=2) / size, alpha)
    of_both = _entropy(_eigenvalues(kernel_a.mul_(kernel_b)) / size, alpha)
    return torch.stack([of_a, of_a + of_b - of_both]).cpu()


def _eigenvalues(kernels: torch.Tensor) -> torch.Tensor:
    """Eigenvalues (m, s) of symmetric matrices (m, s, s). On a CPU they do not depend on the
    number of threads."""
    if kernels.is_cuda:
        return torch.linalg.eigvalsh(kernels)
    found = one_thread_each(torch.linalg.eigvalsh, kernels.split(1), torch.get_num_threads())
    return torch.cat(found)


def _kernel_of_b(b: _Values, chosen, settings: RenyiSettings) -> torch.Tensor:
    squares = b.squares(chosen)
    if isinstance(settings.width_b, float):
        return torch.exp(squares / -((settings.width_b / b.scale) ** 2))
    width = torch.tensor([_median_distance(one) for one in squares], dtype=torch.float64)
    return torch.exp(squares / -(width.to(squares.device)[:, None, None] ** 2))


def _entropy(values: torch.Tensor, alpha: float) -> torch.Tensor:
    """S_α (m,), in bits, of eigenvalues (m, s) that sum to 1."""
    # Rounding errors of an eigenvalue 0 matter at small α.
    values = torch.where(values > values.shape[1] * 1e-16, values, 0.0)
    if alpha == 1:
        return -torch.special.xlogy(values, values).sum(dim=1) / math.log(2)
    return torch.log2((values**alpha).sum(dim=1)) / (1 - alpha)


def _entropy_of_shares(shares: torch.Tensor, alpha: float) -> torch.Tensor:
    """The same for the share (m, s) of each sample's class."""
    n = shares.shape[1]
    if alpha == 1:
        return -shares.log2().sum(dim=1) / n
    return torch.log2((shares ** (alpha - 1)).sum(dim=1) / n) / (1 - alpha)
