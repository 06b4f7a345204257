import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pydantic
import pytest

from infoplane.figures import page

EVIL = 'tanh <script>alert("x")</script> & co'


def png_head(width):
    """The first bytes of a PNG image so many pixels wide."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + width.to_bytes(4) + (700).to_bytes(4)


class Tags(HTMLParser):
    """All start tags with their attributes, and whether every tag was closed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture
def experiment(tmp_path):
    def drawing(name):
        png = tmp_path / f"{name}.png"
        png.write_bytes(png_head(920) + name.encode())
        return {
            "title": f"Plane {EVIL}",
            "png": png,
            "pdf": f"figures/{name} 1.pdf",
            "csv": f"figures/{name}.csv",
            "caption": f"caption of {name} {EVIL}",
            "alt": f"alt of {name} {EVIL}",
        }

    return {
        "title": EVIL,
        "description": EVIL,
        "runs": [
            {
                "name": EVIL,
                "facts": {"data set": EVIL, "seeds": "10"},
                "figures": [drawing("plane"), drawing("curves")],
            },
            {"name": "relu", "facts": {"network": "12-10-2"}, "figures": []},
        ],
        "comparisons": [drawing("comparison")],
        "flags": [
            page.FlagCount(EVIL, "kde", "hidden1", 40, 7, 0, 0, 0, 0, 0, 5, 2, 1, "3"),
        ],
        "checks": [
            page.Check(EVIL, "kde", 40, 3, 1, "", f"runs/{EVIL}/checks/kde.csv"),
            page.Check("relu", "sliced", 0, 0, 0, EVIL, "runs/relu/checks/sliced.csv"),
        ],
        "endings": [page.Ending(EVIL, 3000, 9, EVIL, "0.99 ± 0.01")],
        "versions": {"torch": "2.6"},
        "settings": {"runs": {EVIL: {"epochs": 3000}}},
    }


def test_page_holds_every_figure_with_alt_and_links(experiment):
    html = page.render(experiment)
    tags = Tags(html)
    assert tags.open == []
    images = tags.all("img")
    found = [base64.b64decode(image["src"].partition("base64,")[2]) for image in images]
    assert [data[24:] for data in found] == [b"comparison", b"plane", b"curves"]
    assert [image["alt"].split()[2] for image in images] == ["comparison", "plane", "curves"]
    links = [a["href"] for a in tags.all("a")]
    assert "figures/plane%201.pdf" in links and "figures/curves.csv" in links
    for href in links:
        if href.startswith("#"):
            assert f'id="{href[1:]}"' in html


def test_page_has_claims_first_with_their_table(experiment):
    drawing = {**experiment["comparisons"][0], "heading": "All claims"}
    table = [["claim", "holds in"], [f"It falls. {EVIL}", "31 of 40"]]
    html = page.render(experiment | {"claims": [{**drawing, "table": table}]})
    assert "<td>31 of 40</td>" in html and 'href="tables/claims.csv"' in html
    assert html.index('id="claims"') < html.index('id="comparisons"')
    assert "tables/claims.csv" not in page.render(experiment)


def test_page_escapes_every_name(experiment):
    html = page.render(experiment)
    assert 'alert("' not in html
    assert html.count("<script") == 1  # the page's own, which sorts tables
    assert html.count("&lt;script&gt;") >= 10


def test_page_links_to_nothing_outside(experiment):
    html = page.render(experiment)
    inside = r"data:image/png|#|figures/|runs/[^\"':]*/checks/"
    assert not re.search(rf"""(src|href)\s*=\s*["'](?!{inside})""", html)
    assert "@import" not in html and "url(" not in html


def test_page_headings_do_not_skip_a_level(experiment):
    levels = [int(n) for n in re.findall(r"<h([1-6])", page.render(experiment))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert max(np.diff(levels)) <= 1


def test_page_holds_flags_endings_and_provenance(experiment):
    html = page.render(experiment)
    for part in ("0.99 ± 0.01", "torch", "2.6", "epochs: 3000", "<details>", "12-10-2"):
        assert part in html
    assert '<td class="n some">7</td>' in html and '<td class="n">0</td>' in html


def test_a_small_page_is_rendered():
    html = page.render(page.Experiment(title="t", runs=(page.Run(name="r", facts={}),)))
    assert "No figures." in html and "Flags" not in html


def test_misspelt_keys_and_missing_images_are_errors(experiment):
    with pytest.raises(pydantic.ValidationError, match="tittle"):
        page.render(experiment | {"tittle": "x"})
    experiment["comparisons"][0]["png"].unlink()
    with pytest.raises(FileNotFoundError):
        page.render(experiment)


def test_images_are_as_wide_as_their_print(experiment):
    for name, width in (("plane", 1380), ("curves", 690)):
        [png] = [f["png"] for f in experiment["runs"][0]["figures"] if f["png"].stem == name]
        png.write_bytes(png_head(width))
    widths = [int(image["width"]) for image in Tags(page.render(experiment)).all("img")]
    assert widths[1] == pytest.approx(2 * widths[2], abs=1)
    png.write_bytes(b"GIF89a" + b" " * 40)
    with pytest.raises(ValueError, match="is not a PNG"):
        page.render(experiment)


@pytest.mark.parametrize(
    "stem, title",
    [
        ("information_plane-kde", "Information plane, kde"),
        ("information plane-kde-0.1", "Information plane, kde-0.1"),
        ("gradient_noise", "Gradient noise"),
        ("tanh-vs-relu-kde", "Information planes: tanh vs relu, kde"),
        ("Anything else_", "Anything else_"),
    ],
)
def test_titles_read_like_words(experiment, stem, title):
    assert page.in_words(stem) == title
    experiment["comparisons"][0]["title"] = stem
    assert f"<h3>{title}</h3>" in page.render(experiment)


def test_flag_counts_by_hand(information):
    table = pd.concat(
        [
            information(saturated=("zeta",), failed=(1,)),
            information(run="relu", shift=-20.0),
            information(run="dead", seeds=2, failed=(0, 1)),
        ]
    )
    counts = page.flag_counts(table)
    assert [(c.run, c.layer) for c in counts] == [
        *(("tanh", layer) for layer in ("zeta", "alpha", "output")),
        *(("relu", layer) for layer in ("zeta", "alpha", "output")),
        ("dead", "all"),
    ]
    assert counts[0] == page.FlagCount(
        "tanh", "kde", "zeta", 15, 15, 0, 0, 0, 0, 0, 0, 0, 0, "1"
    )
    assert counts[3].negative_ixt == counts[3].values == 20
    assert counts[-1].values == 0 and counts[-1].failed_seeds == "0, 1"


def test_endings_by_hand(metrics):
    table = metrics(failed=(2,), test=False)
    loss, row = page.endings_of(table)
    last = table.accuracy_train[(table.epoch == 3000) & (table.seed != 2)]
    assert (row.run, row.epoch, row.seeds, row.quantity) == ("tanh", 3000, 3, "accuracy")
    assert row.values == f"train {last.mean():.4f} ± {last.std():.4f}"
    assert loss.quantity == "loss in nats"


def test_seeds_set_aside_are_named_with_their_value_and_the_rule(metrics, experiment):
    table = metrics(failed=(2,))
    table["set_aside"] = table.seed == 1
    table.loc[table.seed == 1, "lost"] = "accuracy_train 0.5012"
    _, row = page.endings_of(table)
    last = table.accuracy_train[(table.epoch == 3000) & table.seed.isin([0, 3])]
    assert (row.seeds, row.set_aside) == (2, "1 (accuracy_train 0.5012)")
    assert row.values.startswith(f"train {last.mean():.4f}") and ", test " in row.values
    assert "seeds set aside" not in page.render(experiment)
    experiment["endings"] = [row]
    text = page.render(experiment)
    assert "seeds set aside" in text and "<td>1 (accuracy_train 0.5012)</td>" in text


def test_facts_name_random_labels_and_the_rule_for_setting_aside():
    run = {
        "dataset": "szt",
        "network": {"hidden": [3]},
        "training": {
            "trainer": "supervised",
            "optimizer": {"method": "adam", "learning_rate": 1e-4},
            "batch_size": 256,
            "epochs": 9,
            "prefit": {"epochs": 7, "seed": 0},
            "set_aside": {"quantity": "accuracy_train", "below": 0.55},
        },
        "seeds": [0, 1],
        "measure": {"probe": "dataset", "inputs": "all", "label": None, "y": "label"},
    }
    found = page.facts(run)
    assert found["training"].endswith("9 epochs after 7 on random labels")
    assert found["set aside"] == "seeds that end with accuracy_train below 0.55"
    run["training"] |= {"prefit": None, "set_aside": None}
    assert "set aside" not in page.facts(run) and "random" not in page.facts(run)["training"]
    assert page.facts(run)["measured inputs"] == "all"


def test_facts_of_other_trainers_and_probes_are_said():
    run = {"dataset": "szt", "network": {"hidden": [3]}, "seeds": [0, 1]}
    run["training"] = {"trainer": "adopt", "files": "runs/{seed}.pt"}
    run["measure"] = {"probe": "mine:Window", "n": 50}
    found = page.facts(run)
    assert found["training"] == "trainer adopt, files runs/{seed}.pt"
    assert found["measured inputs"] == "by mine:Window"
    run["training"] = {"trainer": "supervised", "label": "font", "batch_size": 8, "epochs": 9}
    run["training"]["optimizer"] = {"method": "adam", "learning_rate": 0.1}
    run["measure"] = {"probe": "dataset", "inputs": "test", "label": "font", "y": "label"}
    found = page.facts(run)
    assert found["training"].endswith("9 epochs, label font")
    assert found["measured inputs"] == "test, label font"


def many_runs(n):
    """A page of n runs without figures, two estimators of one layer each, a value each."""
    names = [f"run{i}" for i in range(n)]
    return page.Experiment(
        title="many",
        runs=[page.Run(name, {"seeds": "1"}) for name in names],
        flags=[
            page.FlagCount(
                name, by, "hidden1", 1, 1 if by == "kde" else 0, 0, 0, 0, 0, 0, 0, 0, 0, "3"
            )
            for name in names
            for by in ("kde", "binned")
        ],
        endings=[page.Ending(name, 10, 1, "accuracy", "1") for name in names],
        checks=[page.Check(name, "kde", 4, 0, 0, "", f"{name}.csv") for name in names],
        settings={"name": "many", "runs": {name: {} for name in names}},
        tables={name: f"tables/{name}" for name in PAGE_TABLES},
    )


PAGE_TABLES = ("runs", "endings", "flags", "checks", "settings")
SAVED = (*PAGE_TABLES[:-1], "statements", "settings")


def test_page_of_many_runs_has_no_row_for_each():
    html = page.render(many_runs(page.LONGEST + 1))
    assert f"<td>{'kde'}</td>" in html
    assert html.count(f"run{page.LONGEST}<") == 0  # the last run stands in no table
    assert html.count(f"run{page.LONGEST - 1}<") == 3  # runs, endings, checks
    assert "run7:" not in html  # nor in the settings
    assert not [tag for tag in Tags(html).all("section") if tag["id"].startswith("run-")]
    links = {tag["href"] for tag in Tags(html).all("a")}
    assert {f"tables/{name}" for name in PAGE_TABLES} <= links


def test_layers_without_an_edge_are_said_once_for_all_runs_alike():
    content = many_runs(2)
    checks = [replace(check, without_edge="compared: head") for check in content.checks]
    html = page.render(replace(content, checks=checks))
    assert html.count("run0 and other runs: compared: head.") == 1


def test_page_of_few_runs_has_all():
    html = page.render(many_runs(3))
    assert html.count("run2<") == 7  # contents, runs, endings, section, two of flags, check


def test_flags_of_many_runs_are_summed_by_hand():
    counts = many_runs(page.LONGEST).flags
    kde, binned = page.summed(counts)
    assert (kde.estimator, kde.layer, kde.run) == ("kde", "hidden1", f"{page.LONGEST} runs")
    assert (kde.values, kde.saturated, kde.negative_ixt) == (page.LONGEST, page.LONGEST, 0)
    assert (binned.values, binned.saturated) == (page.LONGEST, 0)
    assert kde.failed_seeds == f"{page.LONGEST} in all"
    assert page.summed(counts[:3]) == counts[:3]


def test_saved_tables_have_every_row(tmp_path):
    paths = {name: tmp_path / name for name in SAVED}
    page.save_tables(many_runs(page.LONGEST + 1), paths)
    n = {name: len(pd.read_csv(paths[name])) for name in SAVED[:-1]}
    longest = page.LONGEST + 1
    assert n == {
        "runs": longest,
        "endings": longest,
        "flags": 2 * longest,
        "checks": longest,
        "statements": 0,
    }
    assert len(json.loads(paths["settings"].read_text())["runs"]) == longest


def test_saved_tables_without_rows_can_be_read(tmp_path):
    paths = {name: tmp_path / name for name in SAVED}
    page.save_tables(page.Experiment(title="t", runs=(page.Run("r", {}),)), paths)
    assert list(pd.read_csv(paths["checks"]).columns)[:2] == ["run", "estimator"]
