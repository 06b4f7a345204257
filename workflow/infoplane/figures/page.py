"""One self-contained HTML page of an experiment: figures, flags, endings, provenance.

The page loads nothing from outside; images are in the page itself, and relative links lead to
the PDF and CSV of each figure.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from infoplane.figures import FIGURES, sentences, tables
from infoplane.figures.explore import Explorer, plotly, script
from infoplane.figures.statements import Statement
from infoplane.figures.style import RC
from infoplane.information import FLAGS

COUNTED = (
    "saturated",
    "above_entropy",
    "heavy_tails",
    "degenerate",
    "not_converged",
    "exploded",
    "violates_dpi",
)
"""Flags that the page counts by layer."""
LONGEST = 200
"""The page shows at most this many rows of a table; with 10,000 runs it would otherwise be too
large to open. The files of `save_tables` have all rows."""
MOST_PICTURES = 12_000_000
"""The page holds images of at most this many base64 characters in all, and links to the
others."""
PIXELS_PER_INCH = 130
"""Pixels on a screen: a figure as wide as a page of text fills the report's column."""

# a misspelt key of a dictionary is an error, not a missing section
_STRICT = ConfigDict(extra="forbid")


@dataclass(config=_STRICT, frozen=True)
class Drawing:
    """One figure on the page.

    title : the name of its file, which `in_words` puts into words; png : the image, read from
        disk; pdf, csv : links, relative to the page;
    caption, alt : from `sentences`; table : a heading and rows, as texts, or nothing
    heading : in place of the title in words
    """

    title: str
    png: Path
    pdf: str
    csv: str
    caption: str
    alt: str
    table: tuple[tuple[str, ...], ...] = ()
    heading: str = ""

    @property
    def name(self) -> str:
        """Of its files: "information_plane-kde"."""
        return self.png.stem


@dataclass(config=_STRICT, frozen=True)
class FlagCount:
    """The number of values of one run, estimator and layer with each flag.

    second : "Y", or "X̂" if that is a reconstruction
    values : seeds × epochs that were measured; negative_ixt, negative_ity : of these, I(X;T)
    or I(T;Y) below 0; violates_dpi : see `checks`;
    failed_seeds : names of the seeds that were not measured
    """

    run: str
    estimator: str
    layer: str
    values: int
    saturated: int
    above_entropy: int
    heavy_tails: int
    degenerate: int
    not_converged: int
    exploded: int
    violates_dpi: int
    negative_ixt: int
    negative_ity: int
    failed_seeds: str
    second: str = "Y"


@dataclass(config=_STRICT, frozen=True)
class Check:
    """The data processing inequality in one run by one estimator.

    compared, violations : pairs of values; proven : violations that intervals prove;
    exempt : why the inequality does not hold for the estimator; csv : link to the list, empty
        if there is none; without_edge : the layers that are compared with the data alone
    """

    run: str
    estimator: str
    compared: int
    violations: int
    proven: int
    exempt: str
    csv: str = ""
    without_edge: str = ""


@dataclass(config=_STRICT, frozen=True)
class Ending:
    """One quantity at the last epoch: mean and sd over seeds, as text ("test 0.98 ± 0.01").

    set_aside : seeds that are not among them, with the reason ("3 (accuracy_train 0.5012)")
    remarks : on seeds that are ("4 (collapsed generator: …)")
    """

    run: str
    epoch: int
    seeds: int
    quantity: str
    values: str
    set_aside: str = ""
    remarks: str = ""


@dataclass(config=_STRICT, frozen=True)
class Run:
    """One run. facts : rows of the table of runs: {"data set": …, "network": …, …}."""

    name: str
    facts: dict[str, str]
    figures: tuple[Drawing, ...] = ()


@dataclass(config=_STRICT, frozen=True)
class Experiment:
    """The content of the page.

    comparisons : figures of several runs; families : figures of networks that are compared
    pair by pair; claims : the figure and table of all claims, and a figure of each;
    audit : the figure and what it says; flags,
    endings : see `flag_counts` and `final_endings`; versions : {package: version};
    settings : the resolved configuration;
    tables : links to the whole tables, by name, and to the settings, see `save_tables`
    """

    title: str
    runs: tuple[Run, ...]
    comparisons: tuple[Drawing, ...] = ()
    families: tuple[Drawing, ...] = ()
    claims: tuple[Drawing, ...] = ()
    audit: tuple[Drawing, ...] = ()
    statements: tuple[Statement, ...] = ()
    flags: tuple[FlagCount, ...] = ()
    checks: tuple[Check, ...] = ()
    endings: tuple[Ending, ...] = ()
    versions: dict[str, str] | None = None
    settings: dict | None = None
    tables: dict[str, str] | None = None
    description: str = ""


TABLES = {"endings": Ending, "flags": FlagCount, "checks": Check, "statements": Statement}
"""Tables of the page that are written whole too, by the field of Experiment."""


def render(experiment: Experiment | dict, explorer: Explorer | None = None) -> str:
    """The page as HTML.

    experiment : an Experiment, or a dictionary of the same shape
    explorer : the content of its interactive part; None: it has none
    Raises pydantic.ValidationError for unknown or missing keys, FileNotFoundError if an image
    does not exist.
    """
    checked = TypeAdapter(Experiment).validate_python(experiment)
    many = len(checked.runs) > LONGEST
    settings = checked.settings or {}
    if len(settings.get("runs", ())) > LONGEST:
        settings = {key: value for key, value in settings.items() if key != "runs"}
    with_section = [run for run in checked.runs if run.figures or not many]
    of_several = [*checked.claims, *checked.families, *checked.comparisons]
    explorer = explorer or Explorer()
    return template("page.html.j2").render(
        experiment=replace(checked, flags=summed(checked.flags)),
        explorer=explorer,
        stills={run.name: {d.name: d for d in run.figures} for run in checked.runs},
        linked=_too_many([*of_several, *(d for run in with_section for d in run.figures)]),
        plotly=plotly() if explorer.cards else "",
        script=script,
        with_section=with_section,
        longest=LONGEST,
        fact_names=list(dict.fromkeys(name for run in checked.runs for name in run.facts)),
        flag_meanings={name: FLAGS[name] for name in COUNTED},
        settings=_yaml(settings) if settings else "",
    )


def _too_many(drawings: Sequence[Drawing]) -> list[Drawing]:
    """The pictures for which the page has no room, in its order."""
    sizes = np.cumsum([4 / 3 * drawing.png.stat().st_size for drawing in drawings])
    return [d for d, size in zip(drawings, sizes, strict=True) if size > MOST_PICTURES]


def summed(flags: Sequence[FlagCount]) -> tuple[FlagCount, ...]:
    """The counts themselves or, if there are very many, those of an estimator's layer over all
    runs."""
    if len(flags) <= LONGEST:
        return tuple(flags)
    table = pd.DataFrame([asdict(count) for count in flags])
    n_failed = table.failed_seeds.str.split(", ").where(table.failed_seeds != "").str.len()
    table = table.assign(failed_seeds=n_failed.fillna(0).astype(int))
    whose = table.groupby(["estimator", "layer"], sort=False)
    sums = whose.sum(numeric_only=True).reset_index()
    sums["run"] = [f"{n:,} runs" for n in whose.run.nunique()]
    sums["failed_seeds"] = sums.failed_seeds.map(lambda n: f"{n:,} in all" if n else "")
    return tuple(FlagCount(**row) for row in sums.to_dict("records"))


def save_tables(experiment: Experiment, paths: Mapping[str, Path]) -> None:
    """Write the page's whole tables, one CSV each, and the settings as JSON.

    paths : of runs, endings, flags, checks and settings
    """
    runs = pd.DataFrame([{"run": run.name, **run.facts} for run in experiment.runs])
    runs.to_csv(paths["runs"], index=False)
    for name, kind in TABLES.items():
        rows = [asdict(row) for row in getattr(experiment, name)]
        columns = [field.name for field in fields(kind)]
        pd.DataFrame(rows, columns=columns).to_csv(paths[name], index=False)
    paths["settings"].write_text(json.dumps(experiment.settings, indent=1), encoding="utf-8")


def template(name: str) -> Template:
    """A page's template in this folder: strict about names, with the filters of all pages."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["css_width"] = _css_width
    environment.filters["in_words"] = in_words
    environment.filters["href"] = _href
    environment.filters["png_href"] = lambda pdf: _href(f"{pdf.removesuffix('.pdf')}.png")
    environment.filters["anchor"] = _anchor
    return environment.get_template(name)


def in_words(title: str) -> str:
    """ "information_plane-kde" → "Information plane, kde"; a comparison's name is kept.

    "tanh-vs-relu-kde" → "Information planes: tanh vs relu, kde"; any other text is kept.
    """
    figures = {name.replace("_", " ") for name in FIGURES}
    plain = title.replace("_", " ")
    figure, _, estimator = plain.partition("-")
    if figure in figures:
        return f"{figure.capitalize()}, {estimator}" if estimator else figure.capitalize()
    comparison, _, estimator = plain.rpartition("-")
    if not comparison:
        return title
    return f"Information planes: {comparison.replace('-', ' ')}, {estimator}"


def facts(run: dict) -> dict[str, str]:
    """A run's row in the table of runs; run : its resolved settings."""
    network, training = run["network"], run["training"]
    rows = {
        "data set": run["dataset"],
        "network": ", ".join(f"{k} {v}" for k, v in network.items()),
        "training": _training(training),
        "seeds": str(len(run["seeds"])),
        "measured inputs": _measured(run["measure"]),
    }
    if training.get("prefit"):
        rows["training"] += f" after {training['prefit']['epochs']} on random labels"
    if rule := training.get("set_aside"):
        side = "below" if rule.get("below") else "above"
        rows["set aside"] = f"seeds that end with {rule['quantity']} {side} {rule[side]}"
    return rows


def _training(training: dict) -> str:
    if training["trainer"] != "supervised":
        return ", ".join(f"{key} {value}" for key, value in training.items())
    optimizer = training["optimizer"]
    learnt = f", label {training['label']}" if training.get("label") else ""
    if training.get("target") == "input":
        learnt = f", to reconstruct the inputs, loss {training['loss'] or 'squared'}"
        if noise := training["denoise"]:
            learnt += f", denoising (sigma {noise['sigma']}, masked {noise['masked']})"
    return (
        f"{optimizer['method']}, learning rate {optimizer['learning_rate']}, batches of "
        f"{training['batch_size']}, {training['epochs']} epochs{learnt}"
    )


def _measured(measure: dict) -> str:
    if measure["probe"] != "dataset":
        return f"by {measure['probe']}"
    if measure["y"] == "reconstruction":
        return f"{measure['inputs']}, Y: {tables.SECOND[measure['y']]}"
    label = measure["label"]
    return f"{measure['inputs']}, label {label}" if label else measure["inputs"]


def flag_counts(information: pd.DataFrame) -> list[FlagCount]:
    """One record per run, estimator and layer of an information table, in its order."""
    needed = ["run", "estimator", "seed", "epoch", "layer", "ixt", "flags", "second"]
    tables.require(information, needed, "information")
    counted = []
    for (run, estimator), rows in information.groupby(["run", "estimator"], sort=False):
        failed, second = tables.failed_seeds(rows), str(rows.second.iloc[0])
        for layer, part in rows[~rows.seed.isin(failed)].groupby("layer", sort=False):
            counted.append(_count(str(run), str(estimator), str(layer), part, failed, second))
        if set(rows.seed) == set(failed):
            counted.append(_count(str(run), str(estimator), "all", rows[:0], failed, second))
    return counted


def endings_of(metrics: pd.DataFrame) -> list[Ending]:
    """One record per run and quantity of a table of metrics, of those for which a direction is
    better; seeds that failed or were set aside are left out."""
    judged = [metric for metric in metrics.attrs["metrics"] if metric.better]
    names = [metric.name for metric in judged]
    tables.require(metrics, ["run", "seed", "epoch", *names], "metrics")
    result = []
    for run, rows in metrics.groupby("run", sort=False):
        failed = tables.seeds_that_failed(rows)
        at_end = rows[rows.epoch == rows.epoch.max()]
        aside = at_end[at_end.seed.isin(tables.set_aside_seeds(rows))]
        last = at_end[~at_end.seed.isin([*failed, *aside.seed])]
        named = ", ".join(f"{row.seed} ({row.lost})" for row in aside.itertuples())
        remarked = at_end[at_end.remark != ""].itertuples()
        remarks = ", ".join(f"{row.seed} ({row.remark})" for row in remarked)
        for label, members in tables.panels(judged).items():
            texts = {part: _spread(last[m.name].to_numpy()) for part, m in members.items()}
            values = ", ".join(f"{part} {text}" for part, text in texts.items() if text != "–")
            epoch, quantity = int(rows.epoch.max()), sentences.in_words(label)
            said = values or "–", named, remarks
            result.append(Ending(str(run), epoch, len(last), quantity, *said))
    return result


def _count(
    run: str, estimator: str, layer: str, rows: pd.DataFrame, failed: list, second: str
) -> FlagCount:
    flagged = {name: int(tables.has_flag(rows["flags"], name).sum()) for name in COUNTED}
    return FlagCount(
        run=run,
        estimator=estimator,
        layer=layer,
        second=second,
        values=int((rows.ixt.notna() | rows.ity.notna()).sum()),
        negative_ixt=int((rows.ixt < 0).sum()),
        negative_ity=int((rows.ity < 0).sum()),
        failed_seeds=", ".join(map(str, failed)),
        **flagged,
    )


def _spread(values: np.ndarray) -> str:
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return "–"
    mean = f"{values.mean():.4f}"
    return mean if len(values) == 1 else f"{mean} ± {values.std(ddof=1):.4f}"


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _css_width(path: Path) -> int:
    """Width at which the text of every figure, wide or narrow, has the same size."""
    head = path.read_bytes()[:24]
    if len(head) < 24 or head[12:16] != b"IHDR":
        raise ValueError(f"{path} is not a PNG image")
    inches = int.from_bytes(head[16:20]) / RC["savefig.dpi"]
    return round(inches * PIXELS_PER_INCH)


def _href(path: str) -> str:
    """A relative path as a link; a colon is escaped, so it can never name a scheme."""
    return quote(path, safe="/")


def _anchor(drawing: Drawing) -> str:
    """Its anchor on the page: the name of its files, within a link."""
    return "still-" + re.sub(r"[^\w.-]+", "-", drawing.pdf.removesuffix(".pdf"))


def _yaml(settings: Mapping) -> str:
    return yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=90)
