import numpy as np
import pandas as pd
import pytest

from infoplane.figures import FIGURES
from infoplane.training.trainer import Metric


def texts(figure):
    return " ".join(
        t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text"))
    )


def test_training_numbers_equal_aggregates_by_hand(metrics):
    table = metrics(failed=(1,))
    shown = FIGURES["training_curves"].numbers(table)
    assert shown.epoch.tolist() == [0, 1, 10, 100, 3000]
    assert set(shown.n_seeds) == {3} and set(shown.seeds_left_out) == {"1"}
    for row in shown.itertuples():
        losses = table.loss_test[(table.epoch == row.epoch) & (table.seed != 1)]
        assert row.loss_test_mean == pytest.approx(losses.sum() / 3)
        assert row.loss_test_sd == pytest.approx(losses.std(ddof=1))


def test_seeds_set_aside_are_left_out_of_the_mean_and_named(metrics, gradients):
    for table, module in (
        (metrics(), FIGURES["training_curves"]),
        (gradients(), FIGURES["gradient_noise"]),
    ):
        table["set_aside"] = table.seed == 3
        table["lost"] = np.where(table.seed == 3, "accuracy_train 0.51", "")
        shown = module.numbers(table)
        assert set(shown.n_seeds[shown.epoch > 0]) == {3}
        assert set(shown.seeds_set_aside) == set(shown.seeds_left_out) == {"3"}
        assert "seed 3 set aside, left out" in texts(module.draw(table))
        without = module.numbers(table[table.seed != 3])
        drop = ["seeds_set_aside", "seeds_left_out"]
        pd.testing.assert_frame_equal(shown.drop(columns=drop), without.drop(columns=drop))


def test_training_curves_plot_numbers(metrics, plotted):
    table = metrics()
    shown = FIGURES["training_curves"].numbers(table)
    for axes, name in zip(
        FIGURES["training_curves"].draw(table).axes, ("loss", "accuracy"), strict=True
    ):
        expected = [
            shown[["epoch", f"{name}_{of}_mean"]].to_numpy(dtype=float)
            for of in ("train", "test")
        ]
        np.testing.assert_array_equal(plotted(axes), np.concatenate(expected))


def test_training_of_many_epochs_is_binned_by_hand(metrics, plotted):
    table = metrics(seeds=3, epochs=range(1001))
    shown = FIGURES["training_curves"].numbers(table)
    for row in shown.itertuples():
        at = table.epoch.between(row.first_epoch, row.last_epoch)
        seeds = table.accuracy_test[at].groupby(table.seed).mean()
        assert row.accuracy_test_mean == pytest.approx(seeds.mean())
        assert row.accuracy_test_sd == pytest.approx(seeds.std())
    figure = FIGURES["training_curves"].draw(table)
    assert len(plotted(figure.axes[0])) == 2 * len(shown)
    assert figure.axes[0].get_xticks()[-1] == 1000
    assert f"epochs averaged in {len(shown)} bins" in texts(figure)
    assert "averaged" not in texts(FIGURES["training_curves"].draw(metrics()))


def test_training_without_a_test_set_draws_one_line(metrics):
    figure = FIGURES["training_curves"].draw(metrics(test=False))
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]


def test_failed_seeds_are_named(metrics, gradients):
    assert "seed 2 failed, left out" in texts(
        FIGURES["training_curves"].draw(metrics(failed=(2,)))
    )
    assert "seeds 0, 2 failed" in texts(
        FIGURES["gradient_noise"].draw(gradients(failed=(0, 2)))
    )


@pytest.mark.parametrize("case", [{"seeds": 1}, {"epochs": (0,)}, {"seeds": 1, "failed": (0,)}])
def test_small_tables_are_drawn(metrics, gradients, case):
    FIGURES["training_curves"].draw(metrics(**case)).canvas.draw()
    FIGURES["gradient_noise"].draw(gradients(**case)).canvas.draw()


def test_gradient_numbers_are_geometric_means_by_hand(gradients):
    table = gradients(failed=(3,))
    shown = FIGURES["gradient_noise"].numbers(table)
    assert 0 not in set(shown.epoch) and set(shown.n_seeds) == {3}
    for row in shown.itertuples():
        at = (table.epoch == row.epoch) & (table.layer == row.layer) & (table.seed != 3)
        mean, std, weight = (
            table[column][at].to_numpy()
            for column in ("gradient_mean", "gradient_std", "weight_norm")
        )
        assert row.relative_mean == pytest.approx(np.prod(mean / weight) ** (1 / 3))
        assert row.relative_std == pytest.approx(np.prod(std / weight) ** (1 / 3))
        assert row.snr == pytest.approx(np.prod(mean / std) ** (1 / 3))
        factor = np.exp(np.log(mean / std).std(ddof=1))
        assert row.snr_lower == pytest.approx(row.snr / factor)
        assert row.snr_upper == pytest.approx(row.snr * factor)


def test_gradients_of_many_epochs_are_binned_by_hand(gradients):
    table = gradients(seeds=3, epochs=range(1001))
    shown = FIGURES["gradient_noise"].numbers(table)
    assert shown.columns[:6].tolist() == [
        *("run", "epoch", "first_epoch", "last_epoch", "n_epochs", "layer")
    ]
    table["log_snr"] = np.log(table.gradient_mean / table.gradient_std)
    for row in shown.itertuples():
        at = table.epoch.between(row.first_epoch, row.last_epoch) & (table.layer == row.layer)
        seeds = table.log_snr[at].groupby(table.seed).mean()
        assert row.snr == pytest.approx(np.exp(seeds.mean()))
        assert row.snr_upper == pytest.approx(np.exp(seeds.mean() + seeds.std()))


def test_mean_and_noise_differ_in_line_style_and_are_named(gradients):
    left, _ = FIGURES["gradient_noise"].draw(gradients()).axes
    names = {line.get_label(): line.get_linestyle() for line in left.get_legend().get_lines()}
    drawn = [line.get_linestyle() for line in left.lines[:2]]
    assert drawn == [names["mean"], names["std"]] and drawn[0] != drawn[1]


def test_gradient_noise_plots_numbers_on_logarithmic_axes(gradients):
    table = gradients()
    shown = FIGURES["gradient_noise"].numbers(table)
    left, right = FIGURES["gradient_noise"].draw(table).axes
    assert left.get_yscale() == right.get_yscale() == "log"
    for axes, names in ((left, ("relative_mean", "relative_std")), (right, ("snr",))):
        allowed = np.concatenate([shown[name] for name in names])
        lines = [line for line in axes.lines if line.get_transform() == axes.transData]
        assert len(lines) == 3 * len(names)
        for line in lines:
            assert np.isin(line.get_ydata(), allowed).all()


def test_a_gradient_without_noise_has_no_ratio_and_does_not_fail(gradients):
    table = gradients()
    table["gradient_std"] = table.gradient_std.where(table.layer != "alpha", 0.0)
    shown = FIGURES["gradient_noise"].numbers(table)
    assert shown.snr[shown.layer == "alpha"].isna().all()
    FIGURES["gradient_noise"].draw(table).canvas.draw()


def test_layers_without_parameters_are_left_out_of_gradients(gradients):
    table = gradients()
    columns = ["gradient_mean", "gradient_std", "weight_norm"]
    table.loc[table.layer == "alpha", columns] = np.nan
    shown = FIGURES["gradient_noise"].numbers(table)
    assert set(shown.layer) == set(table.layer) - {"alpha"}
    assert "alpha" not in texts(FIGURES["gradient_noise"].draw(table))
    table[columns] = np.nan
    said = "no measured layer has parameters of its own"
    drawn = texts(FIGURES["gradient_noise"].draw(table))
    assert said in " ".join(drawn.split())
    shown = FIGURES["gradient_noise"].numbers(table)
    assert FIGURES["gradient_noise"].caption(shown) == f"Nothing is drawn: {said}."


def test_whatever_is_declared_is_drawn(metrics, gradients):
    table = metrics().rename(columns={"loss_train": "score", "loss_test": "score_dev"})
    table.attrs["metrics"] = [
        Metric("score", "score", "higher"),
        Metric("score_dev", "rate  [1/s]"),
        Metric("accuracy_train", "share", "lower"),
        Metric("accuracy_test", "share", "lower"),
    ]
    figure = FIGURES["training_curves"].draw(table)
    assert [axes.get_ylabel() for axes in figure.axes] == ["score", "rate  [1/s]", "share"]
    names = [[line.get_label() for line in axes.lines] for axes in figure.axes]
    assert names == [["score"], ["score_dev"], ["train", "test"]]
    shown = FIGURES["training_curves"].numbers(table)
    text = FIGURES["training_curves"].caption(shown)
    assert text.startswith("Score, rate in 1/s and share of tanh over training")
    assert "share: train 0." in FIGURES["training_curves"].alt(shown)
    table.attrs["metrics"] = []
    assert "declares no metrics" in texts(FIGURES["training_curves"].draw(table))
    none = gradients().drop(columns=["gradient_mean", "gradient_std"])
    assert "its trainer declares no" in texts(FIGURES["gradient_noise"].draw(none))
    shown = FIGURES["gradient_noise"].numbers(none)
    assert "declares no gradient_mean" in FIGURES["gradient_noise"].caption(shown)


def test_metrics_by_layer_are_drawn_a_line_a_layer(metrics, gradients):
    layers = gradients()
    layers["score_kept"], layers["score_lost"] = layers.gradient_mean, 2.0 + layers.gradient_std
    table = pd.concat([metrics(), layers], ignore_index=True)
    parts = [Metric(name, "score", by_layer=True) for name in ("score_kept", "score_lost")]
    table.attrs["metrics"] = [
        *metrics().attrs["metrics"],
        *(
            Metric(n, n, by_layer=True)
            for n in ("weight_norm", "gradient_mean", "gradient_std")
        ),
        *parts,
    ]
    shown = FIGURES["training_curves"].numbers(table)
    figure = FIGURES["training_curves"].draw(table)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["loss  [nats]", "accuracy", "weight_norm", "score"]
    norms, scores = figure.axes[2:]
    for axes, names in ((norms, ["zeta", "alpha", "output"]), (scores, None)):
        found = [line.get_label() for line in axes.lines]
        assert found == (
            names
            or [
                f"{layer}, {part}"
                for part in ("kept", "lost")
                for layer in ("zeta", "alpha", "output")
            ]
        )
    (zeta, *_) = norms.lines
    rows = shown[shown.layer == "zeta"]
    np.testing.assert_array_equal(zeta.get_ydata(), rows.weight_norm_mean)
    by_hand = table[(table.layer == "zeta") & (table.epoch == 10)].weight_norm.mean()
    assert rows.weight_norm_mean[rows.epoch == 10].item() == pytest.approx(by_hand)
    assert len({line.get_color() for line in norms.lines}) == 3
    text = FIGURES["training_curves"].caption(shown)
    assert "Weight_norm and score: one line per layer." in text
    table.attrs["metrics"] = parts  # a trainer of one's own, without any of the network
    alone = FIGURES["training_curves"].draw(table[table.layer != ""])
    assert [axes.get_ylabel() for axes in alone.axes] == ["score"]
    assert FIGURES["training_curves"].alt(FIGURES["training_curves"].numbers(table))
