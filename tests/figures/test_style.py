import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from fontTools import subset

from infoplane.figures import FIGURES, style

OPTIONS = subset.Options()


def test_band_is_mean_sample_sd_and_count():
    mean, sd, n = style.band([[1.0, 2.0, 6.0], [4.0, np.nan, np.nan], [np.nan] * 3])
    np.testing.assert_allclose(mean, [3, 4, np.nan])
    np.testing.assert_allclose(sd, [np.sqrt(7), np.nan, np.nan])
    assert n.tolist() == [3, 1, 0]


@pytest.mark.parametrize(
    "epochs, ticks",
    [
        ([0, 5, 3000], [0, 1, 10, 100, 1000, 3000]),
        ([0, 5, 1200], [0, 1, 10, 100, 1200]),  # 1000 and 1200 would touch
        ([0], [0]),
        ([0, 1], [0, 1]),
        ([500, 8000], [500, 1000, 8000]),
    ],
)
def test_epoch_ticks_hold_both_ends_and_do_not_touch(epochs, ticks):
    assert style.epoch_ticks(epochs) == ticks


def test_epoch_norm_gives_epoch_zero_and_early_epochs_a_place():
    norm = style.epoch_norm([0, 3000])
    at = [float(norm(epoch)) for epoch in (0, 1, 10, 3000)]
    assert at[0] == 0 and at[-1] == 1
    assert np.diff(at).min() > 0.05


def test_few_spreads_over_the_logarithm_with_both_ends():
    chosen = style.few(range(10_000), 5)
    assert chosen[0] == 0 and chosen[-1] == 9999 and len(chosen) == 5
    assert np.ptp(np.diff(np.log1p(chosen))) < 0.6
    assert style.few([3, 1, 3], 5) == [1, 3]


def test_epoch_colours_grow_lighter_evenly():
    rgb = style.epoch_colours()(np.linspace(0, 1, 50))[:, :3]
    luminance = rgb @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all() and luminance[-1] < 0.85


@pytest.mark.parametrize(
    "count, length, width, columns",
    [(6, 7, 4.6, 6), (9, 7, 5.6, 5), (3, 7, 9.0, 3), (4, 200, 4.6, 1)],
)
def test_legends_fit_their_width_in_even_rows(count, length, width, columns):
    assert style.fitting(["x" * length] * count, width) == columns


@pytest.mark.parametrize(
    ("backend", "kept"),
    [
        ("module://matplotlib_inline.backend_inline", None),  # of a notebook's shell
        ("svg", "svg"),
    ],
)
def test_figures_start_with_any_backend_and_without_the_heavy_libraries(backend, kept):
    code = """
import sys
from infoplane.figures import FIGURES, page, sentences, style
[FIGURES[name] for name in FIGURES]
heavy = ("torch", "numba", "zarr", "matplotlib.pyplot")
print([name for name in heavy if name in sys.modules])
import os, matplotlib
print(os.environ["MPLBACKEND"], matplotlib.get_backend(auto_select=False))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(style.__file__).parents[2],
        env=os.environ | {"MPLBACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy, found = run.stdout.splitlines()
    assert heavy == "[]"
    # where matplotlib_inline is installed, its backend is the one that is left
    assert found in (f"{backend} {kept}", f"{backend} inline", f"{backend} {backend}")


def test_draw_leaves_matplotlibs_settings_alone_and_ignores_the_users(information):
    with matplotlib.rc_context({"font.size": 30}):
        figure = FIGURES["information_plane"].draw(information())
        assert matplotlib.rcParams["font.size"] == 30
    assert figure.axes[0].xaxis.label.get_size() == style.RC["axes.labelsize"]


@pytest.mark.parametrize(
    "name", ["plane", "squashed", "comparison", "curves", "training", "gradients"]
)
def test_saving_twice_gives_the_same_bytes(name, information, metrics, gradients, tmp_path):
    table = information(failed=(1,), saturated=("zeta",), lower=0.5)
    squashed = information(shift=200).assign(entropy_x=220.0, entropy_y=220.0)
    module, arguments = {
        "plane": (FIGURES["information_plane"], (table,)),
        "squashed": (FIGURES["information_plane"], (squashed,)),
        "comparison": (FIGURES["comparison"], (table,)),
        "curves": (FIGURES["information_curves"], (table,)),
        "training": (FIGURES["training_curves"], (metrics(),)),
        "gradients": (FIGURES["gradient_noise"], (gradients(),)),
    }[name]
    written = []
    for turn in ("first", "second"):
        paths = [tmp_path / turn / f"figure.{kind}" for kind in ("png", "pdf", "csv")]
        style.save(module.draw(*arguments), module.numbers(*arguments), *map(str, paths))
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    png, pdf, _ = written[0]
    assert b"CreationDate" not in pdf and b"Matplotlib" not in png
    assert len(png) < 300_000
    again = pd.read_csv(tmp_path / "first" / "figure.csv", keep_default_na=True)
    assert list(again.columns) == list(module.numbers(*arguments).columns)


def test_a_pdf_has_letters_and_not_the_tables_that_set_them(tmp_path, monkeypatch):
    kept, whole = [], subset.Subsetter.subset

    def watched(self, font):
        whole(self, font)
        kept.append(set(font.keys()))

    monkeypatch.setattr(subset.Subsetter, "subset", watched)
    figure = style.new_figure(2, 2)
    figure.text(0.5, 0.5, "AVATAR $I(X;T)$")
    paths = [tmp_path / f"figure.{kind}" for kind in ("png", "pdf", "csv")]
    style.save(figure, pd.DataFrame(), *paths)
    assert len(kept) > 1  # upright and italic
    for tables in kept:
        assert {"glyf", "hmtx"} <= tables and not tables & style.SETTING
    plain = subset.load_font(matplotlib.get_data_path() + "/fonts/ttf/DejaVuSans.ttf", OPTIONS)
    assert style.SETTING & set(plain.keys())  # others find their fonts as they are
