"""The interface of kinds of figures: subject, numbers, drawing and sentences."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import pandas as pd
from matplotlib.figure import Figure as Drawn

from infoplane.figures import sentences
from infoplane.figures.sentences import Chosen
from infoplane.figures.tables import KIND_OF

Of = Literal[
    "run",
    "estimator",
    "sweep",
    "pair",
    "convergence",
    "pool",
    "comparison",
    "factors",
    "pools",
]
"""The subject of one figure, and the arguments of `numbers` and `draw`:

    run         a training: (metrics)
    estimator   a run by one estimator: (information)
    sweep       a run by all variants of a swept estimator: the same, with a column `variant`
    pair        a run by an estimator, and its clustering: the same, with `entropy_binned`
    comparison  several runs by one estimator: the same
    factors     runs and estimators that differ in a factor each: the same, with `factor`,
                `level` and, where it was measured, `gradient_snr`
    convergence a run by an estimator that keeps curves, or by one that continues from epoch to
                epoch and its twin that does not: (curves)
    pool        a run's pool by one estimator: (pooled)
    pools       all runs that have a pool, pooled and not: the same as estimator, with `plane`
"""


class Figure(ABC):
    """A kind of figure: a class in a file of this folder, and a line in FIGURES.

    Tables are those of `material`. Nothing is estimated here.
    """

    of: ClassVar[Of]
    """What one figure of this kind shows."""
    information: ClassVar[bool] = True
    """For an estimator: whether it is drawn for estimators of information, or for all
    others."""
    of_gradients: ClassVar[bool] = False
    """For a run: whether it is drawn only if the trainer's metrics have gradients."""
    of_twins: ClassVar[bool] = False
    """For convergence: whether it is drawn only for two estimators."""
    names_estimator: ClassVar[bool] = False
    """Whether the sentences name the estimator, its settings, and the values at the end."""

    @classmethod
    @abstractmethod
    def numbers(cls, *given: Any) -> pd.DataFrame:
        """The tidy table of every drawn number; it is saved with the figure."""

    @classmethod
    @abstractmethod
    def draw(cls, *given: Any) -> Drawn:
        """Takes the arguments of `numbers`, and draws only these numbers."""

    @classmethod
    @abstractmethod
    def sentences(cls, numbers: pd.DataFrame) -> list[str]:
        """Sentences of the caption, read from the numbers; empty ones are left out."""

    @classmethod
    def table(cls, numbers: pd.DataFrame) -> pd.DataFrame | None:
        """The table under the figure in the report, as texts; None: no table."""
        return None

    @classmethod
    def at_the_end(cls, numbers: pd.DataFrame) -> str:
        """The values at the last epoch in a sentence, for readers who do not see the figure."""
        if not cls.names_estimator or len(set(numbers.run)) > 1:
            return ""
        last = numbers[numbers.epoch == numbers.epoch.max()]
        ends = [
            f"{row.layer} {sentences.value(row.ixt_mean)} and {sentences.value(row.ity_mean)}"
            for row in last.itertuples()
        ]
        return f"At the last epoch I(X;T) and I(T;Y) in bits: {'; '.join(ends)}."

    @classmethod
    def caption(
        cls,
        numbers: pd.DataFrame,
        settings: Mapping[str, object] | None = None,
        chosen: Sequence[Chosen] = (),
        read: Mapping[str, str] = MappingProxyType({}),
        without_edge: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """The caption: what is drawn, the number of seeds, the left-out seeds, bands and units.

        settings : the estimator's, named in the text; chosen : epochs that adaptive schedules
        chose, one entry a store; read : how each run's maps are read; without_edge : which of
        its layers are not compared with another, where violations are counted
        """
        if numbers.empty:
            why = numbers.attrs.get("why", "every seed of this run failed or was set aside")
            return f"Nothing is drawn: {why}."
        texts = cls.sentences(numbers)
        if cls.names_estimator:
            texts += sentences.estimator(numbers, settings or {})
        if "quantity_ixt" in numbers:
            texts.append(sentences.quantities(numbers))
        if set(KIND_OF.values()) <= set(numbers):
            texts.append(sentences.intervals(numbers))
        texts.append(sentences.changes(numbers))
        texts += sentences.chosen(numbers, chosen)
        texts += sentences.of_runs("Read", read)
        if "n_violates_dpi" in numbers:
            texts += sentences.of_runs("Data processing inequality", without_edge)
        return sentences.named(" ".join(filter(None, texts)), numbers)

    @classmethod
    def alt(cls, numbers: pd.DataFrame) -> str:
        """One sentence in place of the image, and the values at the last epoch."""
        if numbers.empty:
            why = numbers.attrs.get("why", "every seed failed or was set aside")
            return f"An empty figure: {why}."
        runs = sentences.listed(dict.fromkeys(numbers.run))
        if "epoch" not in numbers:
            return f"{cls.heading()} of {runs}, up to {int(numbers.n_draws.max())} draws."
        text = f"{cls.heading()} of {runs}, {sentences.epochs(numbers)}."
        return sentences.named(f"{text} {cls.at_the_end(numbers)}".rstrip(), numbers)

    @classmethod
    def heading(cls) -> str:
        """The kind in words: "Information plane"."""
        words = "".join(f" {c.lower()}" if c.isupper() else c for c in cls.__name__)
        return words.strip().capitalize()
