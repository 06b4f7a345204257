"""A tiny experiment from data set to report, by Snakemake itself."""

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from infoplane.config import load

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

OF_RUN = ["training_curves", "gradient_noise"]
OF_ESTIMATOR = ["information_plane", "information_curves"]
FIGURES = [
    f"runs/{run}/figures/{figure}"
    for run in ("tanh", "relu")
    for figure in (
        OF_RUN + [f"{name}-{by}" for name in OF_ESTIMATOR for by in ("binned", "kde")]
    )
] + [f"figures/tanh-vs-relu-{by}" for by in ("binned", "kde")]
BLOCKS = {"tanh": ["seeds-0-1", "seeds-2-2"], "relu": ["seeds-0-0"]}


@pytest.fixture(scope="module")
def home(finished):
    return finished.results("tiny")


def opened(path):
    return xr.open_datatree(f"zip::{path}", engine="zarr")


def information(home, run, estimator):
    """The information store's own arrays, all blocks of seeds, without infoplane."""
    folder = home / "runs" / run / "information" / estimator
    return xr.concat(
        [opened(folder / f"{b}.zarr.zip").to_dataset() for b in BLOCKS[run]], "seed"
    )


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_is_there_in_every_format(home, figure):
    files = {kind: (home / f"{figure}.{kind}").read_bytes() for kind in ("png", "pdf")}
    assert files["png"].startswith(b"\x89PNG\r\n")
    assert files["pdf"].startswith(b"%PDF-")
    assert len(pd.read_csv(home / f"{figure}.csv")) > 0
    said = json.loads((home / f"{figure}.json").read_text())
    assert {*said} == {"caption", "alt", "recipe"}
    assert all(len(said[text]) > 40 for text in ("caption", "alt"))


def test_a_store_is_one_file_and_nothing_stands_beside_it(home):
    """Files and folders count against the quotas of clusters."""
    for run, blocks in BLOCKS.items():
        stores = {f"{block}.zarr.zip" for block in blocks}
        for folder in ("weights", "information/binned", "information/kde"):
            assert {p.name for p in (home / "runs" / run / folder).rglob("*")} == stores


def test_nothing_else_is_in_the_figures_folders(home):
    files = (p for p in home.rglob("figures/*.*") if p.name != ".snakemake_timestamp")
    assert {str(p.relative_to(home).with_suffix("")) for p in files} == set(FIGURES)


@pytest.mark.parametrize("estimator", ["binned", "kde"])
@pytest.mark.parametrize("figure", ["information_plane", "information_curves", "comparison"])
@pytest.mark.parametrize("run", ["tanh", "relu"])
def test_csv_numbers_are_those_of_the_store(home, figure, run, estimator):
    place = (
        f"figures/tanh-vs-relu-{estimator}"
        if figure == "comparison"
        else f"runs/{run}/figures/{figure}-{estimator}"
    )
    table = pd.read_csv(home / f"{place}.csv")
    table = table[table.run == run].set_index(["epoch", "layer"])
    store = information(home, run, estimator)
    assert len(table) == store.sizes["epoch"] * store.sizes["layer"]
    for quantity in ("ixt", "ity"):
        for (epoch, layer), row in table.iterrows():
            values = store[quantity].sel(epoch=epoch, layer=layer).values
            assert len(values) == row["n_seeds"] == {"tanh": 3, "relu": 1}[run]
            np.testing.assert_allclose(row[f"{quantity}_mean"], values.mean(), rtol=1e-12)
            sd = values.std(ddof=1) if len(values) > 1 else np.nan
            np.testing.assert_allclose(row[f"{quantity}_sd"], sd, rtol=1e-9, atol=1e-12)


def test_training_csv_numbers_are_those_of_the_store(home):
    table = pd.read_csv(home / "runs/tanh/figures/training_curves.csv").set_index("epoch")
    table, layers = table[table.layer.isna()], table[table.layer.notna()]
    stores = [opened(home / f"runs/tanh/weights/{b}.zarr.zip") for b in BLOCKS["tanh"]]
    metrics = xr.concat([store["metrics"].to_dataset() for store in stores], "seed")
    assert table.index.tolist() == list(range(7))
    norms = metrics["weight_norm"].mean("seed").stack(row=["epoch", "layer"]).values
    np.testing.assert_allclose(layers.weight_norm_mean, norms, rtol=1e-5)  # of float32
    for name in ("loss_train", "loss_test", "accuracy_train", "accuracy_test"):
        values = metrics[name].values.astype(np.float64)
        np.testing.assert_allclose(table[f"{name}_mean"], values.mean(0), rtol=1e-6)


def test_stores_are_readable_through_xarray(home):
    data = opened(home / "datasets/szt.zarr.zip").to_dataset()
    assert data["x"].shape == (256, 12)
    weights = opened(home / "runs/tanh/weights/seeds-0-1.zarr.zip")
    assert weights["network"].sizes["seed"] == 2
    assert weights["network"]["epoch"].values.tolist() == list(range(7))
    assert weights["metrics"]["loss_train"].shape == (2, 7)
    store = opened(home / "runs/tanh/information/kde/seeds-2-2.zarr.zip")
    assert store["ixt"].dims == ("seed", "epoch", "layer")
    assert store["seed"].values.tolist() == [2]
    assert store["epoch"].values.tolist() == [0, 2, 6]
    assert store["layer"].values.tolist() == ["hidden1", "hidden2", "output"]
    assert np.isfinite(store["ixt"].values).all()
    assert store["ixt"].attrs["units"] == "bit"


def test_store_says_what_it_was_made_from(home, tiny):
    store = opened(home / "runs/relu/information/kde/seeds-0-0.zarr.zip")
    assert store.attrs["estimator"]["noise_variance"] == 1e-3
    assert store.attrs["measure"]["epochs"]["epochs"] == [0, 2, 6]
    training = store.attrs["training"]
    wanted = load(tiny, "tiny").runs["relu"]
    assert training["training"] == wanted.training.model_dump(mode="json")
    assert training["network"] == wanted.network.model_dump(mode="json")
    assert {"numpy", "torch"} <= store.attrs["versions"].keys()


def test_report_is_self_contained(home):
    page = (home / "report.html").read_text()
    sources = re.findall(r'\bsrc="([^"]*)"', page)
    assert len(sources) == len(FIGURES)
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"<link\b|@import|url\((?!['\"]?data:)", page)
    links = [link for link in re.findall(r'\bhref="([^"]*)"', page) if link[0] != "#"]
    n_checks = 4  # two runs by two estimators
    n_tables = 6  # runs, endings, flags, checks, what numbers are worth, settings
    n_files = 3  # PNG, PDF, CSV
    n_interactive = 4 * 2 + 2  # planes and curves of the checks' pairs, training of the runs
    assert len(links) == n_files * (len(FIGURES) + n_interactive) + n_checks + n_tables
    for link in links:
        assert (home / unescape(link)).is_file()


def test_report_holds_captions_and_endings(home):
    page = unescape((home / "report.html").read_text())
    for figure in FIGURES:
        caption = json.loads((home / f"{figure}.json").read_text())["caption"]
        assert caption in page
    table = pd.read_csv(home / "runs/tanh/figures/training_curves.csv")
    (accuracy,) = table[table.layer.isna()].accuracy_train_mean.iloc[-1:]
    assert re.search(rf"\b{accuracy:.3f}", page)


def test_every_process_imports_the_copys_library(finished):
    places = (finished.root / "imported.txt").read_text().splitlines()
    # data set, weights, information, two runs, what is beside each other, report
    jobs = 1 + 3 + 6 + 2 + 1 + 1
    assert len(places) > jobs  # every script, and Snakemake itself
    own = finished.root / "workflow/infoplane/__init__.py"
    assert {Path(place).resolve() for place in places} == {own.resolve()}


def test_every_job_left_a_log_and_no_half_written_store(finished):
    for row in finished.summary("--configfile", "experiment.yaml"):
        (log,) = row["log-file(s)"].split(",")
        assert (finished.root / log).is_file()
    assert not list(finished.root.rglob("*.partial"))
    assert "train tanh seeds-0-1" in finished.log("tiny/train/tanh/seeds-0-1.log")


def test_second_run_has_nothing_to_do(copy):
    assert "Nothing to be done" in copy.snakemake("--configfile", "experiment.yaml")


def test_snakemakes_own_report_holds_the_captions(copy):
    copy.snakemake("--report", "out.html", "--configfile", "experiment.yaml")
    page = (copy.root / "out.html").read_text()
    for figure in FIGURES:  # markup is escaped, and the page is JSON
        said = json.loads((copy.results("tiny") / f"{figure}.json").read_text())["caption"]
        assert json.dumps(said[:40])[1:-1] in page
    images = set(re.findall(r'"(?:name|filename)": ?"([^"]*\.png)"', page))
    assert images >= {f"{figure.rpartition('/')[2]}.png" for figure in FIGURES}
