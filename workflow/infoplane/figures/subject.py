"""The subject of one figure, as names, which a plan hands to the drawing job."""

from typing import NamedTuple


class Level(NamedTuple):
    """One plane of a figure of factors.

    label : its name among the levels of its factor; run, estimator : what it shows
    """

    factor: str
    label: str
    run: str
    estimator: str


class Subject(NamedTuple):
    """One figure of an experiment.

    kind : a name out of FIGURES; name : of its files; by : the estimator or sweep under which
    it is requested, empty for a training's; runs, estimators : what it shows; pool : of a run;
    levels : of factors, see `Level`, in order
    """

    kind: str
    name: str
    by: str
    runs: tuple[str, ...]
    estimators: tuple[str, ...] = ()
    pool: str = ""
    levels: tuple[Level, ...] = ()
