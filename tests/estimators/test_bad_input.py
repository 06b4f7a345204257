"""Every estimator on the difficult inputs of real networks: dead units, ties, one class, few
samples.

Each either gives a value or raises a ValueError that names the place and the reason. None
returns NaN without a flag, and none fails in another way.
"""

import math
import warnings
from collections import OrderedDict
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import infoplane
from infoplane.estimators import ESTIMATORS
from infoplane.information import FLAGS

FEW_STEPS = {"max_steps": 40, "evaluate_every": 20, "width": 8}
QUICK = dict.fromkeys(("mine", "nwj", "infonce", "smile", "js"), FEW_STEPS) | {
    "sliced": {"n_projections": 8},
    "compressed": {"max_steps": 100, "k": 20},
    "lga": {"tolerance": 0.1, "max_iterations": 8},
}
"""Settings that make an estimator fast, and only as accurate as these tests need."""
ALL = list(ESTIMATORS)
NOISY = [name for name in ALL if ESTIMATORS[name].needs_noise]
"""Estimators of noisy layers: they get T as the centres, with noise of 0.5."""
OF_LAYERS = [name for name in ALL if name != "clustering"]
OF_PAIRS = [name for name in OF_LAYERS if name not in NOISY]
NEEDS_X = [name for name in OF_LAYERS if not ESTIMATORS[name].takes_layers]
OF_TWO = [name for name in OF_PAIRS if name != "exact"]  # two variables, not a layer alone
WITH_K = [name for name in OF_LAYERS if "k" in ESTIMATORS[name].Settings.model_fields]


def estimate(name, t, y, x=None):
    """The record, or the message of the ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # how NumPy reports NaN
        try:
            given = {"centres": t, "sigma": 0.5} if name in NOISY else {}
            given |= {"x": x, "draws": np.ndim(t) == 3, "estimator": name}
            return infoplane.estimate(t, y, **given, **QUICK.get(name, {}))
        except ValueError as error:
            return str(error)


def mutual_information(name, a, b):
    try:
        return infoplane.mutual_information(a, b, estimator=name, **QUICK.get(name, {}))
    except ValueError as error:
        return str(error)


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    return rng.normal(size=(120, 4)) + y[:, None], y, rng.normal(size=(120, 5))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ALL)
def test_values_that_are_not_finite_are_refused_by_place(name, layer, bad):
    t, y, x = layer
    t[7, 2] = bad
    found = estimate(name, t, y, x)
    assert found == (
        "layer T: 1 of 480 activations are NaN or infinite; information is not defined for them"
    )


@pytest.mark.parametrize("name", NEEDS_X)
def test_features_that_are_not_finite_are_refused_by_place(name, layer):
    t, y, x = layer
    x[3, 0] = np.nan
    assert "layer T: 1 of 600 features of x are NaN" in estimate(name, t, y, x)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_constant_layer_holds_no_information(name, layer):
    _, y, x = layer
    found = estimate(name, np.full((120, 4), 0.7), y, x)
    # exactly, but for counts, whose fixed-point sums are good to 1e-9 bit
    assert found.ixt.value == pytest.approx(0, abs=1e-9)
    assert found.ity.value == pytest.approx(0, abs=1e-9)
    assert "needs_x" not in found.flags


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_single_class_cannot_be_told(name, layer):
    t, _, x = layer
    found = estimate(name, t, np.full(120, 4), x)
    assert found.ity.value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", NEEDS_X)
def test_without_x_a_pair_estimator_gives_the_label_alone(name, layer):
    t, y, x = layer
    without, with_x = estimate(name, t, y), estimate(name, t, y, x)
    assert math.isnan(without.ixt.value) and "needs_x" in without.flags
    assert math.isfinite(without.ity.value)
    assert math.isfinite(with_x.ixt.value) and "needs_x" not in with_x.flags


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_dead_unit_changes_little(name, layer):
    t, y, x = layer
    dead = np.concatenate([t, np.zeros((120, 1))], axis=1)
    found, expected = estimate(name, dead, y, x), estimate(name, t, y, x)
    assert not isinstance(found, str), found
    # one more unit changes random projections and first weights, but not the information
    assert found.ity.value == pytest.approx(expected.ity.value, abs=0.5)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_ties_and_duplicates_are_answered(name):
    rng = np.random.default_rng(1)
    t = rng.integers(0, 2, (200, 3)).astype(float)  # 8 different rows
    y = (t[:, 0] + 2 * t[:, 1]).astype(int)
    found = estimate(name, t, y, t)
    assert not isinstance(found, str), found
    assert math.isfinite(found.ity.value) and math.isfinite(found.ixt.value)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_one_unit_is_answered(name, layer):
    t, y, x = layer
    found = estimate(name, t[:, :1], y, x[:, :1])
    assert not isinstance(found, str), found
    assert math.isfinite(found.ity.value) and math.isfinite(found.ixt.value)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_more_units_than_samples_are_answered_or_refused_by_place(name):
    rng = np.random.default_rng(2)
    t, x = rng.normal(size=(40, 60)), rng.normal(size=(40, 9))
    found = estimate(name, t, np.arange(40) % 2, x)
    assert "layer T" in found if isinstance(found, str) else math.isfinite(found.ity.value)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_class_of_one_is_answered_or_refused_by_place(name, layer):
    t, y, x = layer
    y = np.where(np.arange(120) == 5, 9, y)
    found = estimate(name, t, y, x)
    assert "layer T" in found if isinstance(found, str) else math.isfinite(found.ity.value)


@pytest.mark.parametrize("name", WITH_K)
def test_k_beyond_the_samples_is_refused_with_both_numbers(name, layer):
    t, y, x = layer
    with pytest.raises(ValueError, match=r"layer T.*") as error:
        infoplane.estimate(t[:6], y[:6], x=x[:6], estimator=name, k=6)
    assert "k" in str(error.value) and "6" in str(error.value)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_the_unit_of_measurement_changes_little(name, layer):
    """float32 samples of any scale cause no overflow and no zero variance."""
    t, y, x = layer
    if name in ("kde", "binned", *NOISY):
        pytest.skip("noise and bins have the unit of the activations")
    for scale in (1e-12, 1e12):
        found = estimate(name, (scale * t).astype(np.float32), y, x)
        assert not isinstance(found, str), found
        assert found.ity.value == pytest.approx(estimate(name, t, y, x).ity.value, abs=0.1)


def extremes():
    z = np.random.default_rng(5).normal(size=(13, 3))
    alone, outlier = np.zeros((13, 3)), z.copy()
    alone[3] = outlier[3] = 1e6
    widest = z.copy()
    widest[:2, 0] = 1.7e308, -1.7e308
    return {
        "one sample unlike the others": alone,
        "an outlier": outlier,
        "huge": 1e300 * z,
        "tiny": 1e-300 * z,
        "a range beyond float64": widest,
    }


@pytest.mark.parametrize("kind", extremes())
@pytest.mark.parametrize("name", OF_LAYERS)
def test_extremes_are_answered_in_bounds_or_flagged_or_refused(name, kind):
    t = extremes()[kind]
    found = estimate(name, t, np.arange(13) % 2, t[:, :2])
    if isinstance(found, str):
        assert "layer T" in found
        return
    assert math.isfinite(found.ity.value) and math.isfinite(found.ixt.value)
    most = found.ixt.cap if math.isfinite(found.ixt.cap) else math.log2(13)
    if max(found.ity.value, found.ixt.value) > most + 1e-9:
        assert {"above_entropy", "exploded", "degenerate"} & set(found.flags)


@st.composite
def pairs(draw):
    """Two variables with ties, constant columns and few samples; b continuous or labels."""
    n = draw(st.integers(2, 24))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)

    def variable():
        d = draw(st.integers(1, 5))
        rows = rng.normal(size=(n, d))
        kind = draw(st.sampled_from(["plain", "ties", "constant column", "equal rows", "tiny"]))
        if kind == "ties":
            rows = np.round(rows)
        elif kind == "constant column":
            rows[:, 0] = 3
        elif kind == "equal rows":
            rows = np.broadcast_to(rows[:1], rows.shape).copy()
        elif kind == "tiny":
            rows = 1 + 1e-9 * rows
        return rows

    a = variable()
    labelled = draw(st.booleans())
    return a, rng.integers(0, draw(st.integers(1, 4)), n) if labelled else variable()


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_TWO)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(pair=pairs())
def test_every_pair_is_answered_or_refused_by_place(name, pair):
    a, b = pair
    found = mutual_information(name, a, b)
    if isinstance(found, str):
        assert found.startswith("a and b: ") or "a and b: " in found, found
        return
    assert math.isfinite(found.value)
    assert not found.cap < 0
    assert not found.stderr < 0
    assert not found.interval.low > found.interval.high
    assert set(found.flags) <= set(FLAGS)
    if np.ptp(a, axis=0).max() == 0 or np.ptp(b.reshape(len(b), -1), axis=0).max() == 0:
        assert found.value == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_TWO)
def test_values_stay_below_their_cap(name):
    """Two equal variables have the largest possible information."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=(300, 2))
    found = mutual_information(name, a, a)
    assert not isinstance(found, str), found
    assert not found.value > found.cap + 1e-6


@pytest.fixture
def tensors(layer):
    """36 samples of float32."""
    t, y, x = layer
    return torch.tensor(t[:36]).float(), torch.tensor(y[:36]), torch.tensor(x[:36]).float()


@pytest.fixture
def changed_globals(monkeypatch):
    """Enter the global settings that notebooks and frameworks change for a whole process."""
    with ExitStack() as stack:

        def change() -> None:
            # a code from memory is not trained again
            monkeypatch.setattr("infoplane.estimators.compressed._codes", OrderedDict())
            stack.enter_context(torch.inference_mode())
            stack.enter_context(torch.autocast("cpu", dtype=torch.bfloat16))
            stack.enter_context(np.errstate(all="raise"))
            stack.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float64)
            stack.callback(torch.set_default_device, None)
            torch.set_default_device("meta")
            stack.callback(torch.set_float32_matmul_precision, "highest")
            torch.set_float32_matmul_precision("medium")

        yield change


def globals_of_torch_and_numpy() -> dict:
    return {
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "products": torch.get_float32_matmul_precision(),
        "threads": torch.get_num_threads(),
        "torch's random state": torch.get_rng_state().tolist(),
        "NumPy's random state": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "NumPy's errors": np.geterr(),
    }


@pytest.mark.parametrize("name", ALL)
def test_nothing_global_matters_or_changes(name, tensors, changed_globals):
    t, y, x = tensors
    expected, kept = estimate(name, t, y, x), (t.clone(), x.clone())
    assert not isinstance(expected, str), expected
    changed_globals()
    before = globals_of_torch_and_numpy()
    assert repr(estimate(name, t, y, x)) == repr(expected)  # NaN and all
    assert globals_of_torch_and_numpy() == before
    assert torch.equal(t, kept[0]) and torch.equal(x, kept[1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ALL)
def test_half_precision_counts_as_the_float32_of_its_values(name, dtype, tensors):
    t, y, x = (values.to(dtype) for values in tensors)
    expected = estimate(name, t.float(), y.float(), x.float())
    assert not isinstance(expected, str), expected
    assert repr(estimate(name, t, y, x)) == repr(expected)


@pytest.mark.parametrize("name", NEEDS_X)
def test_x_keeps_the_digits_that_t_does_not_have(name):
    """Today in seconds, where neighbouring float32 numbers are 128 seconds apart."""
    seconds = np.arange(120.0)
    t = np.sin(seconds[:, None] * [1, 2, 3]).astype(np.float32)
    y, x = seconds.astype(int) % 2, 1.7e9 + seconds[:, None]
    found = estimate(name, t, y, x)
    assert repr(found) == repr(estimate(name, t.astype(np.float64), y, x))
    assert found.ixt.value == pytest.approx(
        estimate(name, t, y, seconds[:, None]).ixt.value, abs=0.01
    )


@pytest.mark.parametrize("name", OF_LAYERS)
def test_several_draws_of_an_input_are_answered(name, layer):
    t, y, x = layer
    draws = t[:40, None, :] + np.random.default_rng(4).normal(size=(40, 10, 4))
    found = estimate(name, draws, y[:40], x[:40])
    assert not isinstance(found, str), found
    assert math.isfinite(found.ity.value) and math.isfinite(found.ixt.value)
    assert "deterministic" not in found.flags
