"""Small tables with the workflow's columns."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from infoplane.training.targets import Classes

LAYERS = ("zeta", "alpha", "output")  # not alphabetical: order is order of appearance
EPOCHS = (0, 1, 10, 100, 3000)


@pytest.fixture
def information():
    """A function that makes an information table of one run; values in bits."""

    def make(
        run="tanh",
        estimator="kde",
        seeds=4,
        epochs=EPOCHS,
        layers=LAYERS,
        failed=(),
        saturated=(),
        cap=12.0,
        shift=0.0,
        lower=np.nan,
    ):
        rng = np.random.default_rng(3)
        rows = []
        for seed in range(seeds):
            for epoch in epochs:
                for i, layer in enumerate(layers):
                    ixt = 10 - 2.5 * i + 0.1 * np.log1p(epoch) + rng.normal(0, 0.2) + shift
                    ity = 0.9 - 0.2 * i + rng.normal(0, 0.02) + shift
                    flags = ["not_a_bound"] if estimator == "kde" else []
                    flags += ["saturated"] if layer in saturated else []
                    if seed in failed:
                        ixt = ity = np.nan
                        flags = ["training_failed"]
                    rows.append(
                        {
                            "run": run,
                            "estimator": estimator,
                            "second": "Y",
                            "quantity_ixt": "I(X; bins of T), 9 bins",
                            "quantity_ity": "I(bins of T; Y), 9 bins",
                            "symbol_ixt": r"I(X;\mathrm{Bin}(T))",
                            "symbol_ity": r"I(\mathrm{Bin}(T);Y)",
                            "seed": seed,
                            "epoch": epoch,
                            "layer": layer,
                            "ixt": ixt,
                            "ity": ity,
                            "ixt_interval_low": ixt - lower,
                            "ixt_interval_high": ixt if lower == lower else np.nan,
                            "ity_interval_low": np.nan,
                            "ity_interval_high": np.nan,
                            "ixt_interval_kind": "none" if np.isnan(lower) else "proven",
                            "ity_interval_kind": "none",
                            "ixt_why_none": "sample" if np.isnan(lower) else "",
                            "ity_why_none": "sample",
                            "ixt_stderr": np.nan,
                            "ixt_cap": cap[i] if isinstance(cap, tuple) else cap,
                            "flags": "|".join(flags),
                            "entropy_binned": 1.0,
                            "entropy_x": 12.0,
                            "entropy_y": 0.999,
                            "remark": "",
                            "information_xy": np.nan,
                        }
                    )
        return pd.DataFrame(rows)

    return make


def lose(table, failed):
    """The table as a store gives it, with seeds that failed."""
    why = np.where(table.seed.isin(failed), "the loss became NaN", "")
    return table.assign(lost=why, set_aside=False, remark="")


@pytest.fixture
def metrics():
    """A function that makes a metrics table of one run; losses in nats."""

    def make(run="tanh", seeds=4, epochs=EPOCHS, failed=(), test=True):
        rng = np.random.default_rng(4)
        table = pd.DataFrame(
            [(run, s, e) for s in range(seeds) for e in epochs],
            columns=["run", "seed", "epoch"],
        )
        for i, column in enumerate(
            ("loss_train", "loss_test", "accuracy_train", "accuracy_test")
        ):
            table[column] = 0.2 + 0.1 * i + rng.uniform(0, 0.1, len(table))
            if not test and column.endswith("test"):
                table[column] = np.nan
            table.loc[table.seed.isin(failed), column] = np.nan
        table = lose(table.assign(layer=""), failed)
        table.attrs["metrics"] = list(Classes().metrics)
        return table

    return make


@pytest.fixture
def gradients():
    """A function that makes a gradients table of one run; epoch 0 has no gradient."""

    def make(run="tanh", seeds=4, epochs=EPOCHS, failed=()):
        rng = np.random.default_rng(5)
        table = pd.DataFrame(
            [(run, s, e, layer) for s in range(seeds) for e in epochs for layer in LAYERS],
            columns=["run", "seed", "epoch", "layer"],
        )
        for column in ("gradient_mean", "gradient_std", "weight_norm"):
            table[column] = rng.uniform(0.1, 1, len(table))
        gone = table.seed.isin(failed) | (table.epoch == 0)
        table.loc[gone, ["gradient_mean", "gradient_std"]] = np.nan
        return lose(table, failed)

    return make


@pytest.fixture
def plotted():
    """A function that lists every point of every data line and scatter of some axes."""

    def points(axes):
        scatters = [c for c in axes.collections if isinstance(c, PathCollection)]
        found = [np.asarray(c.get_offsets()) for c in scatters if c.get_gid()]
        for line in axes.lines:
            if line.get_transform() == axes.transData and len(line.get_xdata()):
                found.append(np.column_stack([line.get_xdata(), line.get_ydata()]))
        return np.concatenate(found) if found else np.empty((0, 2))

    return points
