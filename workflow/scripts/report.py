"""Write the report of an experiment, one page: figures, flags, endings, settings."""

import json
from pathlib import Path

import pandas as pd
from job import job

from infoplane.deferred import defer_for_a_plan

defer_for_a_plan()  # the figures are drawn; the page needs their names only

from infoplane.figures import page, statements  # noqa: E402
from infoplane.figures.drawn import counts  # noqa: E402
from infoplane.figures.explore import Explorer  # noqa: E402
from infoplane.figures.material import Material  # noqa: E402
from infoplane.figures.sheets import Sheet, Training  # noqa: E402
from infoplane.provenance import package_versions  # noqa: E402

TABLES = ("runs", "endings", "flags", "checks", "statements", "settings")


def drawing(png: Path) -> page.Drawing:
    """A figure with its caption."""
    said = json.loads(png.with_suffix(".json").read_text(encoding="utf-8"))
    del said["recipe"]
    link = png.relative_to(home)
    links = {kind: str(link.with_suffix(f".{kind}")) for kind in ("pdf", "csv")}
    return page.Drawing(title=png.stem.replace("_", " "), png=png, **links, **said)


with job(snakemake):
    home = Path(snakemake.output[0]).parent
    experiment = snakemake.params.experiment
    tables = {name: Path(snakemake.output[name]) for name in TABLES}
    told = {name: json.loads(text) for name, text in snakemake.params.drawn.items()}
    drawings = {
        run: [drawing(Path(folder, f"{name}.png")) for name in names]
        for run, folder, names in told["figures"]
    }
    material = Material(**told["material"])
    # Compared networks have tables of their own.
    runs = {name: run for name, run in experiment["runs"].items() if name in material.runs}
    folder, names = told["families"]
    families = [drawing(Path(folder, f"{name}.png")) for name in names]
    folder, names = told["claims"]
    claims = [drawing(Path(folder, f"{name}.png")) for name in names]
    audit_folder, audited = told["audit"]
    audit = [drawing(Path(audit_folder, f"{name}.png")) for name in audited]
    # Run by run, because all tables of a large experiment would not fit into memory.
    flags, endings, checked, stated, explorer = [], [], [], [], Explorer()
    for run, settings in runs.items():
        for estimator in settings["estimators"]:
            measured, exempt = material.measure(run, estimator), material.exempt[estimator]
            flags += page.flag_counts(measured.table)
            csv = f"runs/{run}/checks/{estimator}.csv" if run in drawings else ""
            found = counts(measured, exempt)
            stated.append(statements.statement_of(measured.table))
            checked.append(page.Check(run=run, estimator=estimator, csv=csv, **found))
            explorer.take(Sheet, measured.table)
        metrics = material.metrics(run)
        endings += page.endings_of(metrics)
        explorer.take(Training, metrics)

    if audited:
        moves = pd.read_csv(Path(audit_folder, "audit.csv"))
        stated = statements.with_moves(stated, moves, told["exempt"])
    content = page.Experiment(
        title=experiment["name"],
        runs=[
            page.Run(name=name, facts=page.facts(run), figures=drawings.get(name, []))
            for name, run in runs.items()
        ],
        families=families,
        claims=claims,
        audit=audit,
        comparisons=drawings.get(None, []),
        statements=statements.merged(stated),
        flags=flags,
        checks=checked,
        endings=endings,
        versions=package_versions(),
        settings={**experiment, "recipe": snakemake.params.recipe},
        tables={name: str(path.relative_to(home)) for name, path in tables.items()},
    )
    page.save_tables(content, tables)
    Path(snakemake.output[0]).write_text(page.render(content, explorer), encoding="utf-8")
