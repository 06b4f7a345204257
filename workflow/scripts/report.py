"""Write the experiment's one page: figures, flags, accuracies, settings."""

import json
from pathlib import Path

import pandas as pd
from job import job

from infoplane.checks import flagged
from infoplane.figures import page
from infoplane.provenance import package_versions
from infoplane.stores.information import read_information
from infoplane.stores.weights import WeightsStore


def drawing(png: str) -> page.Drawing:
    """A figure with the caption that was written beside it."""
    path = Path(png)
    said = json.loads(path.with_suffix(".json").read_text())
    link = path.relative_to(home)
    links = {kind: str(link.with_suffix(f".{kind}")) for kind in ("pdf", "csv")}
    title = path.stem.replace("_", " ")
    return page.Drawing(title=title, png=path, **links, **said)


with job(snakemake):
    home = Path(snakemake.output[0]).parent
    experiment = snakemake.params.experiment
    drawings = {png: drawing(png) for png in snakemake.input.figures}

    violations, checked = {}, []
    for found in map(Path, snakemake.input.checks):
        run, estimator = found.parents[1].name, found.stem
        violations[run, estimator] = pd.read_csv(found)
        said = json.loads(found.with_suffix(".json").read_text())
        link = str(found.relative_to(home))
        checked.append(page.Check(run=run, estimator=estimator, csv=link, **said))
    information = []
    for store in map(Path, snakemake.input.information):
        run, estimator = store.parents[2].name, store.parents[0].name
        table, _ = read_information(store)
        table.insert(0, "run", run)
        table.insert(1, "estimator", estimator)
        table = table[table.seed.isin(experiment["runs"][run]["seeds"])]
        information.append(flagged(table, violations[run, estimator]))
    metrics = []
    for run, stores in snakemake.params.weights.items():
        for store in stores:
            table = WeightsStore(Path(store)).metrics_table()
            table.insert(0, "run", run)
            metrics.append(table[table.seed.isin(experiment["runs"][run]["seeds"])])

    runs = [
        page.Run(
            name=name,
            facts=page.facts(run),
            figures=[d for png, d in drawings.items() if f"/runs/{name}/" in png],
        )
        for name, run in experiment["runs"].items()
    ]
    content = page.Experiment(
        title=experiment["name"],
        runs=runs,
        comparisons=[d for png, d in drawings.items() if "/runs/" not in png],
        flags=page.flag_counts(pd.concat(information, ignore_index=True)),
        checks=checked,
        accuracies=page.final_accuracies(pd.concat(metrics, ignore_index=True)),
        versions=package_versions(),
        settings=experiment,
    )
    Path(snakemake.output[0]).write_text(page.render(content))
