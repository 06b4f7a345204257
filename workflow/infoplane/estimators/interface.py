"""The interface of estimators: a class with its settings, which declares its properties.

A method for the activations of a layer derives from `LayerEstimator`, one for any two variables
from `PairEstimator`, and one for both derives from both. The workflow measures through a
session:

    session = KDE(KDESettings(noise_variance=0.1)).session()
    records = session(batch)          # samples of layers in, one record each out
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch

from infoplane.costs import Cost
from infoplane.estimators.by_layer import of_layer
from infoplane.estimators.tables import calibration, costs, intervals
from infoplane.estimators.tables.limits import Limits
from infoplane.information import (
    COORDINATES,
    NOT_KNOWN,
    PAIRS,
    QUANTITIES,
    Information,
    LayerInformation,
    Quantity,
)
from infoplane.isolated import isolated
from infoplane.samples import Pair, Samples
from infoplane.settings import Settings

BENT = "monotone"
"""The one of COORDINATES that makes noise no longer Gaussian; some estimators need Gaussian
noise."""


class EstimatorSettings(Settings):
    """The settings of an estimator that has no settings of its own."""

    estimator: str
    """The estimator has this name, or this import path, "module:Class"."""


class Estimator(ABC):
    """A way to estimate information, with its settings.

    The defaults of the class attributes suit most estimators. Raises TypeError for a class
    attribute whose type is not the declared one.
    """

    Settings: ClassVar[type[Settings]] = EstimatorSettings
    """Its settings, `estimator: str` among them."""
    chosen_by: ClassVar[frozenset[str]] = frozenset()
    """Keys of its Settings that choose the estimated quantity, and not the accuracy
    (tables/calibration.py)."""
    idle_with_labels: ClassVar[frozenset[str]] = frozenset()
    """Keys of its Settings that change nothing if the second variable is a label."""
    by_layer: ClassVar[tuple[str, ...]] = ()
    """Keys of its Settings that may be one value for all layers or one for each (by_layer.py).
    An estimator whose batches hold several layers, or whose survey or memory is by layer, has
    none."""
    together: ClassVar[bool] = False
    """Whether a batch is all layers of some seeds at one epoch, and not a single layer."""
    trains: ClassVar[bool] = False
    """Whether it trains its own networks; its jobs then ask for a GPU with `device: auto`."""
    infinite_without_noise: ClassVar[bool] = False
    """Whether its quantity is infinite if T is a function of a continuous X."""
    without_information: ClassVar[bool] = False
    """Whether I(X;T) and I(T;Y) are NaN, so that no adaptive schedule can use them."""
    needs_noise: ClassVar[str] = ""
    """Why it needs layers with their own noise. A run of a network without `noise` is refused,
    and samples without noise give NaN, flagged 'needs_noise'."""
    forgets_by: ClassVar[str] = ""
    """For an estimator that can remember, the setting that turns this off: "warm_start to
    false"."""
    not_pooled: ClassVar[str] = ""
    """Why it cannot measure pooled epochs or seeds (measurement/pooling.py)."""
    exempt_from_dpi: ClassVar[str] = ""
    """Why its values need not obey the data processing inequality."""
    not_invariant: ClassVar[str] = ""
    """Why its quantity is meant to change under invertible maps of a layer. An audit
    (invariance/audit.py) measures by how much, and does not count it as a failure."""

    changes: ClassVar[str] = ""
    """Which settings and which properties of the samples change its value, and in which
    direction: a clause for readers. `moved_by` says what other coordinates do."""

    takes_layers: ClassVar[bool] = False
    takes_pairs: ClassVar[bool] = False
    """Whether it measures layers by their activations alone, and whether it measures any two
    variables. Its base classes decide."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name, usual in vars(Estimator).items():
            kind, value = type(usual), vars(cls).get(name, usual)
            declared = kind in (bool, str, frozenset, tuple) and not name.startswith("_")
            if declared and not isinstance(value, kind):
                raise TypeError(
                    f"{cls.__name__}.{name} must be of type {kind.__name__}, not {value!r}"
                )
        if not (isinstance(cls.Settings, type) and issubclass(cls.Settings, Settings)):
            raise TypeError(
                f"{cls.__name__}.Settings must be a class derived from infoplane.Settings, not "
                f"{cls.Settings!r}"
            )

    def __init__(self, settings: Settings | None = None, **chosen: Any):
        """settings : of the class `Settings`; or its keys, as KSG(k=3)."""
        self.settings = self.Settings(**chosen) if settings is None else settings

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self.settings.estimator

    def of_layer(self, layer: str) -> Estimator:
        """The estimator with the settings of this layer; KeyError if there are none for it."""
        settings = self.settings
        own = {
            key: of_layer(chosen, layer)
            for key in self.by_layer
            if isinstance(chosen := getattr(settings, key), Mapping)
        }
        return type(self)(settings.model_copy(update=own)) if own else self

    def quantity(self, of: str) -> Quantity:
        """The quantity behind its I(X;T) (of: "ixt") or its I(T;Y) ("ity"), with the settings
        that choose it."""
        return Quantity(PAIRS[of], PAIRS[of])

    def quantity_of(self, of: str, network: str = "") -> Quantity:
        """The quantity with the network in which it is measured.

        network : "the noisy network" or another whose T is random given X; empty if T is not
        """
        own = self.quantity(of)
        plain = own.words == PAIRS[of]
        if network:
            return own._replace(words=f"{own.words}{'' if plain else ','} of {network}")
        if plain and of == "ixt" and self.infinite_without_noise:
            after = "of continuous variables (infinite for a deterministic layer)"
            return own._replace(words=f"{own.words} {after}")
        return own

    def moved_by(self, of: str) -> tuple[str, ...] | None:
        """Which maps of a layer (information.COORDINATES) may move its I(X;T) (of: "ixt") or
        its I(T;Y) ("ity"); the others leave it unchanged. None if this is not known."""
        return None

    def what_changes(self, of: str) -> str:
        """What would change its I(X;T) (of: "ixt") or its I(T;Y) ("ity"): a sentence without
        its full stop; empty if the estimator does not say."""
        moved = self.moved_by(of)
        if not self.changes or moved is None:
            return self.changes
        asked = {n: w for n, w in COORDINATES.items() if not (self.needs_noise and n == BENT)}
        still = [words for name, words in asked.items() if name not in moved]
        moving = [words for name, words in asked.items() if name in moved]
        texts = [f"{_listed(moving)} move it"] if moving else []
        if still:
            texts.append(f"{_listed(still)} do not{'' if moving else ' move it'}")
        return f"{self.changes}; of the layer's coordinates, {', '.join(texts)}"

    def statements(self, network: str = "") -> dict[str, str]:
        """The attributes of a store that describe its values: for I(X;T) `quantity_ixt`, in
        words, `symbol_ixt`, and `changes_ixt`, what would change it; the same for I(T;Y); and
        `not_calibrated`, by how much its calibrated intervals failed their test, or ""."""
        both = {of: self.quantity_of(of, network) for of in QUANTITIES}
        words = {f"quantity_{of}": one.words for of, one in both.items()}
        symbols = {f"symbol_{of}": one.symbol for of, one in both.items()}
        failed = "; ".join(f"{kind}: {why}" for kind, why in calibration.failures(self).items())
        changes = {f"changes_{of}": self.what_changes(of) for of in QUANTITIES}
        return words | symbols | changes | {"not_calibrated": failed}

    @property
    def needs_labels(self) -> str:
        """Why Y must be a label and not continuous; empty if it may be either."""
        return "" if self.takes_pairs else "works on activations and labels"

    @property
    def needs_survey(self) -> bool:
        """Whether it must see all activations before it measures any, for example for a range
        of bins over the whole training."""
        return False

    @property
    def idle(self) -> frozenset[str]:
        """Keys of its Settings that change nothing in the tests of tables/calibration.py, given
        its other settings."""
        return frozenset()

    def of_population(self, samples: Samples) -> bool:
        """Whether its results concern a population of which the inputs are a sample; then H(X)
        and H(Y) of the samples are not limits."""
        return False

    def takes_as_maps(self, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Whether it uses these shapes beyond their flattened rows: for (channels, height,
        width), which positions are neighbours."""
        return False

    def why_not(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
        """The name of a setting that does not fit inputs and layers of these shapes, and what
        it must be; two empty texts if all fit."""
        return "", ""

    def survey(self, batch: Sequence[Samples], so_far: Any = None) -> Any:
        """Notes from a first pass over all samples, batch by batch; the last result goes to the
        session. so_far : the previous result, None at first"""
        return so_far

    def cost(self, n: int, d: int, features: int) -> Cost:
        """Expected working memory and seconds on one thread for a layer of n rows and d units.
        features : of the inputs X"""
        return costs.of_layer(self, n, d, features)

    @property
    def remembers(self) -> bool:
        """Whether a result depends on the epoch before; epochs then come in order."""
        return False

    @property
    def keeps_curves(self) -> bool:
        """Whether its records hold the convergence of its training (`Information.curve`)."""
        return False

    def without_memory(self) -> Settings:
        """Its settings, changed so that every epoch is measured by itself."""
        return self.settings

    @property
    def needs_fixed_epochs(self) -> str:
        """Why its results cannot choose the epochs; empty if they can."""
        if self.remembers:
            return "continues from the epoch before"
        if self.without_information:
            return "gives no information that could distinguish epochs"
        return ""

    @abstractmethod
    def answers(
        self, batch: Sequence[Samples], survey: Any = None, memory: dict | None = None
    ) -> list[LayerInformation]:
        """One record for each sample, before any checks.

        survey : the last result of `survey`; memory : see `PairEstimator.between_batch`
        """

    def session(self, survey: Any = None) -> Session:
        """Measures batch after batch. survey : the last result of `survey`"""
        return Session(self, survey)


def _listed(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


class LayerEstimator(Estimator):
    """An estimator for a layer's activations. A subclass writes one of the two methods."""

    takes_layers = True

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        usual = LayerEstimator
        if (cls.estimate, cls.estimate_batch) == (usual.estimate, usual.estimate_batch):
            raise TypeError(f"{cls.__name__} has neither `estimate` nor `estimate_batch`")

    def answers(
        self, batch: Sequence[Samples], survey: Any = None, memory: dict | None = None
    ) -> list[LayerInformation]:
        """The records from activations and labels; I(T;Y) with a continuous Y is measured as
        for two variables."""
        if batch[0].is_labelled:
            return self.estimate_batch(batch, survey)
        if self.needs_labels:
            raise ValueError(f"Y must be a label: estimator {self.name} {self.needs_labels}")
        one_class = torch.zeros(batch[0].n_inputs, dtype=torch.int64)
        records = self.estimate_batch([replace(s, y=one_class) for s in batch], survey)
        with_y = self.between_batch([samples.with_y() for samples in batch])
        return [
            record._replace(ity=found) for record, found in zip(records, with_y, strict=True)
        ]

    def estimate(self, samples: Samples) -> LayerInformation:
        """One layer at one epoch of one seed."""
        return self.estimate_batch([samples])[0]

    def estimate_batch(
        self, batch: Sequence[Samples], survey: Any = None
    ) -> list[LayerInformation]:
        """Many samples at once: layers, epochs, seeds. survey : the last result of `survey`"""
        return [self.estimate(samples) for samples in batch]


class PairEstimator(Estimator):
    """An estimator for two variables; for a layer, I(T;Y) and, with x, I(X;T) follow from it. A
    subclass writes one of the two methods."""

    takes_pairs = True

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        usual = PairEstimator
        if (cls.between, cls.between_batch) == (usual.between, usual.between_batch):
            raise TypeError(f"{cls.__name__} has neither `between` nor `between_batch`")

    def words_of_pair(self, labelled: bool) -> str:
        """The quantity behind its I(A;B), in words. labelled : whether B is a label"""
        words = self.quantity("ity" if labelled else "ixt").words
        if words in PAIRS.values():
            return "I(A;B)"
        return re.sub(r"\b[XYT]\b", lambda found: "A" if found[0] == "T" else "B", words)

    def changes_of_pair(self, labelled: bool) -> str:
        """What would change its I(A;B). labelled : whether B is a label"""
        said = self.what_changes("ity" if labelled else "ixt")
        return said.replace("of the layer's coordinates", "of A's coordinates")

    def answers(
        self, batch: Sequence[Samples], survey: Any = None, memory: dict | None = None
    ) -> list[LayerInformation]:
        """From (T, Y) and, with x, from (T, X)."""
        # One call for all, because estimators with critics train all of them together.
        has_x = [samples.x is not None for samples in batch]
        pairs = [samples.with_y() for samples in batch]
        pairs += [samples.with_inputs() for samples in batch if samples.x is not None]
        records = self.between_batch(pairs, memory)
        with_x = iter(records[len(batch) :])
        without = NOT_KNOWN.with_flag("needs_x")
        return [
            LayerInformation(next(with_x) if x else without, with_y)
            for with_y, x in zip(records[: len(batch)], has_x, strict=True)
        ]

    def between(self, pair: Pair) -> Information:
        """I(A;B) of one pair."""
        return self.between_batch([pair])[0]

    def between_batch(
        self, pairs: Sequence[Pair], memory: dict | None = None
    ) -> list[Information]:
        """Many pairs at once. memory : a dict for an estimator that remembers from epoch to
        epoch, which lives as long as the session; None if it remembers nothing"""
        return [self.between(pair) for pair in pairs]


class Session:
    """An estimator at work, with the result of its survey and its memory."""

    def __init__(self, estimator: Estimator, survey: Any = None):
        self.estimator, self.survey = estimator, survey
        self.memory: dict | None = {} if estimator.remembers else None

    @isolated()
    def __call__(self, batch: Sequence[Samples]) -> list[LayerInformation]:
        """One record for each sample, flagged if the truth is infinite or the value impossible.
        It has a calibrated interval if the calibration page has evidence, else the reason why
        there is none."""
        estimator = self._of_layer(batch[0].layer, batch[0].place)
        records = estimator.answers(batch, self.survey, self.memory)
        records = [record.with_saturation() for record in records]
        limits = Limits()
        records = [
            record if estimator.of_population(samples) else limits.of_layer(samples, record)
            for samples, record in zip(batch, records, strict=True)
        ]
        judged = [self._judged(*both) for both in zip(batch, records, strict=True)]
        return intervals.of_layers(estimator, batch, judged, limits)

    @isolated()
    def between(self, pairs: Sequence[Pair]) -> list[Information]:
        """One record for each pair, checked only against its cap.

        Raises ValueError if the estimator only works on layers.
        """
        if not self.estimator.takes_pairs:
            raise ValueError(
                f"estimator {self.estimator.name} works on a layer's activations and labels, "
                "not on two variables; use infoplane.estimate"
            )
        key, place = pairs[0].key, pairs[0].place
        estimator = self._of_layer(key[0] if key else place, place)
        records = estimator.between_batch(pairs, self.memory)
        return [record.with_saturation() for record in records]

    def _of_layer(self, layer: str, place: str) -> Estimator:
        """Raises ValueError if settings by layer leave this one out."""
        try:
            return self.estimator.of_layer(layer)
        except KeyError as error:
            keys = ", ".join(self.estimator.by_layer)
            raise ValueError(
                f"{place}: {keys} of {self.estimator.name}: {error.args[0]}"
            ) from None

    def judged(self, pair: Pair) -> Information:
        """`between` for one pair, flagged if the value exceeds H(B), with its calibrated
        interval, its quantity, and what would change it."""
        (record,) = self.between([pair])
        estimator = self.estimator
        record = intervals.of_pair(estimator, pair, Limits().of_pair(pair, record))
        of = pair.is_labelled
        return record.but(
            quantity=estimator.words_of_pair(of), changes=estimator.changes_of_pair(of)
        )

    def _judged(self, samples: Samples, record: LayerInformation) -> LayerInformation:
        if samples.is_deterministic and self.estimator.infinite_without_noise:
            return record._replace(ixt=record.ixt.with_flag("deterministic"))
        return record
