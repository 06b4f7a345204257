"""The interactive page in a real browser: what it shows is what stands in the CSV files."""

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.browser import chromium, needs_chromium, requests
from tests.stored import LAYERS, store_information

from infoplane.figures import page, style
from infoplane.figures.explore import Explorer
from infoplane.figures.information_plane import InformationPlane
from infoplane.figures.material import of_stores
from infoplane.figures.sheets import Sheet, Training
from infoplane.figures.training_curves import TrainingCurves
from infoplane.stores.information import read_information
from infoplane.training.targets import Classes

pytestmark = [needs_chromium, pytest.mark.slow]

EVIL = "<script>document.title = 'evil'</script><img src=x onerror=\"document.title='evil'\">"
EPOCHS = (0, 1, 10, 100)
NONE = "none: the measured inputs, or their draws, are only a sample"
CLOSE = {"rtol": 0, "atol": 1e-4}
"""Values on a page have four decimals."""


def metrics_of(run, seeds=4):
    """A table of metrics of a run, at more epochs than information was measured."""
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        [(run, s, e) for s in range(seeds) for e in range(101)],
        columns=["run", "seed", "epoch"],
    )
    table = table.assign(layer="", lost="", set_aside=False, remark="")
    for metric in Classes().metrics:
        table[metric.name] = random.uniform(0.2, 0.9, len(table))
    table.attrs["metrics"] = list(Classes().metrics)
    return table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A page of two runs, one of a strange name, by two estimators; and its CSV files."""
    folder = tmp_path_factory.mktemp("results")
    explorer, runs, csv, tables = Explorer(), [], {}, {}
    for run in ("tanh", EVIL):
        drawings = []
        for by in ("binned", "kde"):
            store = folder / f"{len(runs)}" / f"{by}.zarr.zip"
            store_information(store, range(4), EPOCHS)
            found = of_stores([read_information(store)], run, by, "", range(4)).table
            explorer.add(Sheet.of(found))
            name = folder / f"information_plane-{by}.csv"
            InformationPlane.numbers(found).to_csv(name, index=False)
            csv[run, by], tables[run, by] = pd.read_csv(name, keep_default_na=False), found
            png = name.with_suffix(".png")
            style.save(InformationPlane.draw(found), found, png, folder / "a", folder / "b")
            said = {"caption": "What it is.", "alt": "A plane."}
            links = {"pdf": f"runs/{by}.pdf", "csv": f"runs/{by}.csv"}
            drawings.append(page.Drawing(title=png.stem, png=png, **links, **said))
        metrics = metrics_of(run)
        explorer.add(Training.of(metrics))
        name = folder / "training_curves.csv"
        TrainingCurves.numbers(metrics).to_csv(name, index=False)
        csv[run, ""] = pd.read_csv(name)
        runs.append(page.Run(run, {"seeds": "4"}, tuple(drawings)))
    flags = [flag for table in tables.values() for flag in page.flag_counts(table)]
    content = page.Experiment(title="of a test", runs=tuple(runs), flags=tuple(flags))
    file = folder / "report.html"
    file.write_text(page.render(content, explorer), encoding="utf-8")
    return SimpleNamespace(address=file.as_uri(), csv=csv, tables=tables)


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture
def shown(browser, made):
    """The page, opened anew."""
    return Page(browser, made.address)


class Page:
    """What a reader does with the page and sees of it."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)
        self.wait(lambda: self.run("return explore.dataset.ready"))

    def run(self, script, *given):
        return self.browser.execute_script(script, *given)

    def wait(self, what, seconds=30):
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, "the page does not come to rest"
            time.sleep(0.02)

    def css(self, what):
        return self.browser.find_element("css selector", what)

    def press(self, what, *keys):
        """Press keys where the focus is put."""
        self.run("arguments[0].focus()", element := self.css(what))
        element.send_keys(*keys)

    def plot(self, run, by, name):
        """Traces and layout of a graph that is drawn at the slider's epoch."""
        [plot] = [
            one
            for one in self.browser.find_elements("css selector", f'[data-name="{name}"]')
            if self.run("return {...arguments[0].closest('article').dataset}", one)
            == {
                **self.run("return {...arguments[0].closest('article').dataset}", one),
                "run": run,
                "estimator": by,
            }
        ]
        self.run("arguments[0].scrollIntoView({block: 'center'})", plot)
        epoch = self.css("#at").text.replace(",", "")
        self.wait(lambda: plot.get_attribute("data-epoch") == epoch)
        time.sleep(0.1)  # a change of switches is drawn with the next picture
        return SimpleNamespace(
            element=plot,
            data=self.run("return arguments[0].data", plot),
            shapes=self.run("return arguments[0].layout.shapes", plot),
        )


def points(plot, rows, when, **meta):
    """x and y of the one trace that shows this."""
    wanted = {"rows": rows, "when": when, **meta}
    [trace] = [t for t in plot.data if {k: t["meta"].get(k) for k in wanted} == wanted]
    return trace["x"], trace["y"]


def rows_at(numbers, epoch):
    return numbers[numbers.epoch == epoch].reset_index(drop=True)


def test_slider_moves_planes_curves_and_training_together(shown, made):
    for epoch in (10, 0):
        shown.press("#epoch", "\ue012")  # the left arrow
        if epoch == 0:
            shown.press("#epoch", "\ue011")  # home
        shown.wait(lambda epoch=epoch: shown.css("#at").text == str(epoch))
        for run, by in (("tanh", "binned"), (EVIL, "kde")):
            numbers = made.csv[run, by]
            now, past = rows_at(numbers, epoch), numbers[numbers.epoch <= epoch]
            plane = shown.plot(run, by, "plane")
            for i, layer in enumerate(LAYERS):
                x, y = points(plane, "mean", "now", layer=i)
                np.testing.assert_allclose(
                    [*x, *y], [now.ixt_mean[i], now.ity_mean[i]], **CLOSE
                )
                x, y = points(plane, "mean", "past", layer=i)
                np.testing.assert_allclose(x, past[past.layer == layer].ixt_mean, **CLOSE)
            x, y = points(plane, "path", "now")
            np.testing.assert_allclose(y, now.ity_mean, **CLOSE)
            for of in ("ixt", "ity"):
                curve = shown.plot(run, by, of)
                x, y = points(curve, "mean", "all", layer=2)
                own = numbers[numbers.layer == LAYERS[2]]
                np.testing.assert_allclose(y, own[f"{of}_mean"], **CLOSE)
                np.testing.assert_allclose(np.expm1(x), own.epoch, atol=1e-9)
                assert np.expm1(curve.shapes[0]["x0"]) == pytest.approx(epoch)
        training = shown.plot("tanh", "", "accuracy")
        assert np.expm1(training.shapes[0]["x0"]) == pytest.approx(epoch)
    for part in ("train", "test"):
        x, y = points(training, "mean", "all", y=f"accuracy_{part}")
        np.testing.assert_allclose(y, made.csv["tanh", ""][f"accuracy_{part}_mean"], **CLOSE)


def test_seeds_layers_estimators_runs_and_the_mean_are_switched(shown, made):
    plane = shown.plot("tanh", "kde", "plane")
    assert points(plane, "seed", "now", layer=1) == ([], [])
    for seed in (1, 3):
        shown.press(f'input[name="seed"][value="{seed}"]', " ")
    x, y = points(shown.plot("tanh", "kde", "plane"), "seed", "now", layer=1)
    table = made.tables["tanh", "kde"]
    own = table[(table.layer == LAYERS[1]) & (table.epoch == 100) & table.seed.isin([1, 3])]
    np.testing.assert_allclose([x, y], [own.ixt, own.ity], **CLOSE)
    x, y = points(shown.plot("tanh", "", "accuracy"), "seed", "all", y="accuracy_test")
    assert len(x) == 2 * (len(made.csv["tanh", ""]) + 1)

    shown.press('input[name="layer"][value="hidden2"]', " ")
    plane = shown.plot("tanh", "kde", "plane")
    gone = [t for t in plane.data if t.get("visible") is False]
    assert {t["meta"]["layer"] for t in gone} == {1}
    assert len(points(plane, "path", "now")[0]) == 2

    shown.press("#mean", " ")
    plane = shown.plot("tanh", "kde", "plane")
    seen = {t["meta"]["rows"] for t in plane.data if t.get("visible") is not False}
    assert seen == {"seed"}

    shown.press('input[name="estimator"][value="kde"]', " ")
    shown.press('input[name="run"][value="tanh"]', " ")
    there = "return [...document.querySelectorAll('article')].filter(a => !a.hidden)"
    shown.wait(lambda: len(shown.run(there)) == 2)
    seen = shown.run(f"{there}.map(a => [a.dataset.run, a.dataset.estimator])")
    assert seen == [[EVIL, "binned"], [EVIL, ""]]


def test_tables_say_what_is_shown_at_the_epoch(shown, made):
    shown.press("#epoch", "\ue012")
    shown.wait(lambda: shown.css("#at").text == "10")
    head, *rows = shown.run(
        "return [...values.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert len(rows) == 2 * 2 * 3 and head[4] == "I(X;T)"
    now = rows_at(made.csv["tanh", "binned"], 10)
    for row, own in zip(rows[:3], now.itertuples(), strict=True):
        value, sd = (float(text) for text in row[4].split(" ± "))
        assert row[:4] == ["tanh", "binned", "10", own.layer] and row[6] == "12"
        assert value == pytest.approx(own.ixt_mean, rel=5e-3)
        assert sd == pytest.approx(own.ixt_sd, rel=5e-3)
        assert row[5].endswith("(calibrated)") and row[8] == NONE
    training = shown.run(
        "return [...metrics.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    [row] = [r for r in training if r[0] == "tanh" and r[3] == "accuracy_test"]
    csv = made.csv["tanh", ""]
    at = csv[csv.epoch <= 10].iloc[-1]
    assert float(row[4].split(" ± ")[0]) == pytest.approx(at.accuracy_test_mean, rel=5e-3)


def test_pointing_at_a_value_says_all_of_it(shown, made):
    from selenium.webdriver.common.action_chains import ActionBuilder

    shown.press('input[name="seed"][value="2"]', " ")
    shown.press("#mean", " ")
    plot = shown.plot("tanh", "binned", "plane")
    x, y = points(plot, "seed", "now", layer=0)
    place = """
        const [plot, x, y] = arguments, { xaxis, yaxis } = plot._fullLayout;
        const box = plot.getBoundingClientRect();
        return [box.x + xaxis._offset + xaxis.l2p(x), box.y + yaxis._offset + yaxis.l2p(y)];
    """
    at = [round(found) for found in shown.run(place, plot.element, x[0], y[0])]
    mouse = ActionBuilder(shown.browser)
    mouse.pointer_action.move_to_location(at[0] + 3, at[1])
    mouse.pointer_action.move_to_location(*at)
    mouse.perform()
    text = "return document.querySelector('.hovertext')?.textContent ?? ''"
    shown.wait(lambda: shown.run(text))
    table = made.tables["tanh", "binned"]
    own = table[(table.seed == 2) & (table.epoch == 100) & (table.layer == "hidden1")].iloc[0]
    said = shown.run(text)
    for part in (
        *("hidden1, epoch 100, seed 2", f"I(X;T) = {own.ixt:.3g} bits"),
        f"interval {own.ixt_interval_low:.3g} to {own.ixt_interval_high:.3g} bits (calibrated)",
        *(f"I(T;Y) = {own.ity:.3g} bits", f"interval: {NONE}"),
        *("cap of I(X;T) 12 bits", "saturated"),
    ):
        assert part in said


def test_no_request_leaves_the_page_and_nothing_fails_in_it(browser, made):
    requests(browser), browser.get_log("browser")
    shown = Page(browser, made.address)
    shown.plot(EVIL, "kde", "ity")
    shown.press("#epoch", "\ue012")
    assert requests(browser) == {made.address}
    assert browser.get_log("browser") == []
    assert browser.title == "of a test"  # no name was run as a script
    assert not shown.run("return [...document.images].some(image => image.src.endsWith('x'))")
    # Nor could one leave: the page's own policy forbids it.
    fetched = "return fetch('https://example.org').then(() => 'sent', () => 'refused')"
    assert shown.run(fetched) == "refused"


def test_tables_are_sorted_by_their_heads(shown):
    rows = "return [...document.querySelectorAll('#flags tbody tr')].map(r => r.textContent)"
    before = shown.run(rows)
    button = "#flags th:nth-child(3) button"
    assert shown.css(button).text.startswith("layer")
    column = rows.replace("r.textContent", "r.cells[2].textContent")
    shown.press(button, "\ue007")  # enter
    assert shown.run(column) == sorted(LAYERS * 4)
    assert shown.css("#flags th:nth-child(3)").get_attribute("aria-sort") == "ascending"
    shown.press(button, "\ue007")
    assert shown.run(column) == sorted(LAYERS * 4, reverse=True)
    shown.press(button, "\ue007")
    assert shown.run(rows) == before
    saturated = "#flags th:nth-child(5)"
    shown.press(f"{saturated} button", "\ue007")
    numbers = shown.run(column.replace("cells[2]", "cells[4]"))
    assert numbers == sorted(numbers, key=int) and len(set(numbers)) > 1


def test_page_is_reached_by_keyboard_and_named_for_who_does_not_see_it(shown):
    reached, focus = [], "const at = document.activeElement; "
    for _ in range(40):
        shown.browser.switch_to.active_element.send_keys("\ue004")  # tab
        reached.append(shown.run(f"{focus} return at.id || at.name || at.textContent"))
    switches = {"Explore", "epoch", "run", "estimator", "layer", "mean", "seed", "all", "none"}
    assert switches <= set(reached)
    unnamed = """
        const named = (e) =>
            e.ariaLabel || e.labels?.length || e.textContent.trim() || e.alt || e.hidden;
        const all = [...document.querySelectorAll("input, button, a, .plot, img")];
        return all.filter((e) => !named(e)).map((e) => e.outerHTML);
    """
    assert shown.run(unnamed) == []
    assert shown.css("#epoch").get_attribute("aria-valuetext") == "epoch 100"


def test_still_pictures_are_printed_and_seen_without_scripts(shown, made):
    visible = (
        "return [...document.querySelectorAll(arguments[0])].map(e => e.checkVisibility())"
    )
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown.run(visible, "#explore") == [False]
    assert shown.run(visible, "figure img") == [True] * 4
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown.run(visible, "#explore") == [True]
    shown.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        shown.browser.get(made.address)
        assert shown.run(visible, "#explore .working, #explore noscript") == [True, False]
        assert shown.run(visible, "figure img") == [True] * 4
    finally:
        shown.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_still_pictures_are_one_click_away(shown):
    found = "[...document.querySelectorAll('article .stills a')]"
    links = shown.run(f"return {found}.map(a => a.getAttribute('href'))")
    assert {"runs/kde.png", "runs/kde.pdf", "runs/kde.csv"} <= set(links)
    inside = [link for link in links if link.startswith("#")]
    assert inside and all(shown.run(f"return !!document.querySelector('{a}')") for a in inside)
