"""From the workflow's tables to means and spreads over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from infoplane.figures.style import band
from infoplane.information import WEAKEST, WHY_NONE
from infoplane.training.trainer import Metric

HOLLOW = ("saturated", "above_entropy")
"""Flags that make a point hollow: its value is the largest that the estimator can return, or
larger than any information."""
COUNTED = (
    "saturated",
    "not_converged",
    "exploded",
    "not_a_bound",
    "deterministic",
    "needs_x",
    "needs_noise",
    "violates_dpi",
    "not_stationary",
    "above_entropy",
    "heavy_tails",
    "degenerate",
)
VALUES = ("ixt", "ity")
ENTROPIES = ("entropy_x", "entropy_y")
SECOND = {"label": "Y", "reconstruction": "X̂"}
"""The second variable of I(T;·) on the second axis, by `measure.y`."""
QUANTITY = {
    "quantity_ixt": "I(X;T)",
    "quantity_ity": "I(T;Y)",
    "symbol_ixt": "I(X;T)",
    "symbol_ity": "I(T;Y)",
}
"""Columns of the numbers' quantities (information.Quantity), and the quantities of a table
without them."""
STATED = ("changes_ixt", "changes_ity", "not_calibrated")
"""Columns of what else an estimator says about its numbers (Estimator.statements), the same in
all rows of one run and estimator; "" in a table without them."""
CEILING = "information_xy"
SAME = 1e-3
"""Bits up to which I(X;Y) is H(Y), and no line of its own."""
ENDS = tuple(f"{of}_interval_{end}" for of in VALUES for end in ("low", "high"))
"""Ends of intervals, in bits."""
KIND_OF = {of: f"{of}_interval_kind" for of in VALUES}
"""The columns of their kinds."""
WHY_OF = {of: f"{of}_why_none" for of in VALUES}
"""The columns of why there is none: a reason out of WHY_NONE, or, of means, reasons with the
number of seeds ("sample 3|dimensions 1")."""


def require(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raises ValueError with the names of missing columns, or if the table has no rows."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(
            f"the {what} table lacks {', '.join(missing)}; it has {', '.join(table)}"
        )
    if table.empty:
        raise ValueError(f"the {what} table has no rows")


def only(table: pd.DataFrame, column: str, what: str) -> str:
    """The one value of a column; a ValueError if the table holds several."""
    values = list(table[column].unique())
    if len(values) != 1:
        raise ValueError(
            f"this figure draws one {column}; the {what} table holds "
            f"{', '.join(map(str, values))}: select one first"
        )
    return str(values[0])


def has_flag(flags: pd.Series, name: str) -> pd.Series:
    """Where `name` is among the names joined by "|"; a CSV's empty cell has none."""
    codes, texts = pd.factorize(flags.fillna(""))  # few texts, each in many rows
    found = np.array([name in text.split("|") for text in texts], dtype=bool)
    return pd.Series(found[codes], index=flags.index)


def failed_seeds(information: pd.DataFrame) -> list:
    """Seeds with a failed row; they are left out completely, or the mean would jump midway."""
    return sorted(information.seed[has_flag(information["flags"], "training_failed")].unique())


def set_aside_seeds(table: pd.DataFrame) -> list:
    """Seeds that a table of information, or one of metrics, calls set aside."""
    flags = "flags" in table
    where = has_flag(table["flags"], "set_aside") if flags else table["set_aside"]
    return sorted(table.seed[where].unique())


def naming(table: pd.DataFrame, failed: list, set_aside: list) -> dict[str, str]:
    """Columns seeds_left_out (all of them), seeds_set_aside (those that did not fail) and
    remarks, short remarks on drawn seeds: "3: collapsed generator".

    table : of information or of metrics, with what is said at length in a column `remark`
    """
    said = table.drop_duplicates("seed").sort_values("seed").fillna({"remark": ""})
    short = [
        f"{row.seed}: {' and '.join(one.partition(':')[0] for one in row.remark.split('; '))}"
        for row in said.itertuples()
        if row.remark
    ]
    return {
        "remarks": "|".join(short),
        "seeds_left_out": "|".join(map(str, sorted({*failed, *set_aside}))),
        "seeds_set_aside": "|".join(map(str, set_aside)),
    }


def seeds_that_failed(metrics: pd.DataFrame) -> list:
    """Seeds of a table of metrics that are lost without a rule."""
    return sorted(metrics.seed[(metrics.lost != "") & ~metrics.set_aside].unique())


def panels(metrics: Iterable[Metric]) -> dict[str, dict[str, Metric]]:
    """Metrics by their label, each with its part, which distinguishes it from the others.

    loss_train and loss_test are "train" and "test"; one that is alone has its own name.
    """
    of_label: dict[str, list[Metric]] = {}
    for metric in metrics:
        of_label.setdefault(metric.label, []).append(metric)
    by_label = {}
    for label, members in of_label.items():
        names = [metric.name for metric in members]
        parts = [name.rpartition("_")[2] for name in names]
        heads = {name.rpartition("_")[0] for name in names}
        alike = len(heads) == 1 and "" not in heads and len(names) > 1
        by_label[label] = dict(zip(parts if alike else names, members, strict=True))
    return by_label


def forbid_twice(table: pd.DataFrame, by: list[str]) -> None:
    """Raises ValueError if a seed appears twice at the same `by`."""
    twice = table.duplicated([*by, "seed"])
    if twice.any():
        where = table.loc[twice, [*by, "seed"]].iloc[0].to_dict()
        raise ValueError(f"{int(twice.sum())} rows appear twice, the first at {where}")


def on_common_epochs(information: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The table with every seed at every epoch at which any seed was measured.

    information : of one run and one estimator; blocks of seeds may have epochs of their own
    (adaptive schedules), and a mean over those seeds alone that happen to share an epoch would
    jump from one epoch to the next
    columns : values that are joined linearly between a seed's own epochs, never beyond them
    Returns the rows, followed by the added ones, which have no flags; column `interpolated`
    distinguishes them.
    """
    table = information.assign(interpolated=False)
    epochs = np.unique(table.epoch)
    if len(table) == len(epochs) * len(table[["seed", "layer"]].drop_duplicates()):
        return table  # nothing is missing; `over_seeds` finds rows that appear twice
    added = [table]
    for (seed, layer), own in table.groupby(["seed", "layer"], sort=False):
        inside = (epochs > own.epoch.min()) & (epochs < own.epoch.max())
        missing = np.setdiff1d(epochs[inside], own.epoch)
        if len(missing):
            own = own.sort_values("epoch")
            joined = {name: np.interp(missing, own.epoch, own[name]) for name in columns}
            where = {"seed": seed, "epoch": missing, "layer": layer, "flags": ""}
            added.append(pd.DataFrame({**where, **joined, "interpolated": True}))
    return pd.concat(added, ignore_index=True) if len(added) > 1 else table


def over_seeds(table: pd.DataFrame, by: list[str], columns: Sequence[str]) -> pd.DataFrame:
    """Mean and sd over seeds: columns {column}_mean, {column}_sd and n_seeds, indexed by `by`.

    n_seeds counts the seeds of the first column. Rows keep the order in which the layers
    first appear, epoch by epoch. Raises ValueError if a seed appears twice.
    """
    forbid_twice(table, by)
    result = {}
    index = None
    for column in columns:
        wide = table.pivot(index=by, columns="seed", values=column)
        index = wide.index
        mean, sd, n = band(wide.to_numpy())
        result[f"{column}_mean"], result[f"{column}_sd"] = mean, sd
        result.setdefault("n_seeds", n)
    return _in_order(pd.DataFrame(result, index=index), table)


def by_epoch_and_layer(
    information: pd.DataFrame,
) -> pd.DataFrame:
    """One row per epoch and layer of one run and one estimator; everything in bits.

    Columns: run, estimator, second (of SECOND), epoch, layer, n_seeds, ixt_mean, ixt_sd,
    ity_mean, ity_sd, means of the ends of the intervals, ixt_interval_kind, ity_interval_kind
    (the weakest over seeds), ixt_why_none, ity_why_none (see WHY_OF),
    ixt_cap (the largest over seeds), n_interpolated (seeds measured
    at other epochs, see on_common_epochs), and of those measured here n_<flag> (seeds with that
    flag), n_hollow (seeds with any flag of HOLLOW), n_negative (seeds with a negative value);
    those of QUANTITY and STATED; entropy_x, entropy_y, entropies_differ (see with_entropies),
    information_xy (the mean of I(X;Y) over the seeds of an epoch, NaN where it is not known),
    seeds_left_out, seeds_set_aside, remarks. Seeds that failed or were set aside are left out
    and named there.
    """
    needed = (
        "run",
        "estimator",
        "seed",
        "epoch",
        "layer",
        *VALUES,
        *ENDS,
        *KIND_OF.values(),
        *ENTROPIES,
        CEILING,
        "ixt_cap",
        "flags",
    )
    require(information, needed, "information")
    run = only(information, "run", "information")
    estimator = only(information, "estimator", "information")
    failed = failed_seeds(information)
    aside = set_aside_seeds(information)
    kept = information[~information.seed.isin([*failed, *aside])]
    kept = on_common_epochs(kept, [*VALUES, *ENDS])

    by = ["epoch", "layer"]
    result = over_seeds(kept, by, [*VALUES, *ENDS])
    result = result.drop(columns=[f"{end}_sd" for end in ENDS])
    for flag in COUNTED:
        kept[f"n_{flag}"] = has_flag(kept["flags"], flag)
    kept["n_hollow"] = kept[[f"n_{flag}" for flag in HOLLOW]].any(axis=1)
    kept["n_negative"] = ((kept.ixt < 0) | (kept.ity < 0)) & ~kept.interpolated
    kept["n_interpolated"] = kept.interpolated & kept.ixt.notna()
    counts = ["n_interpolated", *(f"n_{flag}" for flag in COUNTED), "n_hollow", "n_negative"]
    groups = kept.groupby(by, sort=False)
    result = result.join(kinds(kept, by)).join(reasons(kept, by))
    result = result.join(groups.ixt_cap.max()).join(groups[counts].sum()).reset_index()
    result.insert(0, "run", run)
    result.insert(1, "estimator", estimator)
    result.insert(2, "second", information.second.iloc[0] if "second" in information else "Y")
    result = result.assign(**about(information))
    result = with_entropies(result, kept)
    result = result.join(kept.groupby("epoch")[CEILING].mean(), on="epoch")
    return result.assign(**naming(information, failed, aside))


def side_by_side(information: pd.DataFrame, what: str) -> pd.DataFrame:
    """by_epoch_and_layer of every run and value of a column, which comes first."""
    parts = []
    for (_, value), part in information.groupby(["run", what], sort=False):
        shown = by_epoch_and_layer(part)
        shown.insert(0, what, value)
        parts.append(shown)
    return pd.concat(parts, ignore_index=True)


def kinds(information: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The weakest kind of both intervals over the rows of a group, indexed by `by`."""
    places = {
        name: information[name].map(WEAKEST.index, na_action="ignore")
        for name in KIND_OF.values()
    }
    weakest = information[by].assign(**places).groupby(by, sort=False).min().fillna(0)
    return weakest.map(lambda place: WEAKEST[int(place)])


def reasons(information: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Why values of a group have no interval, as in WHY_OF, indexed by `by`; "" if the table
    does not say it."""
    found = {}
    for of, name in WHY_OF.items():
        said = information.get(name, pd.Series("", information.index)).fillna("")
        # where there is no value, nothing lacks an interval
        said = said.where(information[of].notna() & ~information.get("interpolated", False), "")
        names = [one for one in WHY_NONE if one and (said == one).any()]
        flags = information[by].assign(**{one: said == one for one in names})
        counts = flags.groupby(by, sort=False)[names].sum()
        texts = _counted(counts.to_numpy(dtype=np.int64), names)
        found[name] = pd.Series(texts, counts.index, dtype=object)
    return pd.DataFrame(found)


def _counted(counts: np.ndarray, names: Sequence[str]) -> list[str]:
    """Rows of counts as texts: "sample 3|dimensions 1"."""
    different, places = np.unique(counts, axis=0, return_inverse=True)
    texts = [
        "|".join(f"{name} {n}" for name, n in zip(names, row, strict=True) if n)
        for row in different
    ]
    return [texts[place] for place in places.ravel()]


def n_without(numbers: pd.DataFrame, of: str) -> dict[str, int]:
    """How many values have no interval, by the reason; of: "ixt" or "ity"."""
    counts: dict[str, int] = {}
    for text, n in numbers.get(WHY_OF[of], pd.Series(dtype=object)).value_counts().items():
        for part in filter(None, str(text).split("|")):
            reason, _, seeds = part.rpartition(" ")
            counts[reason] = counts.get(reason, 0) + n * int(seeds)
    return counts


def told(numbers: pd.DataFrame, end: str) -> pd.Series:
    """One end's means over seeds; NaN where it says nothing: where it is infinite, 0, H(X) or
    H(Y), like the bounds of any information."""
    values, of = numbers[f"{end}_mean"], end[:3]
    highest = numbers["entropy_x" if of == "ixt" else "entropy_y"].fillna(np.inf)
    return values.where((values > 0) & (values < highest - SAME) & np.isfinite(values))


def drawn_ends(numbers: pd.DataFrame) -> list[str]:
    """The ends (names out of ENDS) that say something and differ from the value itself."""
    drawn = []
    for end in ENDS:
        values, mean = told(numbers, end), numbers[f"{end[:3]}_mean"]
        if (values.notna() & ~np.isclose(values, mean)).any():
            drawn.append(end)
    return drawn


def with_entropies(numbers: pd.DataFrame, information: pd.DataFrame) -> pd.DataFrame:
    """Numbers by epoch with entropy_x and entropy_y, each the mean over the seeds of its epoch,
    and entropies_differ: whether one of them differs between seeds or epochs."""
    entropies = information.groupby("epoch")[list(ENTROPIES)].mean()
    many = {name: information[name].nunique() for name in ENTROPIES}
    for name in ENTROPIES:
        if many[name] == 1:  # a value that is the same everywhere needs no rounding
            entropies[name] = information[name].dropna().iloc[0]
    return numbers.join(entropies, on="epoch").assign(entropies_differ=max(many.values()) > 1)


def level(numbers: pd.DataFrame, name: str) -> float:
    """H(X) or H(Y) as one number: its value if it is constant, else its mean; NaN for an empty
    table."""
    values = numbers[name].dropna()
    return float(values.iloc[0] if values.nunique() == 1 else values.mean())


def line(numbers: pd.DataFrame, name: str) -> dict[str, float]:
    """The reference line of H(X) or H(Y), by its name: "H(X)", or "mean H(X)" if it is the mean
    over seeds and epochs."""
    called = f"H({name[-1].upper()})"
    return {
        f"mean {called}" if numbers.entropies_differ.any() else called: level(numbers, name)
    }


def second(numbers: pd.DataFrame) -> str:
    """The second variable, "Y" or "X̂"; "Y" if runs differ."""
    found = set(numbers.second) if "second" in numbers else set()
    return found.pop() if len(found) == 1 else SECOND["label"]


def about(information: pd.DataFrame) -> dict[str, str]:
    """What the numbers of one run and estimator are about, by the columns of QUANTITY and
    STATED."""
    first, every = information.iloc[0], QUANTITY | dict.fromkeys(STATED, "")
    return {name: first[name] if name in information else one for name, one in every.items()}


def statements(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The same from a store's attributes; older stores have no STATED."""
    of_quantities = {name: attributes[name] for name in QUANTITY}
    return of_quantities | {name: attributes.get(name, "") for name in STATED}


def symbol(numbers: pd.DataFrame, of: str) -> str:
    """The quantity behind I(X;T) (of: "ixt") or I(T;Y) ("ity"), as an axis label; the letters
    themselves if there are several quantities."""
    name = f"symbol_{of}"
    found = set(numbers[name]) if name in numbers else set()
    text = found.pop() if len(found) == 1 else QUANTITY[name]
    text = text.replace(";Y", r";\hat{X}") if second(numbers) == "X̂" else text
    return f"${text}$"


def ceiling(numbers: pd.DataFrame) -> pd.Series:
    """I(X;Y) by epoch, if known and below H(Y); else empty."""
    by_epoch = numbers.drop_duplicates("epoch").set_index("epoch").sort_index()
    lower = by_epoch[CEILING] < by_epoch.entropy_y - SAME
    return by_epoch[CEILING].dropna() if lower.any() else by_epoch[CEILING][:0]


def layers_of(numbers: pd.DataFrame) -> list[str]:
    """Layers from input to output: the order in which they first appear."""
    return list(numbers.layer.unique())


def n_measured(numbers: pd.DataFrame) -> pd.Series:
    """Seeds that were measured at each row's epoch itself."""
    return numbers.n_seeds - numbers.n_interpolated


def left_out(numbers: pd.DataFrame) -> str:
    """ "seed 3 failed, seeds 4, 5 set aside, left out; seed 6: collapsed generator", or ""."""
    if numbers.empty:
        return ""
    of_remark: dict[str, list[str]] = {}
    for one in filter(None, str(numbers.remarks.iloc[0]).split("|")):
        seed, _, text = one.partition(": ")
        of_remark.setdefault(text, []).append(seed)
    remarks = [
        f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}: {text}"
        for text, seeds in of_remark.items()
    ]
    seeds, aside = (
        [seed for seed in str(numbers[column].iloc[0]).split("|") if seed]
        for column in ("seeds_left_out", "seeds_set_aside")
    )
    failed = [seed for seed in seeds if seed not in aside]
    texts = [
        f"{'seed' if len(named) == 1 else 'seeds'} {', '.join(named)} {what}"
        for named, what in ((failed, "failed"), (aside, "set aside"))
        if named
    ]
    return "; ".join([", ".join([*texts, "left out"])] * bool(texts) + remarks)


def seeds_text(numbers: pd.DataFrame) -> str:
    """ "10 seeds", or "1 to 10 seeds" where runs differ: the largest count of each run."""
    counts = sorted(set(numbers.groupby("run").n_seeds.max()))
    if not counts:
        return "no seed"
    many = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{many} {'seed' if many == '1' else 'seeds'}"


def _in_order(result: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    if "layer" not in result.index.names:
        return result.sort_index()
    rank = {layer: i for i, layer in enumerate(table.layer.unique())}
    return result.sort_index(
        level=["epoch", "layer"],
        key=lambda level: level.map(rank) if level.name == "layer" else level,
    )
