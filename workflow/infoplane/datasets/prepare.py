"""From a source's settings to a data set that is ready for training."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from infoplane.datasets import contents, options
from infoplane.datasets.places import folders
from infoplane.datasets.source import ASSUMED, Data, Raw, Shape, Source, SourceSettings

NO_LABELS = ("x", "train", "test", "train_indices", "test_indices")
"""Names with another meaning in a data set."""


def prepare(settings: SourceSettings, places: Iterable[str | Path] | None = None) -> Data:
    """The data set of these settings, ready for training.

    places : folders that are searched for files, the last one takes downloads; None for
        `default_places()`

    The steps are, in this order: load, subset (size), label shuffling, split, share of the
    training inputs, standardisation by these, conversion to float32, flattening. Entropies are
    those of the inputs before standardisation.
    Raises MissingData (a FileNotFoundError) if files are absent and cannot be downloaded, and
    ValueError if files or settings do not make a data set.
    """
    source = source_of(settings)
    raw = source.load(folders(places))
    _check(raw, settings.source)
    n_loaded = len(raw.x)
    raw = options.subset(raw, settings.size, settings.seed)
    raw = options.shuffled(raw, settings.shuffled_labels, settings.seed)
    train, test = options.split(raw, settings.training_fraction, settings.seed)
    raw, train, test = options.thinned(raw, train, test, settings.training_share, settings.seed)
    codes = contents.row_codes(raw.x)
    attributes = {
        "settings": settings.model_dump(mode="json"),
        "units": "bit",
        **contents.information(codes, raw.labels),
        "notes": list(raw.notes),
        "n_actions": raw.n_actions,
        "whole": raw.whole and len(raw.x) == n_loaded,
        "finite": raw.whole,
    }
    place = ", ".join(str(getattr(settings, key)) for key in source.where) or settings.source
    x = options.standardised(options.scaled(raw), train, settings.standardise)
    x = options.narrowed(x, codes.max() + 1, settings.standardise, place)
    x = x.reshape(len(x), -1) if settings.flatten else x
    codes_of = {name: label.codes for name, label in raw.labels.items()}
    attributes["digest"] = contents.digest(x=x, **codes_of, train=train, test=test)
    return Data(x, raw.labels, train, test, attributes)


def shape_of(settings: SourceSettings, places: Iterable[str | Path] | None = None) -> Shape:
    """The shape of the result of `prepare`, from headers of files if there are any.

    If the files are absent or invalid, it is that of ASSUMED; the preparation reports the
    mistake.
    """
    return _prepared(_told(settings, places), settings)


def known_shape_of(
    settings: SourceSettings, places: Iterable[str | Path] | None = None
) -> Shape | None:
    """The same, but None in place of ASSUMED."""
    found = _told(settings, places)
    return None if found is ASSUMED else _prepared(found, settings)


def _prepared(found: Shape, settings: SourceSettings) -> Shape:
    fraction = settings.training_fraction
    if fraction is None:
        own = found.n_train
        fraction = own / found.n if own else options.DEFAULT_TRAINING_FRACTION
    n = min(found.n, settings.size or found.n)
    of_input = (found.d,) if settings.flatten else found.of_input
    n_train = round(n * fraction)
    kept = round(n_train * settings.training_share)
    return Shape(n - n_train + kept, of_input, found.classes, kept, found.n_actions)


def labels_of(
    settings: SourceSettings, places: Iterable[str | Path] | None = None
) -> list[str] | None:
    """Names of the labels, if they are known without preparing the data set; else None."""
    found = _told(settings, places)
    return None if found is ASSUMED else list(found.classes)


def files_of(
    settings: SourceSettings, places: Iterable[str | Path] | None = None
) -> list[Path]:
    """Existing files of the data set that may change.

    A workflow takes them as inputs, so that a changed file prepares the data set again.
    """
    return source_of(settings).files(folders(places))


def source_of(settings: SourceSettings) -> Source:
    """The source of these settings."""
    from infoplane.datasets import SOURCES  # here: it imports this file

    return SOURCES[settings.source](settings)


def _told(settings: SourceSettings, places: Iterable[str | Path] | None) -> Shape:
    try:
        return source_of(settings).shape(folders(places))
    except (OSError, LookupError, ValueError, zipfile.BadZipFile):
        return ASSUMED


def _check(raw: Raw, source: str) -> None:
    """Raises ValueError if a source gives invalid labels."""
    for name, label in raw.labels.items():
        if name in NO_LABELS or not name.isidentifier():
            raise ValueError(
                f"{source}: '{name}' cannot be the name of a label; it must be a word of "
                f"letters, digits and _, and none of {', '.join(NO_LABELS)}"
            )
        if label.codes.shape != (len(raw.x),):
            raise ValueError(
                f"{source}: x has {len(raw.x)} rows, label {name} has {label.codes.shape}"
            )
