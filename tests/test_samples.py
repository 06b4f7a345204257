"""The records: what they take in and what they refuse."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import infoplane
from infoplane.samples import Information, Pair, Samples, entropy_of_counts, label_codes


def test_samples_take_arrays_and_tensors_with_and_without_draws():
    plain = Samples.of(np.ones((5, 3), np.float32), [0, 1, 0, 1, 1])
    assert (plain.n_inputs, plain.n_draws, plain.n_units) == (5, 1, 3)
    assert plain.t.dtype == torch.float32
    drawn = Samples.of(torch.ones(5, 2, 3, dtype=torch.float64), torch.arange(5), draws=True)
    assert (drawn.n_inputs, drawn.n_draws, drawn.n_units) == (5, 2, 3)
    assert Samples.of(np.ones((5, 3), int), np.zeros(5)).t.is_floating_point()


ROWS = np.array([[0.5, 2.0], [1.5, -3.0], [0.25, 7.0]])
LABELS = np.array([4, 2, 4])


def backwards(values):
    """The same values in an array whose strides are negative."""
    return np.ascontiguousarray(values[::-1])[::-1]


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


FORMS = {
    "lists": lambda v: v.tolist(),
    "list of arrays": list,
    "list of tensors": lambda v: list(torch.tensor(v)),
    "pandas": lambda v: (pd.DataFrame if v.ndim == 2 else pd.Series)(v, index=[7, 7, 5]),
    "pandas objects": lambda v: pd.DataFrame(v, index=[7, 7, 5]).astype(object),
    "pandas nullable": lambda v: pd.DataFrame(v).convert_dtypes(),
    "xarray": lambda v: xr.DataArray(v),
    "unmasked": np.ma.array,
    "negative strides": backwards,
    "big endian": lambda v: v.astype(v.dtype.newbyteorder(">")),
    "read only": read_only,
    "unaligned": lambda v: np.array(
        [(0, r) for r in v], [("_", "i1"), ("v", v.dtype, v.shape[1:])]
    )["v"],
    "long double": lambda v: v.astype(np.longdouble),
    "parameter": lambda v: torch.nn.Parameter(torch.tensor(v, dtype=torch.float64)),
    "inference": torch.inference_mode()(torch.tensor),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_samples_are_read_in_every_form(form):
    samples = Samples.of(form(ROWS), form(LABELS), form(ROWS))
    assert samples.t[:, 0].tolist() == samples.x.tolist() == ROWS.tolist()
    assert samples.t.dtype == torch.float64 and not samples.t.requires_grad
    assert samples.y.tolist() == [1, 0, 1]
    pair = Pair.of(form(ROWS), form(ROWS))
    assert pair.a.tolist() == pair.b.tolist() == ROWS.tolist()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float16", "float32"])
def test_narrow_types_become_float32_and_wide_ones_float64(dtype):
    values = np.array([[0], [1], [1]]).astype(dtype)
    for given in (values, torch.tensor(values)):
        assert Samples.of(given, LABELS).t.dtype == torch.float32
    for wide in ("int32", "uint32", "int64", "uint64", "float64"):
        samples = Samples.of(values, LABELS, values.astype(wide))
        assert samples.x.dtype == samples.with_inputs().a.dtype == torch.float64


def test_of_two_variables_each_keeps_its_digits():
    narrow, wide = ROWS.astype(np.float32), 1.7e9 + np.arange(3.0)[:, None]
    for pair in (Pair.of(narrow, wide), Samples.of(narrow, LABELS, wide).with_inputs()):
        assert pair.b.tolist() == wide.tolist() and pair.a.tolist() == ROWS.tolist()
    assert Pair.of(wide, narrow).a.tolist() == wide.tolist()
    noisy = Samples.of(narrow[:, :1], LABELS, centres=wide, sigma=1.0)
    assert noisy.centres.flatten().tolist() == wide.flatten().tolist()
    assert noisy.t.dtype == noisy.centres.dtype


def test_labels_of_any_discrete_type_become_codes():
    assert label_codes(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert label_codes(np.array([True, False])).tolist() == [1, 0]
    assert label_codes(torch.tensor([7.0, 3.0, 7.0])).tolist() == [1, 0, 1]
    assert label_codes(torch.tensor([7.0, 3.0]).bfloat16()).tolist() == [1, 0]
    assert label_codes(np.array([[2], [1]])).tolist() == [1, 0]
    assert label_codes(pd.Series(["b", "a"], dtype="category")).tolist() == [1, 0]
    assert label_codes(np.array([2**53, 2**53 + 1])).tolist() == [0, 1]
    assert label_codes(np.array(["2020", "2019"], "datetime64[Y]")).tolist() == [1, 0]


def masked(values):
    return np.ma.masked_array(values, mask=np.asarray(values) == np.asarray(values).max())


REFUSED = {
    "masked": (masked, "1 masked values"),
    "list of masked": (lambda v: list(masked(v)), "1 masked values"),
    "complex": (lambda v: v + 0j, "complex"),
    "complex tensor": (lambda v: torch.tensor(v + 0j), "complex"),
    "complex objects": (lambda v: (v + 0j).astype(object), "complex"),
    "None": (lambda v: np.where(v == v.max(), None, v), "missing"),
    "NA": (lambda v: pd.DataFrame(v).convert_dtypes().mask(v == v.max()), "missing"),
    "text": (lambda v: v.astype(str), "must hold numbers; it holds text"),
    "dates": (lambda v: v.astype("datetime64[s]"), "holds dates"),
    "dates of pandas": (lambda v: pd.DataFrame(v.astype("datetime64[s]")), "dates"),
    "objects": (lambda v: np.full(v.shape, object()), "must hold numbers; it holds object"),
    "large integers": (lambda v: v.astype(int) + 2**60, "beyond 2^53"),
    "large integers in a tensor": (lambda v: torch.tensor(v).long() + 2**60, "beyond 2^53"),
    "large integers beside fractions": (
        lambda v: pd.DataFrame({"a": v[:, 0], "b": v[:, 1].astype(int) + 2**60}),
        "beyond 2^53",
    ),
    "digits": (lambda v: v.astype(np.longdouble) + np.longdouble(1e-19), "more digits"),
    "batches": (lambda v: [torch.tensor(v[:2]), torch.tensor(v[2:])], "torch.cat"),
    "rows of two kinds": (lambda v: [torch.tensor(v[0]), *v[1:]], "rows are tensors"),
    "ragged": (lambda v: [v[0], v[1, :1]], "inhomogeneous"),
    "dict": (lambda v: {"values": v}, "this dict is none"),
    "dataset": (lambda v: xr.Dataset({"a": (("n", "d"), v)}), "this Dataset is none"),
    "meta": (lambda v: torch.tensor(v).to("meta"), "has no values"),
    "sparse": (lambda v: torch.tensor(v).to_sparse(), "to_dense"),
}


@pytest.mark.parametrize(("form", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("name", ["t", "x", "centres", "a", "b"])
def test_numbers_that_would_be_lost_or_are_none_are_refused_by_name(name, form, message):
    given = form(ROWS)
    with pytest.raises(ValueError) as error:
        if name in "ab":
            Pair.of(**{"a": ROWS, "b": ROWS, name: given})
        else:
            noise = {"centres": ROWS, "sigma": 1.0}
            Samples.of(**{"t": ROWS, "y": LABELS, "x": ROWS, **noise, name: given})
    assert str(error.value).startswith(f"{name} ") or f" of {name} " in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ma.masked_equal(LABELS, 2), "1 masked"),
        ([1, np.ma.masked, 1], "1 masked"),
        (LABELS + 0j, "complex"),
        (torch.tensor(LABELS + 0j), "complex"),
        ([1, None, 1], "1 of 3 values of"),
        (pd.Series([1, pd.NA, 1], dtype="Int64"), "1 of 3 values of"),
        (pd.Series(["a", None, "a"]), "1 of 3 values of"),
        (np.array([1, math.nan, 1]), "1 of 3 values of"),
        (np.array([1, math.inf, 1]), "1 of 3 values of"),
        (np.array(["2020", "NaT", "2021"], "datetime64[Y]"), "1 of 3 values of"),
        (np.array(["a", 1, 2], object), "cannot be put in order"),
    ],
)
def test_labels_that_are_none_are_refused_by_name(labels, message):
    for name, read in {"y": Samples.of, "b": Pair.of}.items():
        with pytest.raises(ValueError, match=message) as error:
            read(ROWS, labels)
        assert str(error.value).startswith((f"{name} ", f"1 of 3 values of {name} "))


@pytest.mark.parametrize(
    ("shape", "draws", "message"),
    [
        ((4, 3, 5), False, r"draws=True.*t\.reshape\(len\(t\), -1\).*t\.mean\(2\)"),
        ((4, 3, 5, 5), False, r"t\.reshape\(len\(t\), -1\).*t\.mean\(\(2, 3\)\)"),
        ((4, 3, 5, 5), True, "because draws=True"),
        ((4, 3), True, "because draws=True"),
        ((4,), False, r"t\[:, None\]"),
    ],
)
def test_axes_of_several_meanings_are_asked_about(shape, draws, message):
    t, y = np.ones(shape), np.arange(4)
    for read in (Samples.of, infoplane.estimate):
        with pytest.raises(ValueError, match=message):
            read(t, y, draws=draws)


def test_maps_are_no_variables_of_a_pair():
    with pytest.raises(ValueError, match=r"b must be .*b\.mean\(\(2,\)\)"):
        Pair.of(ROWS, np.ones((3, 4, 5)))
    assert Samples.of(ROWS, LABELS, np.ones((3, 4, 5))).x.shape == (3, 20)  # of an input


@pytest.mark.parametrize(
    ("t", "y", "message"),
    [
        (np.ones(5), np.zeros(5), r"shape is \(5,\)"),
        (np.ones((0, 3)), np.zeros(0), "not empty"),
        (np.ones((5, 3)), np.zeros(4), "y has 4 rows, t has 5"),
        (np.ones((5, 3)), np.zeros((5, 2)), r"one label per input.*y\.argmax\(1\)"),
        (np.ones((5, 3)), np.full(5, 0.5), "class labels"),
        (np.full((5, 3), np.nan), np.zeros(5), "15 of 15 activations are NaN"),
        (np.full((5, 3), np.inf), np.zeros(5), "layer hidden2, seed 1, epoch 9"),
    ],
)
def test_wrong_samples_are_refused_by_name(t, y, message):
    with pytest.raises(ValueError, match=message):
        Samples.of(t, y, layer="hidden2", seed=1, epoch=9)


def test_saturation_starts_two_percent_below_the_cap():
    assert Information(9.81, cap=10.0).with_saturation().flags == ("saturated",)
    assert Information(9.79, cap=10.0).with_saturation().flags == ()
    assert Information(9.79).with_saturation().flags == ()


def test_entropy_of_counts_is_in_bits():
    assert entropy_of_counts([1, 1, 1, 1]) == 2.0
    assert entropy_of_counts([3, 0, 1]) == pytest.approx(0.8112781)
    assert str(entropy_of_counts([4])) == "0.0"


@pytest.mark.parametrize(
    "noise",
    [
        {"sigma": 0.1},
        *({"sigma": sigma, "centres": [[1.0], [2.0]]} for sigma in (0, math.inf, [1, 1], "1")),
    ],
)
def test_noise_is_centres_and_a_sigma_above_zero(noise):
    with pytest.raises(
        ValueError, match=r"noise needs both centres and sigma|sigma is the|sigma must hold"
    ):
        Samples.of([[1.0], [2.0]], [0, 1], **noise)
