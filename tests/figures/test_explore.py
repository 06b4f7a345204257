"""What the interactive page holds: sheets by hand, thinned to a bounded size."""

import base64
import gzip
import json

import numpy as np
import pandas as pd
import pytest

from infoplane.figures import explore, interactive, page, tables
from infoplane.figures.explore import Explorer
from infoplane.figures.points import filled
from infoplane.figures.sheets import Sheet, Training, written


@pytest.fixture
def table(information):
    found = information(saturated=("zeta",), failed=(1,), lower=0.5)
    broken = found.seed.isin([0, 2]) & (found.layer == "alpha") & (found.epoch == 10)
    found.loc[broken, "flags"] += "|violates_dpi"
    return found


@pytest.fixture
def sheet(table):
    return Sheet.of(table)


def test_a_sheet_holds_means_and_seeds_as_the_tables_have_them(table, sheet):
    numbers = tables.by_epoch_and_layer(table)
    assert (sheet.layers, sheet.epochs) == (["zeta", "alpha", "output"], [0, 1, 10, 100, 3000])
    assert (sheet.seeds, sheet.n_seeds) == ([0, 2, 3], 3)
    assert sheet.left_out == "seed 1 failed, left out"
    for column, array in (("ixt_mean", "ixt"), ("ity_sd", "ity_sd"), ("ixt_cap", "cap")):
        own = numbers.pivot(index="layer", columns="epoch", values=column).loc[sheet.layers]
        np.testing.assert_array_equal(sheet.means[array], own)
    own = table[(table.seed == 3) & (table.layer == "alpha")]
    np.testing.assert_array_equal(sheet.of_seeds["ity"][2, 1], own.ity)
    np.testing.assert_array_equal(sheet.of_seeds["ixt_low"][2, 1], own.ixt_interval_low)
    assert set(sheet.of_seeds["ixt_kind"].ravel()) == {"proven"}


def test_flags_are_said_and_mark_points(sheet):
    said = sheet.means["flags"]
    assert said[0, 0] == "saturated in 3 of 3 seeds" and said[2, 0] == "no flags"
    assert said[1, 2] == "violates DPI in 2 of 3 seeds"
    assert sheet.of_seeds["flags"][0, 1, 2] == "violates DPI"
    assert sheet.means["hollow"].tolist() == [[True] * 5, [False] * 5, [False] * 5]
    assert np.argwhere(sheet.means["wrong"]).tolist() == [[1, 2]]


def test_nothing_measured_gives_no_sheet(information):
    assert Sheet.of(information(seeds=2, failed=(0, 1))) is None


def test_a_layer_that_nothing_measured_keeps_its_place_and_its_colour(table):
    table.loc[table.layer == "zeta", ["ixt", "ity"]] = np.nan
    explorer = Explorer()
    explorer.add(Sheet.of(table))
    assert explorer.layers == {
        "alpha": interactive.style.look(1)["color"],
        "output": interactive.style.look(2)["color"],
    }


def test_metrics_are_means_over_the_bins_of_the_still_figure(metrics):
    table = metrics(failed=(2,))
    training = Training.of(table)
    assert training.panels == {
        "loss [nats]": {"train": "loss_train", "test": "loss_test"},
        "accuracy": {"train": "accuracy_train", "test": "accuracy_test"},
    }
    kept = table[table.seed != 2]
    np.testing.assert_allclose(
        training.means["loss_test"][0], kept.groupby("epoch").loss_test.mean()
    )
    own = table[table.seed == 3].sort_values("epoch")
    np.testing.assert_array_equal(training.of_seeds["loss_test"][2, 0], own.loss_test)


def test_arrays_are_written_in_few_words():
    arrays = {
        "same": np.full((2, 2), 12.0),
        "numbers": np.array([[0.123456, np.nan], [np.inf, -3.0]]),
        "texts": np.array([["b", "a"], ["b", "b"]], object),
        "one": np.full((2, 2), "proven", object),
        "none": np.full((2, 2), np.nan),
        "true": np.array([[True, False], [False, False]]),
    }
    told = json.loads(json.dumps(written(arrays), allow_nan=False))
    assert told == {
        "same": {"every": 12},
        "numbers": [0.1235, None, None, -3],
        "texts": {"of": ["a", "b"], "at": [1, 0, 1, 1]},
        "one": {"every": "proven"},
        "none": {"every": None},
        "true": [1, 0, 0, 0],
    }


def trace_of(graph, **meta):
    [found] = [t for t in graph.data if {k: t["meta"].get(k) for k in meta} == meta]
    return found


def test_points_of_a_plane_by_hand(sheet):
    graph = interactive.plane(sheet)
    now = filled(trace_of(graph, rows="mean", when="now", layer=0), sheet, 3)
    assert now["x"] == [sheet.means["ixt"][0, 3]] and now["y"] == [sheet.means["ity"][0, 3]]
    assert now["marker"]["symbol"] == ["circle-open"]
    assert now["error_x"]["arrayminus"] == pytest.approx([0.5])
    assert now["error_y"]["array"] == [0]
    past = filled(trace_of(graph, rows="mean", when="past", layer=1), sheet, 3)
    assert past["x"] == sheet.means["ixt"][1, :4].tolist()
    seeds = filled(trace_of(graph, rows="seed", when="now", layer=2), sheet, 0)
    assert seeds["y"] == sheet.of_seeds["ity"][:, 2, 0].tolist()
    path = filled(trace_of(graph, rows="path"), sheet, 4)
    assert path["x"] == sheet.means["ixt"][:, 4].tolist()
    wrong = trace_of(graph, only="wrong")
    assert filled(wrong, sheet, 1)["x"] == []
    assert filled(wrong, sheet, 2)["x"] == [sheet.means["ixt"][1, 2]]


def test_hover_says_value_interval_kind_cap_flags_seed_and_epoch(sheet):
    graph = interactive.plane(sheet)
    seed = filled(trace_of(graph, rows="seed", when="now", layer=1), sheet, 2)
    said = seed["hovertemplate"]
    for place, text in enumerate(seed["customdata"][1]):
        said = said.replace(f"%{{customdata[{place}]}}", text)
    value, low = sheet.of_seeds["ixt"][1, 1, 2], sheet.of_seeds["ixt_low"][1, 1, 2]
    ity = sheet.of_seeds["ity"][1, 1, 2]
    assert said == (
        f"<b>alpha</b>, epoch 10, seed 2<br>I(X;T) = {value:.3g} bits<br>"
        f"  interval {low:.3g} to {value:.3g} bits (proven)<br>I(T;Y) = {ity:.3g} bits<br>"
        "  interval: none: the measured inputs, or their draws, are only a sample<br>"
        "cap of I(X;T) 12 bits<br>violates DPI<extra></extra>"
    )


def test_seeds_of_a_curve_are_apart(sheet):
    line = filled(trace_of(interactive.curve(sheet, "ixt"), rows="seed", layer=0), sheet, 0)
    assert line["y"] == [x for s in sheet.of_seeds["ixt"][:, 0].tolist() for x in [*s, None]]
    band = filled(trace_of(interactive.curve(sheet, "ity"), rows="band", layer=0), sheet, 0)
    mean, sd = sheet.means["ity"][0], sheet.means["ity_sd"][0]
    np.testing.assert_allclose(band["y"], [*(mean + sd), *(mean - sd)[::-1]])


def test_plotly_takes_the_figures_of_notebooks(sheet):
    figure = interactive.plane_figure(sheet)
    [slider] = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["0", "1", "10", "100", "3000"]
    values, places = slider.steps[2].args
    path = places.index(0)
    assert list(values["x"][path]) == sheet.means["ixt"][:, 2].tolist()
    names = [trace.name for trace in figure.data if trace.showlegend]
    assert names == sheet.layers
    curves = interactive.curves_figure(sheet)
    assert [trace.name for trace in curves.data if trace.showlegend] == sheet.layers
    assert {trace.xaxis for trace in curves.data} == {None, "x2"}


def unpacked(text):
    return gzip.decompress(base64.b64decode(text)).decode()


def test_seeds_are_thinned_beyond_a_number_and_the_page_says_so(information, metrics):
    explorer = Explorer()
    explorer.add(Sheet.of(information(seeds=30), explorer.seeds))
    explorer.add(Training.of(metrics(seeds=30), explorer.seeds))
    assert explorer.drawn == [*range(20)]
    assert explorer.notes == [
        "Of up to 30 seeds of a run, the first 20 are drawn one by one: more would make this "
        "page too large. Means and bands are of all seeds."
    ]
    for card in json.loads(unpacked(explorer.data))["cards"]:
        assert card["seeds"] == [*range(20)]
    html = page.render(page.Experiment(title="t", runs=(page.Run("tanh", {}),)), explorer)
    assert explorer.notes[0] in html


def test_of_many_runs_fewer_seeds_are_drawn_then_fewer_runs(information, monkeypatch):
    one = Sheet.of(information(seeds=10))
    each = explore._of_one_seed(one)
    monkeypatch.setattr(explore, "MOST_VALUES", 10 * each)
    monkeypatch.setattr(explore, "MOST_MEANS", 3 * explore._n_means(one))
    explorer = Explorer()
    for i in range(5):
        explorer.add(one._replace(run=f"run{i}"))
    assert [card.run for card in explorer.cards] == ["run0", "run1", "run2"]
    assert {len(card.grid.seeds) for card in explorer.cards} == {3}
    assert {len(card.grid.of_seeds["ixt"]) for card in explorer.cards} == {3}
    thinned, left_out = explorer.notes
    assert "first 3 are drawn" in thinned and left_out.startswith("2 of 5 groups of graphs")
    assert "from run3, kde on" in left_out


def test_a_full_page_makes_no_more_sheets(information, metrics, monkeypatch):
    monkeypatch.setattr(explore, "MOST_CARDS", 2)
    explorer = Explorer()
    explorer.take(Sheet, information(seeds=2))
    explorer.take(Training, metrics(seeds=2))
    monkeypatch.setattr(Sheet, "of", None)
    explorer.take(Sheet, information(run="relu", seeds=2))
    explorer.take(Training, metrics(run="relu", seeds=2))
    assert explorer.left_out == ["relu, kde", "relu, training"] and len(explorer.cards) == 2


def test_one_run_of_thousands_of_networks_keeps_its_means(information, monkeypatch):
    monkeypatch.setattr(explore, "MOST_VALUES", 10)
    explorer = Explorer()
    explorer.add(Sheet.of(information(seeds=3)))
    assert explorer.drawn == [] and explorer.cards


@pytest.mark.slow
def test_the_largest_page_is_smaller_than_25_mb(information, tmp_path):
    """Random numbers, which nothing makes short, and pictures up to what a page holds."""
    random = np.random.default_rng(0)
    epochs, layers = [*range(100)], [f"layer{i}" for i in range(10)]

    def arrays(shape, names):
        found = {name: random.uniform(0, 12, shape) for name in names}
        texts = np.array(["no flags", "saturated, violates DPI", "heavy tails"], object)
        return found | {name: random.choice(texts, shape) for name in ("flags", "ixt_kind")}

    def sheet(run):
        means = arrays((10, 100), [n for n in base.means if n not in words])
        of_seeds = arrays((20, 10, 100), [n for n in base.of_seeds if n not in words])
        return base._replace(
            run=run, layers=layers, epochs=epochs, seeds=[*range(20)], n_seeds=50,
            means=base.means | means, of_seeds=base.of_seeds | of_seeds,
        )  # fmt: skip

    words = ("flags", "ixt_kind", "ity_kind", "hollow", "wrong")
    base = Sheet.of(information(seeds=20, epochs=epochs, layers=layers))
    explorer, every = Explorer(), len(base.seeds)
    for i in range(60):
        explorer.add(sheet(f"run{i}"))
    assert explorer.left_out and len(explorer.drawn) < every
    pictures = []
    for i in range(40):
        png = tmp_path / f"{i}.png"
        head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (900).to_bytes(4) * 2
        png.write_bytes(head + random.bytes(400_000))
        pictures.append(
            page.Drawing(title="p", png=png, pdf=f"{i}.pdf", csv="c", caption="", alt="a")
        )
    runs = [page.Run(f"run{i}", {"network": "n" * 200}) for i in range(200)]
    runs[0] = page.Run("run0", {}, tuple(pictures))
    flags = [page.FlagCount(f"r{i}", "kde", "l", *[1] * 10, "") for i in range(200)]
    content = page.Experiment(title="t", runs=tuple(runs), flags=tuple(flags))
    html = page.render(content, explorer)
    assert 15e6 < len(html.encode()) <= 25e6
    assert html.count("data:image/png") < 40
    assert "This picture is in a separate file" in html and 'href="39.png"' in html


def test_order_of_rows_does_not_matter_to_a_sheet(table, sheet):
    turned = pd.concat([table[table.seed == s] for s in (3, 2, 1, 0)])
    other = Sheet.of(turned)
    np.testing.assert_array_equal(other.means["ixt"], sheet.means["ixt"])
    np.testing.assert_array_equal(other.of_seeds["ixt"][::-1], sheet.of_seeds["ixt"])


def test_lines_of_caps_are_dotted_and_those_of_entropies_named(information):
    sheet = Sheet.of(information(cap=(12.0, 9.0, 12.0)))
    layout = interactive.plane(sheet).layout
    lines = {shape.get("x0"): shape["line"]["dash"] for shape in layout["shapes"]}
    assert lines[12.0] == "dash" and lines[9.0] == "dot"
    assert [name["text"] for name in layout["annotations"]] == ["H(X)", "H(Y)"]
