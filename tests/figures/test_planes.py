import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from infoplane.figures import FIGURES, plane

WHITE = "#ffffff"


def references(axes):
    """Reference lines: {name: value}."""
    lines = [line for line in axes.lines if str(line.get_gid()).endswith(" = ")]
    spots = [np.unique(line.get_xydata()[:, k]) for line in lines for k in (0, 1)]
    values = [x if len(x) == 1 else y for x, y in zip(spots[::2], spots[1::2], strict=True)]
    return {line.get_gid()[:-3]: float(v[0]) for line, v in zip(lines, values, strict=True)}


def spot(pair):
    """Row and column of a legend's text, for sorting; rows to the pixel."""
    (y, x), _ = pair
    return round(y), x


def points(axes):
    """Scatters by "layer|hollow" or "layer|filled"."""
    return {c.get_gid(): c for c in axes.collections if isinstance(c, PathCollection)}


def texts(figure):
    words = [text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text"))]
    return " ".join(words).replace("\n", " ")


def assert_all_in(found, table):
    """Every row of found (n, 2) is a row of table (m, 2); what is NaN is not drawn."""
    found, table = (rows[np.isfinite(rows).all(axis=1)] for rows in (found, table))
    assert len(found) > 0
    gaps = np.abs(found[:, None, :] - table[None, :, :]).max(axis=2).min(axis=1)
    assert gaps.max() == 0


def test_every_point_of_the_plane_is_in_numbers_and_none_is_missing(information):
    table = information(failed=(2,), saturated=("alpha",))
    shown = FIGURES["information_plane"].numbers(table)
    drawn = points(FIGURES["information_plane"].draw(table).axes[0])
    for layer, rows in shown.groupby("layer"):
        found = np.concatenate(
            [c.get_offsets() for k, c in drawn.items() if k.startswith(layer)]
        )
        np.testing.assert_array_equal(found, rows[["ixt_mean", "ity_mean"]].to_numpy())


def test_flagged_points_are_hollow_and_others_are_not(information):
    drawn = points(FIGURES["information_plane"].draw(information(saturated=("alpha",))).axes[0])
    assert set(drawn) == {"zeta|filled", "alpha|hollow", "output|filled"}
    assert {to_hex(c) for c in drawn["alpha|hollow"].get_facecolor()} == {WHITE}
    assert WHITE not in {to_hex(c) for c in drawn["zeta|filled"].get_facecolor()}


def test_one_flagged_seed_makes_one_point_hollow(information):
    table = information()
    at = (table.seed == 0) & (table.epoch == 10) & (table.layer == "output")
    table.loc[at, "flags"] = "not_a_bound|above_entropy"
    figure = FIGURES["information_plane"].draw(table)
    drawn = points(figure.axes[0])
    assert len(drawn["output|hollow"].get_offsets()) == 1
    assert "above H(X) or H(Y) in at least one seed" in texts(figure)
    # what is said of a layer's activations leaves its points as they are
    table.loc[at, "flags"] = "heavy_tails|degenerate|not_stationary"
    assert "output|hollow" not in points(FIGURES["information_plane"].draw(table).axes[0])


PLANES = {
    "information_plane": {},
    "information_curves": {},
    "comparison": {},
    "sensitivity": {"variant": "v"},
    "pooled_planes": {"plane": "single epochs"},
    "binned_entropy": {},
    "window_length": {"pool": "p", "length": 2, "n_draws": 2, "drift": 1, "gradient_snr": 1},
}
"""Figures of information, with the further columns that they need."""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("h_x", [12, 0])
@pytest.mark.parametrize("name", PLANES)
def test_entropies_of_zero_are_drawn_in_bits(name, h_x, information):
    """One class, or one input, among those measured: nothing is divided by its entropy."""
    table = information(seeds=1, epochs=(0, 10), cap=h_x).assign(ity=0.0, **PLANES[name])
    if h_x == 0:
        table = table.assign(ixt=0.0, ixt_interval_high=0.0)
    if name == "window_length":
        table = table.rename(columns={"seed": "group", "epoch": "end"})
    table = table.assign(entropy_x=float(h_x), entropy_y=0.0)
    figure = FIGURES[name].draw(table)
    assert FIGURES[name].caption(FIGURES[name].numbers(table))
    if name in ("information_plane", "comparison"):
        assert figure.axes[0].get_ylim()[1] > 1
        assert references(figure.axes[0])["H(Y)"] == 0


@pytest.mark.parametrize("name", ["information_plane", "information_curves"])
def test_what_cannot_be_is_hollow_and_what_is_doubtful_is_said(name, information):
    table = information()
    at = (table.seed == 0) & (table.epoch == 10) & (table.layer == "output")
    table.loc[at, "flags"] = "above_entropy"
    figure, shown = FIGURES[name].draw(table), FIGURES[name].numbers(table)
    assert "hollow: above H(X) or H(Y) in at least one seed" in texts(figure)
    assert shown.n_hollow.sum() == 1
    caption = FIGURES[name].caption(shown)
    assert "Of 60 values, 1 is above H(X) or H(Y); a hollow" in caption
    table.loc[at, "flags"] = "heavy_tails"
    caption = FIGURES[name].caption(FIGURES[name].numbers(table))
    assert "Of 60 values, 1 is from activations with heavy tails." in caption


def test_points_where_most_seeds_break_the_inequality_are_marked(information):
    table = information(seeds=4)
    at = (table.epoch == 10) & (table.layer == "output")
    table.loc[at & (table.seed < 2), "flags"] = "violates_dpi"  # half of the seeds: not most
    assert "violating" not in points(FIGURES["information_plane"].draw(table).axes[0])
    table.loc[at & (table.seed < 3), "flags"] = "violates_dpi"
    figure = FIGURES["information_plane"].draw(table)
    (place,) = points(figure.axes[0])["violating"].get_offsets()
    np.testing.assert_allclose(place, table[at][["ixt", "ity"]].mean())
    assert "break the data processing inequality" in texts(figure)


@pytest.mark.parametrize("entropies", [(12, 0.999), (13.29, 3.32)])
def test_axes_run_from_zero_past_both_entropies(information, entropies):
    table = information().assign(entropy_x=entropies[0], entropy_y=entropies[1])
    axes = FIGURES["information_plane"].draw(table).axes[0]
    assert axes.get_xlim()[0] == axes.get_ylim()[0] == 0
    assert entropies[0] < axes.get_xlim()[1] < 1.2 * entropies[0]
    assert entropies[1] < axes.get_ylim()[1] < 1.2 * entropies[1]


def test_negative_and_too_large_values_are_inside_the_axes(information):
    for shift in (-9.0, 9.0):
        table = information(shift=shift, cap=np.nan)
        shown = FIGURES["information_plane"].numbers(table)
        axes = FIGURES["information_plane"].draw(table).axes[0]
        for values, (low, high) in (
            (shown.ixt_mean, axes.get_xlim()),
            (shown.ity_mean, axes.get_ylim()),
        ):
            assert low <= values.min() and values.max() <= high


def test_cap_is_drawn_or_said_to_coincide(information):
    assert "H(X) = cap = 12" in texts(FIGURES["information_plane"].draw(information()))
    lower = texts(FIGURES["information_plane"].draw(information(cap=10.5)))
    assert "cap = 10.5" in lower and "H(X) = 12" in lower
    far = texts(FIGURES["information_plane"].draw(information(cap=20.0)))
    assert "cap = 20 bits, right of this figure" in far
    each = texts(FIGURES["information_plane"].draw(information(cap=(14.0, 11.0, 8.0))))
    assert "dotted: cap of zeta 14, alpha 11, output 8 bits" in each
    assert "cap" not in texts(FIGURES["information_plane"].draw(information(cap=np.nan)))


@pytest.mark.parametrize(
    "module",
    [FIGURES["information_plane"], FIGURES["information_curves"], FIGURES["comparison"]],
)
def test_only_caps_that_deviate_have_a_line_and_a_name(information, module):
    figure = module.draw(information(cap=(12.0, 12.0, 9.8)))
    planes = [axes for axes in figure.axes if "X;T" in axes.get_xlabel() + axes.get_ylabel()]
    for axes in planes:
        found = references(axes)
        found.pop("H(Y)", None)
        assert found == {"H(X)": 12, "cap of output": 9.8}
    said = texts(figure)
    assert "cap of output = 9.8" in said
    assert said.count("cap 12 bits (= H(X)), of output 9.8 bits") == 1
    assert "zeta 12" not in said


def test_names_of_lines_are_clear_of_lines_and_of_each_other(information):
    table = pd.concat([information(run=run, cap=(12.0, 12.0, 9.8)) for run in ("a", "b")])
    table["ixt"] -= 6.0
    for figure in (
        FIGURES["comparison"].draw(table),
        FIGURES["information_plane"].draw(table[table.run == "a"]),
    ):
        figure.canvas.draw()
        for axes in figure.axes:
            if "X;T" not in axes.get_xlabel():
                continue
            assert axes.get_xlim()[0] < 0  # so that there is a line at zero to cross
            boxes = [t.get_window_extent() for t in axes.texts] + [
                axes.title.get_window_extent()
            ]
            frame = axes.get_window_extent()
            names = [t for t in axes.texts if " = " in t.get_text()]
            assert len(names) == 2
            for name in names:
                box = name.get_window_extent()
                if box.y0 < frame.y1:  # else it stands above the frame, where lines end
                    zero = axes.transData.transform((0, 0))[0]
                    assert not box.x0 <= zero <= box.x1
                    assert box.y0 >= axes.transData.transform((0, 0.999))[1]
                assert box.x1 <= frame.x1 + 1
            for i, box in enumerate(boxes):
                assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_legend_stands_above_the_panels_and_reads_along_rows(information):
    for layers in (6, 15):
        names = tuple(f"layer{i}" for i in range(layers))
        figure = FIGURES["information_plane"].draw(information(layers=names))
        figure.canvas.draw()
        [legend] = figure.legends
        assert legend.get_window_extent().y0 > figure.axes[0].get_window_extent().y1
        assert legend.get_window_extent().x1 < figure.bbox.x1
        spots = [(-t.get_window_extent().y0, t.get_window_extent().x0) for t in legend.texts]
        read = [
            t.get_text() for _, t in sorted(zip(spots, legend.texts, strict=True), key=spot)
        ]
        assert read == list(names)


def test_a_reconstruction_stands_in_the_place_of_y(information):
    table = information().assign(second="X̂", entropy_y=np.nan)
    for name in ("information_plane", "information_curves"):
        kind = FIGURES[name]
        numbers = kind.numbers(table)
        said = kind.caption(numbers) + kind.alt(numbers)
        assert "I(T;X̂)" in said and "I(T;Y)" not in said and "H(Y)" not in said
        drawn = texts(kind.draw(table))
        assert r"(T);\hat{X})" in drawn and "I(T;Y)" not in drawn and "H(Y)" not in drawn
    label = information(run="label")
    both = pd.concat([table, label], ignore_index=True)
    kind = FIGURES["comparison"]
    caption = kind.caption(kind.numbers(both))
    assert "I(T;Y) against" in caption and "In tanh, Y is the reconstruction X̂." in caption
    drawn = texts(kind.draw(both))
    assert r"(T);\hat{X})" in drawn and "(T);Y)" in drawn


def test_failed_seeds_are_left_out_and_named(information):
    for draw in (
        FIGURES["information_plane"].draw,
        FIGURES["information_curves"].draw,
        FIGURES["comparison"].draw,
    ):
        assert "seed 3 failed, left out" in texts(draw(information(failed=(3,))))


def test_squashed_points_get_an_enlarged_panel(information):
    table = information(shift=200).assign(entropy_x=220.0, entropy_y=220.0)
    shown = FIGURES["information_plane"].numbers(table)
    assert plane.squashed(shown)
    figure = FIGURES["information_plane"].draw(table)
    whole, close = figure.axes[:2]
    assert whole.get_xlim()[0] == 0 and close.get_xlim()[0] > 100
    assert "enlarged" in texts(figure)
    assert not plane.squashed(FIGURES["information_plane"].numbers(information()))


@pytest.mark.parametrize(
    "module",
    [FIGURES["information_plane"], FIGURES["information_curves"], FIGURES["comparison"]],
)
@pytest.mark.parametrize(
    "case",
    [
        {"seeds": 1},
        {"epochs": (0,)},
        {"epochs": (700,)},
        {"seeds": 1, "epochs": (0,), "layers": ("output",)},
        {"seeds": 2, "failed": (0, 1)},
        {"layers": tuple(f"layer{i}" for i in range(15))},
        {"cap": np.nan},
    ],
)
def test_small_and_odd_tables_are_drawn(information, module, case):
    table = information(**case)
    module.draw(table).canvas.draw()
    assert list(module.numbers(table).columns)


def test_comparison_shares_axes_colours_and_layers(information):
    table = pd.concat(
        [
            information(run=f"run{i}", shift=-0.1 * i, failed=(i,)).assign(entropy_x=12.0 + i)
            for i in range(4)
        ]
    )
    figure = FIGURES["comparison"].draw(table)
    panels, rest = figure.axes[:4], figure.axes[4:]
    assert [axes.get_title() for axes in panels] == ["run0", "run1", "run2", "run3"]
    assert len({axes.get_xlim() for axes in panels}) == 1 and panels[0].get_xlim()[1] > 15
    assert [axes.get_ylabel() for axes in rest] == ["epoch"]
    assert "run2: seed 2 failed, left out" in texts(figure)
    shown = FIGURES["comparison"].numbers(table)
    for axes, (_, rows) in zip(panels, shown.groupby("run"), strict=True):
        found = np.concatenate([c.get_offsets() for c in points(axes).values()])
        assert_all_in(found, rows[["ixt_mean", "ity_mean"]].to_numpy())
        assert len(found) == len(rows)
    said = FIGURES["comparison"].caption(shown)
    assert all(f"H(X) = {12 + i} bits, H(Y) = 0.999 bits" in said for i in range(4))


def test_comparison_refuses_two_estimators(information):
    table = pd.concat([information(), information(estimator="binned")])
    with pytest.raises(ValueError, match=r"one estimator.*kde, binned"):
        FIGURES["comparison"].numbers(table)


def test_curves_plot_means_bounds_and_bands_of_numbers(information, plotted):
    table = information(lower=0.5)
    shown = FIGURES["information_curves"].numbers(table)
    figure = FIGURES["information_curves"].draw(table)
    for axes, quantity in zip(figure.axes, ("ixt", "ity"), strict=True):
        allowed = [shown[["epoch", f"{quantity}_mean"]].to_numpy(dtype=float)]
        allowed.append(shown[["epoch", f"{quantity}_interval_low_mean"]].to_numpy(dtype=float))
        assert_all_in(plotted(axes), np.concatenate(allowed))
        edges = np.concatenate(
            [shown[f"{quantity}_mean"] + k * shown[f"{quantity}_sd"] for k in (-1, 1)]
        )
        for band in axes.collections:
            heights = band.get_paths()[0].vertices[:, 1]
            assert np.abs(heights[:, None] - edges).min(axis=1).max() < 1e-12
    assert "ends of intervals" in texts(figure)
    assert "intervals" not in texts(FIGURES["information_curves"].draw(information()))


def test_ends_that_every_information_has_are_not_drawn(information, plotted):
    table = information().assign(ity_interval_kind="proven")
    drawn = {}
    for low in (0.0, 0.1, 0.999):
        table["ity_interval_low"] = low
        figure = FIGURES["information_curves"].draw(table)
        drawn[low] = low in plotted(figure.axes[1])[:, 1].round(12)
        assert ("ends of intervals" in texts(figure)) == drawn[low]
        assert FIGURES["information_curves"].numbers(table).ity_interval_low_mean.notna().all()
    assert drawn == {0.0: False, 0.1: True, 0.999: False}  # H(Y) = 0.999


def test_planes_draw_spread_and_interval_apart(information):
    def bars(table):
        axes = FIGURES["information_plane"].draw(table).axes[0]
        return [
            bar[:, 0]
            for drawn in axes.collections
            if drawn.get_gid() == "interval"
            for bar in drawn.get_segments()
        ]

    table = information(lower=0.5)
    shown = FIGURES["information_plane"].numbers(table)
    ends = shown[["ixt_interval_low_mean", "ixt_interval_high_mean"]].to_numpy()
    wide = [bar for bar in bars(table) if np.ptp(bar) > 0]
    assert wide and all(np.isclose(ends, bar).all(axis=1).any() for bar in wide)
    assert not bars(information())
    exact = table.assign(ixt_interval_low=table.ixt, ixt_interval_kind="exact")
    exact.loc[exact.layer == "zeta", ["ixt", "ixt_interval_low", "ixt_interval_high"]] = 12.0
    assert not bars(exact)  # without width there is nothing to draw, nor to explain
    assert "pale bars" not in texts(FIGURES["information_plane"].draw(exact))
    assert "pale bars" in texts(FIGURES["information_plane"].draw(table))


def test_epoch_zero_is_on_the_axis_of_the_curves(information):
    axes = FIGURES["information_curves"].draw(information()).axes[0]
    assert 0 in axes.get_xticks() and axes.get_xlim()[0] <= 0
    at = axes.transData.transform([[0, 0], [1, 0], [3000, 0]])[:, 0]
    assert np.isfinite(at).all() and at[1] - at[0] > 0.05 * (at[2] - at[0])


def test_values_far_below_nothing_leave_room_for_the_others(information):
    far = information()
    far.loc[(far.layer == "output") & (far.epoch == far.epoch.max()), "ixt"] = -97.0
    figure = FIGURES["information_plane"].draw(far)
    assert -14 < figure.axes[0].get_xlim()[0] < 0
    assert "1 point at −97 bits, left of this figure" in texts(figure)
