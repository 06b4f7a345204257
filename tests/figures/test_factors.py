"""Planes and phases under one factor at a time."""

import numpy as np
import pandas as pd
import pytest

from infoplane.figures import FIGURES, factors, page
from infoplane.phases.layers import of_layers

PLANES, PHASES = FIGURES["factor_planes"], FIGURES["phases"]
EPOCHS = (0, 1, 10, 100, 3000)
FALLING, RISING = (5.0, 7, 8, 6, 4), (1.0, 2, 3, 4, 5)


@pytest.fixture
def levels(information):
    """A function that makes tables of levels, whose last hidden layer follows a curve."""

    def make(curves, seeds=6, **options):
        rng = np.random.default_rng(7)
        parts = []
        for (factor, level), curve in curves.items():
            table = information(run=f"run-{level}", seeds=seeds, epochs=EPOCHS, **options)
            alpha = table.layer == "alpha"
            values = dict(zip(EPOCHS, curve, strict=True))
            noise = rng.normal(0, 0.1, alpha.sum())
            table.loc[alpha, "ixt"] = table.epoch[alpha].map(values) + noise
            table["gradient_snr"] = np.where(table.epoch > 0, 10 / (table.epoch + 1e-9), np.nan)
            parts.append(table.assign(factor=factor, level=level))
        return pd.concat(parts, ignore_index=True)

    return make


@pytest.fixture
def four(levels):
    return levels(
        {
            ("batch_size", "32"): RISING,
            ("batch_size", "256"): FALLING,
            ("batch_size", "1024"): FALLING,
            ("activation", "tanh"): FALLING,
        }
    )


def test_a_row_has_the_phases_of_its_plane(four):
    found = PHASES.numbers(four)
    assert len(found) == 4 * 3
    assert list(found.level[found.is_last_hidden]) == ["32", "256", "1024", "tanh"]
    assert set(found.layer[found.is_last_hidden]) == {"alpha"}
    part = four[(four.level == "256") & (four.factor == "batch_size")]
    expected = of_layers(part).set_index("layer").loc["alpha"]
    row = found[(found.level == "256") & found.is_last_hidden].iloc[0]
    for name in expected.index:
        assert row[name] == pytest.approx(expected[name]), name
    assert row.turn == 10 and row.compresses and row.gradient_snr == pytest.approx(1.0)


def test_answers_are_counted_from_the_numbers(four):
    batch, activation = factors.answers(PHASES.numbers(four))
    assert batch.startswith(
        "Batch size: compression of the last hidden layer is present in 2 of 3 levels ("
    )
    assert "absent at 32 (0.00 to 0.00)" in batch
    assert "in all 1 levels" in activation
    for figure in (PLANES, PHASES):
        assert batch in figure.caption(figure.numbers(four), {"estimator": "kde"})


def test_too_few_seeds_leave_the_answer_open(levels):
    two = levels({("batch_size", "32"): FALLING, ("batch_size", "64"): FALLING}, seeds=2)
    numbers = PHASES.numbers(two)
    (answer,) = factors.answers(numbers)
    assert "present in none of 2 levels" in answer
    assert "left open by too few seeds at 32, 64" in answer
    assert list(PHASES.table(numbers).compression) == ["open", "open"]
    PHASES.draw(two)


def test_seeds_that_failed_are_left_out(levels):
    lost = levels({("batch_size", "32"): FALLING}, failed=(1,))
    found = PHASES.numbers(lost)
    assert set(found.n_seeds) == {5}
    caption = PLANES.caption(PLANES.numbers(lost), {"estimator": "kde"})
    assert "batch size 32: seed 1 failed, left out" in caption


def test_values_that_are_flagged_are_counted(levels):
    found = PHASES.numbers(levels({("size", "5"): FALLING}, saturated=("alpha",)))
    counts = found.set_index("layer")[["n_hollow_turn", "n_hollow_end"]]
    assert counts.loc["alpha"].tolist() == [6, 6] and counts.loc["zeta"].tolist() == [0, 0]


def test_every_level_has_a_plane_of_its_own_numbers(four):
    numbers = PLANES.numbers(four)
    row = numbers[
        (numbers.level == "32") & (numbers.epoch == 10) & (numbers.layer == "alpha")
    ].iloc[0]
    own = four[(four.level == "32") & (four.epoch == 10) & (four.layer == "alpha")]
    assert row.ixt_mean == pytest.approx(own.ixt.mean())
    assert row.is_last_hidden and row.compression == pytest.approx(
        PHASES.numbers(four).query("level == '32' and is_last_hidden").compression.iloc[0]
    )


def test_planes_are_titled_and_share_axes_where_data_are_the_same(four):
    four.loc[four.level == "tanh", "entropy_y"] = 3.3
    figure = PLANES.draw(four)
    shown = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(shown) == ["32", "256", "1024", "tanh"]
    assert shown["32"].get_ylim() == shown["1024"].get_ylim() != shown["tanh"].get_ylim()
    said = {title: axes.texts[0] for title, axes in shown.items()}
    assert said["256"].get_weight() == "bold" and said["32"].get_weight() == "normal"
    assert "Batch size" in [text.get_text() for text in shown["32"].texts]


def test_a_layer_of_the_deepest_network_has_one_marker(levels):
    deep = levels({("shape", "deep"): FALLING})
    flat = deep[deep.layer != "zeta"].assign(level="flat", run="other")
    figure = PLANES.draw(pd.concat([flat, deep], ignore_index=True))
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["zeta", "alpha", "output"]


def test_the_forest_shows_the_estimates(four, plotted):
    figure = PHASES.draw(four)
    numbers = PHASES.numbers(four)
    last = numbers[numbers.is_last_hidden]
    drawn = plotted(figure.axes[0])[:, 0]
    for value in (*last.compression, *last.compression_lower, *last.compression_upper):
        assert np.isclose(drawn, value).any()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["32", "256", "1024", "tanh"]


def test_the_table_is_what_the_page_has(four, tmp_path):
    numbers = PHASES.numbers(four)
    table = PHASES.table(numbers)
    assert list(table.compression) == ["absent", "present", "present", "present"]
    assert table["turn (epoch)"].iloc[1] == "10 [10, 10]"
    png = tmp_path / "phases-kde.png"
    PHASES.draw(four).savefig(png)
    drawing = page.Drawing(
        "phases-kde", png, "a.pdf", "a.csv", "said", "alt",
        table=[list(table), *table.to_numpy().tolist()],
    )  # fmt: skip
    html = page.render(page.Experiment("mine", (), (drawing,)))
    assert "<td>10 [10, 10]</td>" in html and "gradient SNR at the turn</th>" in html


@pytest.mark.parametrize("figure", [PLANES, PHASES])
def test_nothing_is_left_where_all_failed(levels, figure):
    lost = levels({("size", "5"): FALLING}, seeds=2, failed=(0, 1))
    numbers = figure.numbers(lost)
    assert numbers.empty
    figure.draw(lost)
    assert "Nothing is drawn" in figure.caption(numbers) and figure.alt(numbers)
    assert figure.table(numbers) is None


@pytest.mark.parametrize(
    ("value", "text"), [(0.004, "0.00"), (-0.004, "0.00"), (-1.238, "−1.24"), (np.nan, "–")]
)
def test_bits_have_two_decimals(value, text):
    assert factors.bits(value) == text
