"""From a source's settings to a data set that is ready to train on."""

from collections.abc import Iterable
from pathlib import Path

from infoplane.datasets import contents, options
from infoplane.datasets.places import folders
from infoplane.datasets.source import Data, SourceSettings


def prepare(settings: SourceSettings, places: Iterable[str | Path] | None = None) -> Data:
    """The data set that these settings describe, ready to train on.

    places : folders searched for files, the last one takes downloads; None for
        `default_places()`
    In this order: load, subset (size), label shuffling, split, standardisation by the
    training inputs, narrowing to float32, flattening. Entropies are those of the inputs as
    they were given.
    Raises MissingData (a FileNotFoundError) where files are absent and cannot be
    downloaded, ValueError where files or settings do not make a data set.
    """
    from infoplane.datasets import SOURCES  # here: the folder's table imports this file

    raw = SOURCES[settings.source].load(settings, folders(places))
    raw = options.subset(raw, settings.size, settings.seed)
    y = options.shuffled(raw.y, settings.shuffled_labels, settings.seed)
    train, test = options.split(raw, y, settings.training_fraction, settings.seed)
    codes = contents.row_codes(raw.x)
    attributes = {
        "settings": settings.model_dump(mode="json"),
        "n_classes": len(raw.class_names),
        "class_names": list(raw.class_names),
        "units": "bit",
        **contents.information(
            codes, y, None if settings.shuffled_labels else raw.probabilities
        ),
        "notes": list(raw.notes),
    }
    place = str(getattr(settings, "path", settings.source))
    x = options.standardised(options.scaled(raw), train, settings.standardise)
    x = options.narrowed(x, codes.max() + 1, settings.standardise, place)
    x = x.reshape(len(x), -1) if settings.flatten else x
    attributes["digest"] = contents.digest(x=x, y=y, train=train, test=test)
    return Data(x, y, train, test, attributes)
