"""Every number is what it was: values of small runs, kept in numbers/values.csv, and of the
default experiment, some of its epochs, in numbers/default.csv.

Rounding differs between kinds of processors and versions of torch, and training makes it
larger; so values are compared on the kind of machine that they were taken on, by whoever
changes what computes them:

    INFOPLANE_NUMBERS=take pytest tests/workflow/test_numbers.py     before the change
    INFOPLANE_NUMBERS=compare pytest tests/workflow/test_numbers.py  after it
"""

import json
import os
import re
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
def pair(request, fresh):
    """The values that were kept, and those that are found now."""
    asked = os.environ.get("INFOPLANE_NUMBERS")
    if asked not in ("take", "compare"):
        pytest.skip("INFOPLANE_NUMBERS is neither take nor compare: no numbers to compare")
    take = asked == "take"
    taken_on = {} if take else json.loads((HERE / "machine.json").read_text())
    if not take and taken_on != machine():
        pytest.skip(f"numbers were taken on another kind of machine: {taken_on}")
    name = request.param
    project = fresh()
    config = yaml.safe_load(EXPERIMENTS[name].read_text())
    project.snakemake(*stores_of(config), "--configfile", project.configure(config))
    found = values_in(project.results(config["experiment"]))
    if name in SOME:
        found = found[found.index.isin(SOME[name], level="end")]
    if take:
        found.to_csv(HERE / f"{name}.csv", float_format="%.12g")
        (HERE / "machine.json").write_text(json.dumps(machine(), indent=1) + "\n")
    index = {"run": str, "what": str, "group": int, "end": str, "layer": str}
    return pd.read_csv(HERE / f"{name}.csv", dtype=index).set_index([*index]), found


@pytest.mark.parametrize("name", ["ixt", "ity"])
def test_every_number_is_as_it_was(pair, name):
    kept, found = pair
    assert found.index.equals(kept.index)
    by = found.index.get_level_values("what").str.rpartition("/").get_level_values(2)
    tolerance = np.full(len(found), ROUNDING)
    tolerance[by.isin(COUNTING)] = 1e-8  # as many digits as are kept
    critics = by.isin(CRITICS)
    tolerance[critics] = kept[f"{name}_stderr"][critics]
    both_nan = found[name].isna() & kept[name].isna()
    wrong = ~((found[name] - kept[name]).abs() <= tolerance) & ~both_nan
    assert not wrong.any(), pd.concat([kept[name], found[name]], axis=1)[wrong].to_string()
