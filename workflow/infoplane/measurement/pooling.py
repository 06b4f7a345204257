"""Many draws of a layer, as if its weights were random (Grabauskas 2019).

Once training is stable, the weights of neighbouring epochs count as draws from one
distribution; so may the weights of several seeds. Each input then has r outputs of the layer
instead of one, and
    I(X;T) = H(T) − H(T|X),        0 ≤ H(T|X) ≤ log2 r
which is neither H(X) nor infinite. The upper bound limits the estimate: from r draws an
estimator sees at most log2 r bits of randomness, so I(X;T) falls as r grows, until there are
enough draws. So every end is measured with windows of several lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator

from infoplane.estimators.interface import Estimator
from infoplane.measurement.activations import Activations, shapes_of
from infoplane.progress import Progress
from infoplane.samples import LayerInformation, Samples
from infoplane.schedules.fixed import Schedule
from infoplane.settings import Settings as BaseSettings


class Settings(BaseSettings):
    """A pool: the weights that count as draws of one random network."""

    over: Literal["epochs", "seeds", "both", "noise"] = "epochs"
    """A pool takes its draws from this. epochs: the last epochs before the window's end, of
    each seed. seeds: disjoint groups of seeds at one epoch. both: the epochs of all seeds.
    noise: what is random in a measured pass, which is noise, or dropout and batch norm under
    `passes: training`."""
    lengths: list[Annotated[int, Field(ge=1)]] = Field(
        default=[1, 2, 5, 10, 20], min_length=1, validate_default=True
    )
    """A window pools this many epochs, seeds or draws; each length gives one window."""
    ends: Schedule | Literal["last"] = "last"
    """Windows end at these kept epochs: the last one, or a schedule for windows that slide over
    training. A window that would begin before epoch 0 is left out."""
    step: int = Field(default=1, ge=1)
    """A window takes every n-th kept epoch as a draw, where n is this number."""
    drift: float = Field(default=1.5, gt=1)
    """A layer's weights count as drifting if they moved farther than this many times the
    distance that independent steps of the same lengths would cover."""
    estimators: list[str] | None = None
    """Only these estimators of the run measure the pool; null means all of them."""

    @field_validator("lengths")
    @classmethod
    def _in_order(cls, lengths: list[int]) -> list[int]:
        if len(set(lengths)) < len(lengths):
            raise ValueError("must list each length once")
        return sorted(lengths)

    @model_validator(mode="after")
    def _steps_are_of_epochs(self):
        if self.step > 1 and self.over in ("seeds", "noise"):
            raise ValueError(f"step counts epochs; a pool over {self.over} has none")
        return self

    @property
    def in_words(self) -> str:
        """The random network whose draws are pooled."""
        if self.over == "noise":
            return "the network with its random draws"
        over = "epochs and seeds" if self.over == "both" else self.over
        return f"the network pooled over {over}"

    def sizes(self, n_seeds: int, n_kept: int, draws: int) -> tuple[int, int, int]:
        """The largest numbers of groups of seeds, of windows for each group, and of draws in
        the longest window.

        draws : noisy passes of each network
        """
        longest = self.lengths[-1]
        groups = {"both": 1, "seeds": n_seeds // longest}.get(self.over, n_seeds)
        ends = 1 if self.ends == "last" else self.ends.most(n_kept)
        draws = 1 if self.over == "noise" else draws
        draws *= longest * (n_seeds if self.over == "both" else 1)
        return groups, ends * len(self.lengths), draws


@dataclass(frozen=True)
class Block:
    """The networks behind the windows of one end and one group of seeds.

    group : the seed, or the number of the group of seeds; end : the last epoch
    seeds, epochs : each pair is one network; draws : noisy passes of each network
    lengths : of the windows; a window has the last `length` epochs (or all seeds, or draws)
    """

    group: int
    end: int
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    draws: int
    lengths: tuple[int, ...]


class Pooled(NamedTuple):
    """The result for one layer in one window."""

    group: int
    end: int
    length: int
    layer: str
    n_draws: int
    drift: float
    gradient_snr: float
    entropy_x: float
    entropy_y: float
    record: LayerInformation


def blocks(
    settings: Settings, seeds: Sequence[int], kept: Sequence[int], draws: int
) -> list[Block]:
    """The blocks of a pool, in order.

    seeds : those that did not fail; kept : epochs whose weights are kept; draws : noisy passes
    of each network (1 without noise)
    Raises ValueError if no window fits.
    """
    kept = np.asarray(kept)
    ends = kept[-1:] if settings.ends == "last" else settings.ends.select(kept)
    places = np.searchsorted(kept, ends)
    if settings.over == "noise":
        lengths = tuple(settings.lengths)
        windows = [
            Block(s, int(kept[p]), (s,), (int(kept[p]),), lengths[-1], lengths)
            for s in seeds
            for p in places
        ]
    elif settings.over == "seeds":
        windows = [
            Block(group, int(kept[p]), tuple(members), (int(kept[p]),), draws, (length,))
            for p in places
            for length in settings.lengths
            for group, members in enumerate(_groups(seeds, length))
        ]
    else:
        together = [tuple(seeds)] if settings.over == "both" else [(s,) for s in seeds]
        windows = []
        for members in together:
            for p in places:
                fit = [n for n in settings.lengths if p - (n - 1) * settings.step >= 0]
                if fit:
                    first = p - (fit[-1] - 1) * settings.step
                    epochs = tuple(int(e) for e in kept[first : p + 1 : settings.step])
                    group = members[0]
                    windows.append(
                        Block(group, int(kept[p]), members, epochs, draws, tuple(fit))
                    )
    if not windows:
        raise ValueError(
            f"no window fits: the shortest has length {settings.lengths[0]}, and there are "
            f"{len(seeds)} seeds and {len(kept)} kept epochs"
        )
    return windows


def _groups(seeds: Sequence[int], length: int) -> list[Sequence[int]]:
    return [seeds[i : i + length] for i in range(0, len(seeds) - length + 1, length)]


class Pool:
    """The samples of every window of a pool, regenerated block by block."""

    def __init__(self, activations: Activations, settings: Settings, memory_mb: int):
        if not activations.probe.fixed:
            raise ValueError(
                f"probe {activations.probe.settings.probe} gives each epoch its own inputs; a "
                "pool needs the same inputs for all of its networks"
            )
        if activations.y_is_output:
            raise ValueError("a pool needs one Y; reconstructions differ between networks")
        self.activations, self.settings = activations, settings
        kept = [int(e) for e in activations.weights.epochs]
        self.blocks = blocks(settings, activations.seeds, kept, activations.draws)
        largest = max(len(b.seeds) * len(b.epochs) * b.draws for b in self.blocks)
        widest = max(activations.network.widths.values())
        # two neighbouring layers, a temporary, and the pooled copy of one
        needed = 4 * 4 * largest * activations.n_inputs * widest / 1e6
        if needed > memory_mb:
            raise ValueError(
                f"{largest} draws of {activations.n_inputs} inputs in a layer of "
                f"{widest} units take {needed:.0f} MB; memory_mb allows {memory_mb}: pool "
                "fewer, measure a subset, or allow more"
            )

    def __len__(self) -> int:
        return len(self.blocks)

    def samples(self, block: Block) -> Iterator[list[tuple[int, Samples]]]:
        """For each layer, every length of the block with its pooled samples."""
        source, n = self.activations, self.activations.n_inputs
        inputs = source.inputs(block.epochs[-1:], block.seeds[:1])[0]
        # Ranges of bins depend on all samples of a seed. Here they cover all seeds; otherwise
        # groups of different sizes would have different bins.
        seed = block.group if self.settings.over in ("epochs", "noise") else None
        for layer, clean, noise in source.outputs(block.epochs, block.seeds, block.draws):
            shape = (len(block.seeds), len(block.epochs), n, -1, clean.shape[-1])
            centres = clean.view(shape)
            added, sigma = None, None
            if noise is not None:
                sigma = _one_sigma(noise.sigma)
                added = noise.added.view(shape)
            of_lengths = []
            for length in block.lengths:
                part = _last(self.settings.over, centres, length)
                more = None if added is None else _last(self.settings.over, added, length)
                samples = Samples(
                    part if more is None else part + more,
                    inputs.y,
                    inputs.x.flatten(1),
                    layer=layer,
                    seed=seed,
                    epoch=block.end,
                    sigma=sigma,
                    centres=None if more is None else part,
                    entropy_x=inputs.entropy_x,
                    **shapes_of(source.reader, layer, inputs),
                )
                of_lengths.append((length, samples.checked()))
            yield of_lengths


def _one_sigma(sigmas: torch.Tensor) -> float:
    """The common σ of the pooled networks. Relative or multiplicative noise has several σ; then
    this is their root mean square, and config/pools.py refuses estimators that need σ."""
    return float(sigmas.square().mean().sqrt())


def _last(over: str, values: torch.Tensor, length: int) -> torch.Tensor:
    """(n_inputs, r, n_units) from (n_seeds, n_epochs, n_inputs, n_draws, n_units)."""
    if over == "noise":
        values = values[:, :, :, :length]
    elif over != "seeds":
        values = values[:, -length:]
    return values.permute(2, 0, 1, 3, 4).flatten(1, 3).contiguous()


def measure(
    pool: Pool, estimator: Estimator, drifts: Drifts, title: str = "pool"
) -> list[Pooled]:
    """The estimator's result for every layer in every window.

    drifts : show which windows are not stationary; records of these are flagged
    """
    survey = None
    if estimator.needs_survey:
        for _, windows in _watched(pool, f"{title}, survey"):
            survey = estimator.survey([samples for _, samples in windows], survey)
    session = estimator.session(survey)
    (entropies,) = set(pool.activations.entropies(pool.activations.epochs[-1:]).values())
    result = []
    for block, windows in _watched(pool, title):
        records = session([samples for _, samples in windows])
        for (length, samples), record in zip(windows, records, strict=True):
            drift = drifts.of(block, length, samples.layer)
            if drift.is_drifting(pool.settings.drift):
                record = record.with_flag("not_stationary")
            result.append(
                Pooled(
                    block.group,
                    block.end,
                    length,
                    samples.layer,
                    samples.n_draws,
                    *drift,
                    *entropies,
                    record,
                )
            )
    return result


def _watched(pool: Pool, title: str) -> Iterator[tuple[Block, list[tuple[int, Samples]]]]:
    with Progress(title, len(pool), unit="window") as progress:
        for block in pool.blocks:
            for found in pool.samples(block):
                yield block, found
            progress.advance()


class Drift(NamedTuple):
    """How far a layer drifted during a window.

    weights : distance from the first weights to the last, divided by the distance that as many
        independent steps of the same lengths would cover: 1 for a random walk, √steps for a
        straight path, below 1 if the weights stay near one place; NaN for fewer than three
        epochs, and for a layer without weights
    gradient_snr : norm of the mean gradient divided by the norm of its scatter, mean over the
        window's epochs; above 1 in the drift phase of Shwartz-Ziv & Tishby
    """

    weights: float
    gradient_snr: float

    def is_drifting(self, limit: float) -> bool:
        """Whether either measure shows a drift."""
        return self.weights > limit or self.gradient_snr > 1


class Drifts:
    """The drift of every layer in every window of a pool over epochs.

    A pool at a single epoch (over seeds, noise) has no window in time: NaN.
    """

    def __init__(self, activations: Activations):
        self.weights, self.network = activations.weights, activations.network
        self.name, self.reader = activations.name, activations.reader
        metrics = self.weights.metrics()
        self.snr = None
        if "gradient_mean" in metrics and "gradient_std" in metrics:
            self.snr = (metrics["gradient_mean"] / metrics["gradient_std"]).load()
        self._read: tuple[Block, Mapping[str, np.ndarray]] | None = None

    def of(self, block: Block, length: int, layer: str) -> Drift:
        """The drift of one layer in the window of this length; root mean squares over its
        seeds."""
        layer = self.reader.of[layer]
        if len(block.epochs) < 2 or length < 2:
            return Drift(float("nan"), float("nan"))
        epochs = block.epochs[-length:]
        mean_snr = self._snr(block, layer, epochs)
        own = self.network.of_layer.get(layer, ())
        if length < 3 or not own:
            return Drift(float("nan"), mean_snr)
        way, steps = 0.0, 0.0
        for name in own:
            values = self._values(block)[name][:, -length:]
            way += float(np.square(values[:, -1] - values[:, 0]).sum())
            steps += float(np.square(np.diff(values, axis=1)).sum())
        return Drift((way / steps) ** 0.5 if steps else 0.0, mean_snr)

    def _snr(self, block: Block, layer: str, epochs: Sequence[int]) -> float:
        """Mean over seeds and the epochs after the first; NaN if a trainer gives none."""
        if self.snr is None:
            return float("nan")
        place = layer if layer in self.snr["layer"].values else f"{self.name}/{layer}"
        snr = self.snr.sel(
            seed=list(block.seeds), layer=place, epoch=slice(epochs[0] + 1, epochs[-1])
        )
        return float(snr.mean(skipna=True)) if snr.size else float("nan")

    def _values(self, block: Block) -> Mapping[str, np.ndarray]:
        if self._read is None or self._read[0] is not block:
            values = self.weights.read(block.epochs, block.seeds, self.name)
            self._read = block, {n: v.astype(np.float64) for n, v in values.items()}
        return self._read[1]
