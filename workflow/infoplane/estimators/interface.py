"""What every estimator is: a class with its settings bound, that declares what it is.

A method on the activations of a layer derives from `LayerEstimator`, one of any two variables
from `PairEstimator`; one that does both, from both. The workflow measures through a session:

    session = KDE(KDESettings(noise_variance=0.1)).session()
    records = session(batch)          # samples of layers in, one record each out
"""

from __future__ import annotations

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


class EstimatorSettings(Settings):
    """What an estimator without settings of its own has for settings."""

    estimator: str
    """The estimator has this name, or this import path, "module:Class"."""


class Estimator(ABC):
    """A way to estimate information, with its settings.

    What is left out of the class attributes is as it is for most estimators. Raises TypeError
    for a class attribute of another type than the one declared here.
    """

    Settings: ClassVar[type[Settings]] = EstimatorSettings
    """Its settings, `estimator: str` among them."""
    chosen_by: ClassVar[frozenset[str]] = frozenset()
    """Keys of its Settings that choose what is estimated and not how well
    (tables/calibration.py)."""
    idle_with_labels: ClassVar[frozenset[str]] = frozenset()
    """Keys of its Settings that change nothing where the second variable is a label."""
    by_layer: ClassVar[tuple[str, ...]] = ()
    """Keys of its Settings that may be one value for all layers, or one for each (by_layer.py);
    not of one whose batches hold several layers, or that surveys or remembers by them."""
    together: ClassVar[bool] = False
    """A batch is all layers of some seeds at one epoch, in place of one layer's."""
    trains: ClassVar[bool] = False
    """It trains networks of its own: under `device: auto` its jobs ask for a GPU."""
    infinite_without_noise: ClassVar[bool] = False
    """What it estimates is infinite where T is a function of a continuous X."""
    without_information: ClassVar[bool] = False
    """I(X;T) and I(T;Y) are NaN: no adaptive schedule."""
    needs_noise: ClassVar[str] = ""
    """Why it is for layers with noise of their own alone: a run of a network without `noise` is
    refused, and samples without it are answered with NaN, flagged 'needs_noise'."""
    forgets_by: ClassVar[str] = ""
    """Of one that can remember, the setting by which it does not: "warm_start to false"."""
    not_pooled: ClassVar[str] = ""
    """Why it can make nothing of pooled epochs or seeds (measurement/pooling.py)."""
    exempt_from_dpi: ClassVar[str] = ""
    """Why the data processing inequality does not hold for it."""
    not_invariant: ClassVar[str] = ""
    """Why its quantity, as it is meant, changes under invertible maps of a layer: an audit
    (invariance/audit.py) measures by how much, and does not count it as a failure."""

    takes_layers: ClassVar[bool] = False
    takes_pairs: ClassVar[bool] = False
    """What it can be asked for: the information of layers by their activations alone, of any
    two variables. By the classes it derives from."""

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
        """As the settings name it."""
        return self.settings.estimator

    def of_layer(self, layer: str) -> Estimator:
        """Itself with the settings of this layer; KeyError where there are none for it."""
        settings = self.settings
        own = {
            key: of_layer(chosen, layer)
            for key in self.by_layer
            if isinstance(chosen := getattr(settings, key), Mapping)
        }
        return type(self)(settings.model_copy(update=own)) if own else self

    def quantity(self, of: str) -> Quantity:
        """What its I(X;T) (of: "ixt") or its I(T;Y) ("ity") is about, with the settings that
        choose it."""
        return Quantity(PAIRS[of], PAIRS[of])

    def quantity_of(self, of: str, network: str = "") -> Quantity:
        """The same with the network that it is measured in.

        network : where T is random given X, whose it is, "the noisy network"; empty: it is not
        """
        own = self.quantity(of)
        plain = own.words == PAIRS[of]
        if network:
            return own._replace(words=f"{own.words}{'' if plain else ','} of {network}")
        if plain and of == "ixt" and self.infinite_without_noise:
            after = "of continuous variables (infinite for a deterministic layer)"
            return own._replace(words=f"{own.words} {after}")
        return own

    def statements(self, network: str = "") -> dict[str, str]:
        """What a store's attributes say of its numbers: `quantity_ixt`, in words, `symbol_ixt`,
        and of I(T;Y) alike; and `not_calibrated`, by how much its calibrated intervals failed
        their test, or ""."""
        both = {of: self.quantity_of(of, network) for of in QUANTITIES}
        words = {f"quantity_{of}": one.words for of, one in both.items()}
        symbols = {f"symbol_{of}": one.symbol for of, one in both.items()}
        failed = "; ".join(f"{kind}: {why}" for kind, why in calibration.failures(self).items())
        return words | symbols | {"not_calibrated": failed}

    @property
    def needs_labels(self) -> str:
        """Why Y must be a label, and no continuous variable; empty: it may be either."""
        return "" if self.takes_pairs else "works on activations and labels"

    @property
    def needs_survey(self) -> bool:
        """Whether it has to see everything before it measures anything, as for a range of bins
        that is global over training."""
        return False

    @property
    def idle(self) -> frozenset[str]:
        """Keys of its Settings that change nothing where it was tested (tables/calibration.py),
        as the others are set."""
        return frozenset()

    def of_population(self, samples: Samples) -> bool:
        """Whether intervals, or what else it says of these, are about a population that the
        inputs are a sample of: H(X) and H(Y) of the samples are then no limits."""
        return False

    def takes_as_maps(self, shapes: Sequence[tuple[int, ...]]) -> bool:
        """Whether it makes more of variables of these shapes than of their flattened rows: of
        (channels, height, width), that neighbours are neighbours."""
        return False

    def why_not(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
        """Which of its settings cannot go with inputs and layers of these shapes, by name, and
        what it must be; two empty texts: all can."""
        return "", ""

    def survey(self, batch: Sequence[Samples], so_far: Any = None) -> Any:
        """What it remembers of a first pass over all samples; the last result goes to the
        session. so_far : the result before, None at first"""
        return so_far

    def cost(self, n: int, d: int, features: int) -> Cost:
        """Expected working memory and seconds on one thread for a layer of n rows and d units.
        features : of the inputs X"""
        return costs.of_layer(self, n, d, features)

    @property
    def remembers(self) -> bool:
        """Whether a result depends on that of the epoch before; epochs then come in order."""
        return False

    @property
    def keeps_curves(self) -> bool:
        """Whether its records tell how what it trained converged (`Information.curve`)."""
        return False

    def without_memory(self) -> Settings:
        """Its settings with every epoch measured by itself, as far as they say."""
        return self.settings

    @property
    def needs_fixed_epochs(self) -> str:
        """Why epochs cannot be chosen by what was measured; empty: they can."""
        if self.remembers:
            return "goes on from the epoch before"
        if self.without_information:
            return "gives no information that could tell epochs apart"
        return ""

    @abstractmethod
    def answers(
        self, batch: Sequence[Samples], survey: Any = None, memory: dict | None = None
    ) -> list[LayerInformation]:
        """One record a sample, as the estimator says it.

        survey : the last result of `survey`; memory : see `PairEstimator.between_batch`
        """

    def session(self, survey: Any = None) -> Session:
        """Measures batch after batch. survey : the last result of `survey`"""
        return Session(self, survey)


class LayerEstimator(Estimator):
    """Of a layer's activations; one of the two methods is to be written."""

    takes_layers = True

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        usual = LayerEstimator
        if (cls.estimate, cls.estimate_batch) == (usual.estimate, usual.estimate_batch):
            raise TypeError(f"{cls.__name__} has neither `estimate` nor `estimate_batch`")

    def answers(
        self, batch: Sequence[Samples], survey: Any = None, memory: dict | None = None
    ) -> list[LayerInformation]:
        """By the activations alone; I(T;Y) of a continuous Y as that of two variables."""
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
        """Many at once: layers, epochs, seeds. survey : the last result of `survey`"""
        return [self.estimate(samples) for samples in batch]


class PairEstimator(Estimator):
    """Of two variables; of a layer, I(T;Y) and, where x is given, I(X;T) follow from it. One
    of the two methods is to be written."""

    takes_pairs = True

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        usual = PairEstimator
        if (cls.between, cls.between_batch) == (usual.between, usual.between_batch):
            raise TypeError(f"{cls.__name__} has neither `between` nor `between_batch`")

    def answers(
        self, batch: Sequence[Samples], survey: Any = None, memory: dict | None = None
    ) -> list[LayerInformation]:
        """From (T, Y) and, where there is x, (T, X)."""
        # One call for all: estimators that train critics train all of them together.
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
        """Many at once. memory : what one that remembers keeps from epoch to epoch, a dict
        that lives as long as the session; None where it remembers nothing"""
        return [self.between(pair) for pair in pairs]


class Session:
    """An estimator at work: with the result of its survey, and with what it remembers."""

    def __init__(self, estimator: Estimator, survey: Any = None):
        self.estimator, self.survey = estimator, survey
        self.memory: dict | None = {} if estimator.remembers else None

    @isolated()
    def __call__(self, batch: Sequence[Samples]) -> list[LayerInformation]:
        """One record a sample, flagged where the truth is infinite, or the value cannot be;
        with calibrated intervals where the page has evidence, and the reason where there is
        no interval."""
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
        """One record a pair, not judged but for its cap.

        Raises ValueError where the estimator works on layers alone.
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
        """ValueError where settings by layer leave this one out."""
        try:
            return self.estimator.of_layer(layer)
        except KeyError as error:
            keys = ", ".join(self.estimator.by_layer)
            raise ValueError(
                f"{place}: {keys} of {self.estimator.name}: {error.args[0]}"
            ) from None

    def judged(self, pair: Pair) -> Information:
        """`between` of one pair, flagged above H(B), with its calibrated interval."""
        (record,) = self.between([pair])
        return intervals.of_pair(self.estimator, pair, Limits().of_pair(pair, record))

    def _judged(self, samples: Samples, record: LayerInformation) -> LayerInformation:
        if samples.is_deterministic and self.estimator.infinite_without_noise:
            return record._replace(ixt=record.ixt.with_flag("deterministic"))
        return record
