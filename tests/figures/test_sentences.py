import numpy as np
import pandas as pd
import pytest

from infoplane.figures import FIGURES, sentences


def test_plane_caption_says_what_the_numbers_hold(information):
    table = information(failed=(3,), saturated=("zeta",))
    shown = FIGURES["information_plane"].numbers(table)
    settings = {"estimator": "kde", "noise_variance": 0.001}
    text = FIGURES["information_plane"].caption(shown, settings)
    for part in (
        "Mean of 3 seeds",
        "±1 standard deviation",
        "seed 3 failed, left out",
        "H(X) = 12 bits, H(Y) = 0.999 bits",
        "equals H(X)",
        "Of 45 values, 15 are saturated",
        "kde with noise_variance = 0.001",
        "difference of two bounds",
        "5 epochs from 0 to 3000",
    ):
        assert part in text


def test_caption_leaves_out_what_is_not_there(information):
    table = information(estimator="binned", seeds=1, cap=10.0)
    text = FIGURES["information_curves"].caption(
        FIGURES["information_curves"].numbers(table),
        {"estimator": "binned", "bins": 30, "low": None, "memory_mb": 512},
    )
    assert "One seed, so no spread is shown." in text
    assert "can return) is 10 bits." in text
    for part in ("hollow", "saturated", "two bounds", "left out", "Dotted", "None", "512"):
        assert part not in text


def test_negative_values_are_counted(information):
    table = information(shift=-20.0)
    shown = FIGURES["information_plane"].numbers(table)
    assert "60 are negative" in FIGURES["information_plane"].caption(shown)


def test_comparison_caption_names_failed_seeds_by_run(information):
    dead = information(run="dead", seeds=1, failed=(0,))
    table = pd.concat([information(run="tanh"), information(run="relu", failed=(0,)), dead])
    shown = FIGURES["comparison"].numbers(table)
    text = FIGURES["comparison"].caption(shown, {"estimator": "kde"})
    assert "relu: seed 0 failed, left out." in text and "tanh: " not in text
    assert "3 to 4 seeds" in text and "dead: every seed failed or was set aside." in text


def test_training_and_gradient_captions_have_units(metrics, gradients):
    shown = FIGURES["training_curves"].numbers(metrics(test=False))
    text = FIGURES["training_curves"].caption(shown)
    assert "nats" in text and "There is no test set." in text
    text = FIGURES["gradient_noise"].caption(FIGURES["gradient_noise"].numbers(gradients()))
    assert "Geometric mean of 4 seeds" in text and "weights" in text
    assert "bin" not in text


def test_captions_of_many_epochs_name_the_bins(metrics, gradients):
    shown = FIGURES["training_curves"].numbers(metrics(seeds=2, epochs=range(3001)))
    text = FIGURES["training_curves"].caption(shown)
    assert "3001 epochs from 0 to 3000" in text
    assert f"the {len(shown)} bins are equal on the logarithmic axis" in text
    first = int(shown.first_epoch.iloc[-1])
    assert f"At the end, epochs {first} to 3000: loss in nats: train " in FIGURES[
        "training_curves"
    ].alt(shown)
    shown = FIGURES["gradient_noise"].numbers(gradients(seeds=2, epochs=range(301)))
    text = FIGURES["gradient_noise"].caption(shown)
    assert "300 epochs from 1 to 300" in text and "geometric mean over a bin" in text


def test_captions_say_what_intervals_are_worth(information):
    caption = lambda table: FIGURES["information_curves"].caption(  # noqa: E731
        FIGURES["information_curves"].numbers(table)
    )
    said = caption(information(lower=0.5))
    assert "The interval of I(X;T) is proven; I(T;Y) has none." in said
    assert "mean ends of the intervals" in said
    sample = "the measured inputs, or their draws, are only a sample"
    assert f"There is no interval for 60 values of I(T;Y): {sample}." in said
    said = caption(information())
    assert "No value has an interval. There is no interval for 60 values of I(X;T) and" in said
    mixed = information(lower=0.5)
    mixed.loc[mixed.layer == "output", "ixt_interval_kind"] = "exact"
    mixed["ity_interval_kind"] = "calibrated"
    said = caption(mixed)
    assert (
        "The interval of I(X;T) is proven or is exact; the interval of I(T;Y) is calibrated"
        in said
    )
    mixed.loc[mixed.layer == "output", "ixt_interval_kind"] = "none"
    assert "The interval of I(X;T) is proven, where there is one; the" in caption(mixed)


def test_captions_count_what_has_no_interval_by_the_reason(information):
    table = information(failed=(1,))
    few = (table.seed == 2) & (table.layer == "zeta")
    table.loc[few, "ity_why_none"] = "dimensions"
    table["ixt_why_none"] = "not_calibrated"
    table["not_calibrated"] = "labels: 85 % of all intervals contain the truth"
    numbers = FIGURES["information_plane"].numbers(table)
    assert numbers.ity_why_none[0] == "sample 2|dimensions 1"
    assert numbers.ity_why_none[1] == "sample 3"
    said = FIGURES["information_plane"].caption(numbers)
    assert "for 45 values of I(X;T): its calibrated intervals failed their test (" in said
    assert "labels: 85 % of all intervals" in said
    assert "for 5 values of I(T;Y): outside of what was tested (dimensions)" in said
    assert "for 40 values of I(T;Y): the measured inputs" in said
    old = information().drop(columns=["ixt_why_none", "ity_why_none"])
    said = FIGURES["information_plane"].caption(FIGURES["information_plane"].numbers(old))
    assert "No value has an interval." in said and "There is no interval" not in said


@pytest.mark.parametrize("name", ["information_plane", "comparison", "information_curves"])
def test_alt_is_one_text_a_figure(information, name):
    shown = FIGURES[name].numbers(information())
    assert "tanh" in FIGURES[name].alt(shown) and "nan" not in FIGURES[name].alt(shown)


def test_a_figure_without_seeds_says_so(information):
    shown = FIGURES["information_plane"].numbers(information(seeds=1, failed=(0,)))
    assert "every seed" in FIGURES["information_plane"].caption(shown)
    assert "every seed" in FIGURES["information_plane"].alt(shown)


def test_unknown_figures_are_named():
    with pytest.raises(KeyError, match="Did you mean 'comparison'"):
        FIGURES["comparisson"].caption(pd.DataFrame({"epoch": [np.nan]}))


def store(epochs, **schedule):
    """What a store of information with so many epochs says of its schedule."""
    settings = {"schedule": "delta_exact", "delta": 0.05, "distance": "entropy", "over": "seed"}
    measure = {"epochs": {**settings, **schedule}}
    return sentences.Chosen.of({"measure": measure, "n_kept": 8001}, epochs)


def test_caption_says_how_many_epochs_an_adaptive_schedule_chose(information):
    table = information()
    for figure in ("information_plane", "information_curves", "comparison", "sensitivity"):
        shown = FIGURES[figure].numbers(table.assign(variant="v"))
        text = FIGURES[figure].caption(shown, {}, store(57))
        rule = "δ = 0.05 of H(X) and H(Y) of every seed."
        assert f"delta_exact measured 57 of 8001 kept epochs, {rule}" in text
        assert "joined linearly" not in text


def test_caption_says_that_blocks_have_epochs_of_their_own(information):
    table = information()
    table = table[(table.seed != 1) | (table.epoch != 10)]
    shown = FIGURES["information_plane"].numbers(table)
    raw = {"distance": "raw", "delta": 0.5, "over": "mean"}
    chosen = [*store(57, **raw), *store(49, **raw), *store(60, **raw)]
    text = FIGURES["information_plane"].caption(shown, {}, chosen)
    assert "49 to 60 of 8001" in text and "δ = 0.5 bits of the mean over seeds." in text
    assert "Blocks of seeds have their own epochs, which are joined linearly" in text


def test_a_fixed_schedule_is_not_named():
    about = {"measure": {"epochs": {"schedule": "logarithmic", "number": 60}}}
    assert sentences.Chosen.of(about, 60) == []


def test_captions_say_how_maps_are_read():
    assert sentences.of_runs("Read", {"a": "", "b": ""}) == []
    assert sentences.of_runs("Read", {"a": "maps flattened", "b": "maps flattened"}) == [
        "Read: maps flattened."
    ]
    assert sentences.of_runs("Read", {"a": "maps flattened", "b": "", "c": "their means"}) == [
        "Read: maps flattened in a; their means in c."
    ]


def test_layers_without_an_edge_are_named_where_violations_are_counted(information, gradients):
    which = {"tanh": "compared with H(X) and H(Y) alone: add (of a and b at once)"}
    shown = FIGURES["information_plane"].numbers(information())
    text = FIGURES["information_plane"].caption(shown, without_edge=which)
    assert text.endswith(f"Data processing inequality: {which['tanh']}.")
    assert "inequality" not in FIGURES["information_plane"].caption(shown)
    shown = FIGURES["gradient_noise"].numbers(gradients())
    assert "inequality" not in FIGURES["gradient_noise"].caption(shown, without_edge=which)
