"""Write a calibration page: its figures, its table of errors, and the page itself."""

from pathlib import Path

from job import job

from infoplane.figures import (
    calibration,
    calibration_distances,
    calibration_errors,
    calibration_page,
    style,
)
from infoplane.figures.page import Drawing
from infoplane.provenance import package_versions
from infoplane.stores.recipes import write_recipe
from infoplane.truth import calibrate, coverage, files, measured
from infoplane.truth import errors as truth_errors
from infoplane.truth.high_information import PUBLISHED
from infoplane.truth.page import Page

with job(snakemake):
    page = Page.model_validate_json(snakemake.params.page)
    estimates = files.read(map(Path, snakemake.input.estimates))
    errors = truth_errors.errors(estimates)
    files.write(truth_errors.rounded(errors), Path(snakemake.output.errors))

    sized = [name for name, p in page.problems.items() if p.family == "high_information"]
    of_peers = (errors, PUBLISHED, sized)
    drawn = {
        f"calibration-{kind}": (
            f"Estimates against the truth: {text}",
            calibration.draw(errors, kind),
            calibration.numbers(errors, kind),
            calibration.caption(errors, kind),
        )
        for kind, text in calibration.KINDS.items()
    }
    drawn["distances"] = (
        "What estimators are about, and I(A;B)",
        calibration_distances.draw(errors),
        calibration_distances.numbers(errors),
        calibration_distances.caption(errors),
    )
    drawn["errors"] = (
        "Share of right answers",
        calibration_errors.draw_shares(errors),
        calibration_errors.shares(errors),
        calibration_errors.caption_of_shares(errors),
    )
    drawn["published"] = (
        "Beside what peers published",
        calibration_errors.draw_published(*of_peers),
        calibration_errors.published(*of_peers),
        calibration_errors.caption_of_published(*of_peers),
    )

    home = Path(snakemake.output.page).parent
    drawings = []
    for name, (title, figure, numbers, caption) in drawn.items():
        png, pdf, csv = (home / "figures" / f"{name}.{end}" for end in ("png", "pdf", "csv"))
        style.save(figure, numbers, png, pdf, csv)
        links = {"pdf": f"figures/{name}.pdf", "csv": f"figures/{name}.csv"}
        drawings.append(Drawing(title=title, png=png, caption=caption, alt=caption, **links))

    tasks = files.read(map(Path, snakemake.input.tasks))
    missing = {
        Path(path).stem: str(prepared["left_out"])
        for path in snakemake.input.prepared
        if "left_out" in (prepared := files.load(Path(path)))
    }
    text = calibration_page.render(
        page,
        errors,
        tasks,
        drawings,
        missing,
        package_versions(),
        snakemake.output.errors,
        coverage.read(),
        calibrate.held(errors),
        measured.in_words(measured.read()),
    )
    Path(snakemake.output.page).write_text(text, encoding="utf-8")
    write_recipe(Path(snakemake.output.recipe), snakemake.params.recipe)
