"""Write the experiment's one page: figures, flags, accuracies, settings."""

import json
from itertools import groupby
from pathlib import Path

import pandas as pd
from job import job

from infoplane.checks import flagged, violations_of
from infoplane.figures import page
from infoplane.provenance import package_versions
from infoplane.stores.information import read_information
from infoplane.stores.lists import read_list
from infoplane.stores.weights import WeightsStore

TABLES = ("runs", "accuracies", "flags", "checks", "settings")


def by_estimator(store: Path) -> tuple[str, str]:
    """Run and estimator of a store of information."""
    return store.parents[2].name, store.parents[0].name


def drawing(png: str) -> page.Drawing:
    """A figure with the caption that was written beside it."""
    path = Path(png)
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    del said["recipe"]
    link = path.relative_to(home)
    links = {kind: str(link.with_suffix(f".{kind}")) for kind in ("pdf", "csv")}
    title = path.stem.replace("_", " ")
    return page.Drawing(title=title, png=path, **links, **said)


with job(snakemake):
    home = Path(snakemake.output[0]).parent
    experiment = snakemake.params.experiment
    tables = {name: Path(snakemake.output[name]) for name in TABLES}
    drawings = {}
    for png in snakemake.input.figures:
        of = Path(png).parents[1]  # the run's folder, or the experiment's
        drawings.setdefault(of.name if of != home else None, []).append(drawing(png))

    violations, checked = {}, []
    for found in map(Path, snakemake.input.checks):
        run, estimator = found.parents[1].name, found.stem
        violations[run, estimator], said = read_list(found)
        del said["recipe"]
        link = str(found.relative_to(home))
        checked.append(page.Check(run=run, estimator=estimator, csv=link, **said))
    # Run by run: all tables of a large experiment at once would not fit into memory.
    flags, accuracies = [], []
    stores = map(Path, snakemake.input.information)
    for (run, estimator), blocks in groupby(stores, by_estimator):
        wanted = experiment["runs"][run]["seeds"]
        read = [read_information(store) for store in blocks]
        table, about = pd.concat([table for table, _ in read], ignore_index=True), read[0][1]
        table.insert(0, "run", run)
        table.insert(1, "estimator", estimator)
        table = table[table.seed.isin(wanted)]
        found = violations.get((run, estimator))
        if found is None:  # a run without figures of its own has no list either
            found = violations_of(table, about, snakemake.params.exempt[estimator])
        flags += page.flag_counts(flagged(table, found))
    for run, blocks in snakemake.params.weights.items():
        table = pd.concat([WeightsStore(Path(store)).metrics_table() for store in blocks])
        table.insert(0, "run", run)
        table = table[table.seed.isin(experiment["runs"][run]["seeds"])]
        accuracies += page.final_accuracies(table)

    runs = [
        page.Run(name=name, facts=page.facts(run), figures=drawings.get(name, []))
        for name, run in experiment["runs"].items()
    ]
    content = page.Experiment(
        title=experiment["name"],
        runs=runs,
        comparisons=drawings.get(None, []),
        flags=flags,
        checks=checked,
        accuracies=accuracies,
        versions=package_versions(),
        settings={**experiment, "recipe": snakemake.params.recipe},
        tables={name: str(path.relative_to(home)) for name, path in tables.items()},
    )
    page.save_tables(content, tables)
    Path(snakemake.output[0]).write_text(page.render(content), encoding="utf-8")
