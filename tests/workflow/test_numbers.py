"""Every number is what it was: values of small runs, kept in numbers/values.csv, and of the
default experiment, some of its epochs, in numbers/default.csv. torch's operators train the
small runs, compiled loops the default experiment.

Rounding differs between kinds of processors and versions of torch, and training makes it
larger. So values are compared tightly on the kind of machine that they were taken on; on
another, only those of the small runs, and to 0.1 bit. Whoever means to change them takes them
anew:

    INFOPLANE_NUMBERS=take pytest tests/workflow/test_numbers.py
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import infoplane

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

HERE = Path(__file__).parent / "numbers"
ROOT = Path(__file__).parents[2]
COUNTING = ("binned", "binned-over-training", "exact")
CRITICS = ("mine", "nwj", "infonce", "smile", "js", "compressed")
ROUNDING = 1e-6
"""Bits. Sums are taken in another order where code moves; values of critics follow training,
which makes rounding larger: they are compared within their standard error."""
ELSEWHERE = 0.1
"""Bits, on another kind of machine: two of 256 inputs in another bin move a value by less; or
three standard errors. With AVX2 for AVX-512, critics alone moved, by 0.4 of theirs at most."""


def machine() -> dict[str, str]:
    """What decides the last bits of a training."""
    about = Path("/proc/cpuinfo")
    said = about.read_text() if about.exists() else ""
    found = [
        re.search(rf"^{key}\s*: (.*)$", said, re.MULTILINE) for key in ("model name", "model")
    ]
    return {
        "processor": " ".join(line[1] for line in found if line),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def values_in(results: Path) -> pd.DataFrame:
    """I(X;T), I(T;Y) and their standard errors of every run, estimator, seed, epoch and layer;
    of pools, of every window."""
    tables = []
    for store in sorted(results.glob("runs/*/*/*/*.zarr.zip")):
        kind, run = store.parents[1].name, store.parents[2].name
        table = infoplane.open(store).to_dataset().to_dataframe().reset_index()
        if kind == "information":
            where = {"what": store.parent.name, "group": table["seed"], "end": table["epoch"]}
        else:
            where = {
                "what": f"{store.parent.name}/{store.name.partition('.zarr')[0]}",
                "group": table["group"],
            }
            where |= {"end": table["end"].astype(str) + "×" + table["length"].astype(str)}
        kept = table[["layer", "ixt", "ixt_stderr", "ity", "ity_stderr"]]
        tables.append(kept.assign(run=run, **where))
    index = ["run", "what", "group", "end", "layer"]
    found = pd.concat(tables).astype({"end": str, "group": int, "layer": str})
    return found.sort_values(index).set_index(index)


def stores_of(config: dict) -> list[str]:
    """The stores of information, and of pooled information, of an experiment of one block."""
    stores = []
    common = config.get("defaults", {})
    n_seeds = common["seeds"]
    for name, own in config["runs"].items():
        run = {**common, **own}
        home = f"results/{config['experiment']}/runs/{name}"
        stores += [
            f"{home}/information/{by}/seeds-0-{n_seeds - 1}.zarr.zip"
            for by in run["estimators"]
        ]
        for pool, settings in run.get("pools", {}).items():
            stores += [f"{home}/pooled/{pool}/{by}.zarr.zip" for by in settings["estimators"]]
    return stores


EXPERIMENTS = {"values": HERE / "experiment.yaml", "default": ROOT / "config" / "config.yaml"}
"""Files of kept values, and what they are values of."""
SOME = {"default": ["0", "1", "10", "104", "1056", "3000"]}
"""Epochs that are kept of an experiment of many."""


@pytest.fixture(scope="module", params=EXPERIMENTS)
def ran(request, fresh):
    """The values that were kept, those that are found now, and whether on the same kind of
    machine."""
    take = os.environ.get("INFOPLANE_NUMBERS") == "take"
    taken_on = json.loads((HERE / "machine.json").read_text())
    same, name = take or taken_on == machine(), request.param
    if name == "default" and not same:
        pytest.skip(f"numbers were taken on another kind of machine: {taken_on}")
    project = replace(fresh(), patience=1800)
    config = yaml.safe_load(EXPERIMENTS[name].read_text())
    project.snakemake(*stores_of(config), "--configfile", project.configure(config))
    results = project.results(config["experiment"])
    found = values_in(results)
    if name in SOME:
        found = found[found.index.isin(SOME[name], level="end")]
    if take:
        found.to_csv(HERE / f"{name}.csv", float_format="%.12g")
        (HERE / "machine.json").write_text(json.dumps(machine(), indent=1) + "\n")
    index = {"run": str, "what": str, "group": int, "end": str, "layer": str}
    kept = pd.read_csv(HERE / f"{name}.csv", dtype=index).set_index([*index])
    return kept, found, same, results


def test_weights_and_information_of_a_run_are_few_files(ran):
    """At most 60 files and folders for 12 estimators, five for each."""
    *_, results = ran
    for run in results.glob("runs/*"):
        there = [
            path for part in ("weights", "information") for path in (run / part).rglob("*")
        ]
        estimators = len([*(run / "information").iterdir()])
        assert estimators and len(there) <= 5 * estimators, there


@pytest.mark.parametrize("name", ["ixt", "ity"])
def test_every_number_is_as_it_was(ran, name):
    kept, found, same, _ = ran
    assert found.index.equals(kept.index)
    by = found.index.get_level_values("what").str.rpartition("/").get_level_values(2)
    tolerance = np.full(len(found), ROUNDING)
    tolerance[by.isin(COUNTING)] = 1e-8  # as many digits as are kept
    critics, error = by.isin(CRITICS), kept[f"{name}_stderr"]
    tolerance[critics] = error[critics]
    if not same:
        tolerance = np.maximum(ELSEWHERE, 3 * error.fillna(0))
    both_nan = found[name].isna() & kept[name].isna()
    wrong = ~((found[name] - kept[name]).abs() <= tolerance) & ~both_nan
    assert not wrong.any(), pd.concat([kept[name], found[name]], axis=1)[wrong].to_string()
