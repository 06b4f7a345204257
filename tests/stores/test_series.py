"""Series of checkpoints: names, headers, and what is wrong with them."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from infoplane.stores import series
from infoplane.stores.series import Array, SeriesError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touched(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def test_seeds_and_epochs_come_from_names_however_padded():
    touched(
        "runs/0/epoch-00.pt", "runs/0/epoch-10.pt", "runs/07/epoch-0.pt", "runs/07/epoch-10.pt"
    )
    found = series.files_of("runs/{seed}/epoch-{epoch}.pt")
    assert {seed: list(of_seed) for seed, of_seed in found.items()} == {0: [0, 10], 7: [0, 10]}
    assert found[7][0] == Path("runs/07/epoch-0.pt")


def test_a_series_without_seeds_is_of_seed_0_and_absolute_paths_will_do(tmp_path):
    touched("e[1]/1.pt", "e[1]/2.pt")
    assert list(series.files_of(f"{tmp_path}/e[1]/{{epoch}}.pt")[0]) == [1, 2]


@pytest.mark.parametrize(
    ("names", "pattern", "said"),
    [
        ([], "{epoch}.pt", "no such files"),
        (["1.pt"], "{step}.pt", "{step} is not known here"),
        (["1.pt", "01.pt"], "{epoch}.pt", "01.pt and 1.pt are both of seed 0, epoch 1"),
        (["1.pt", "best.pt"], "{epoch}.pt", "best.pt: {epoch} of {epoch}.pt would be 'best'"),
        (["0/1.pt", "x/1.pt"], "{seed}/{epoch}.pt", "would be 'x', not a number"),
        (["0/1-1.pt"], "{seed}/{seed}-{epoch}.pt", "two numbers for one placeholder"),
        (["0/1.pt", "0/2.pt", "1/1.pt"], "{seed}/{epoch}.pt", "seed 1 has no epoch 2"),
        (["a/1.pt"], "a", "a is not a recording"),
    ],
)
def test_what_is_wrong_with_names_is_said(names, pattern, said):
    touched(*names)
    with pytest.raises(SeriesError) as error:
        series.files_of(pattern)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        ([0, 1, 2, 3, 5], "epoch 4 is missing between 3 and 5"),
        ([0, 10, 20, 40, 50], "epoch 30 is missing between 20 and 40"),
        ([0, 1, 2, 4, 8, 16], ""),
        ([0, 5], ""),
        ([3], ""),
    ],
)
def test_a_gap_is_found_in_a_series_that_is_even_otherwise(epochs, said):
    assert series.gap(epochs) == said


ARRAYS = {
    "weight": torch.arange(6.0).reshape(2, 3),
    "half": torch.ones(2, dtype=torch.bfloat16),
    "steps": torch.tensor(3),
}
HEADER = {
    "weight": Array((2, 3), "float32"),
    "half": Array((2,), "bfloat16"),
    "steps": Array((), "int64"),
}


def test_headers_and_arrays_are_the_same_of_both_formats():
    save_file(ARRAYS, "a.safetensors")
    torch.save(ARRAYS, "a.pt")
    torch.save({"epoch": 3, "model": ARRAYS}, "b.pt")
    for path, key in (("a.safetensors", None), ("a.pt", None), ("b.pt", "model")):
        assert series.header(Path(path), key) == HEADER
        loaded = series.load(Path(path), key)
        assert all(
            torch.equal(loaded[n], a) and loaded[n].dtype == a.dtype for n, a in ARRAYS.items()
        )


class Code:
    def __reduce__(self):
        return Path.touch, (Path("run"),)


def test_a_pickle_with_code_in_it_is_refused_and_not_run():
    torch.save({"weight": torch.ones(2), "x": Code()}, "a.pt")
    Path("b.pt").write_bytes(pickle.dumps(Code(), protocol=2))
    for name in ("a.pt", "b.pt"):
        for read in (series.header, series.load):
            with pytest.raises(SeriesError, match=rf"{name} is .*could run code: refused"):
                read(Path(name))
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        ({"model": ARRAYS, "epoch": 3}, None, "give training.key, such as model"),
        ({"model": ARRAYS}, "state", "has no key 'state'; its keys are model"),
        ([1, 2], None, "holds a list, not a state_dict"),
        ({}, None, "holds no arrays"),
    ],
)
def test_what_is_no_state_dict_is_said(content, key, said):
    torch.save(content, "a.pt")
    with pytest.raises(SeriesError) as error:
        series.header(Path("a.pt"), key)
    assert said in str(error.value)


def test_a_file_that_is_cut_off_is_said():
    save_file(ARRAYS, "a.safetensors")
    torch.save(ARRAYS, "a.pt")
    for name in ("a.safetensors", "a.pt"):
        whole = Path(name).read_bytes()
        Path(name).write_bytes(whole[: len(whole) - 8])
        with pytest.raises(SeriesError, match=rf"^{name} "):
            series.header(Path(name))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"weight": HEADER["weight"]}, "lacks half, steps"),
        (HEADER | {"bias": HEADER["half"]}, "has bias, which the network lacks"),
        (HEADER | {"weight": Array((3, 2), "float32")}, "weight is of shape (3, 2)"),
        (
            HEADER | {"weight": Array((2, 3), "float64")},
            "weight is float64, in the network float32",
        ),
        (HEADER | {"weight": Array((2, 3), "float16")}, ""),
        (HEADER | {"again": HEADER["half"]}, ""),
    ],
)
def test_arrays_that_do_not_fit_are_said(arrays, said):
    found = series.mismatch(arrays, HEADER, {"again": "half"})
    assert said in found and bool(said) == bool(found)


def test_prefixes_are_left_off_where_they_are_too_much():
    known = {"weight": 0, "module.own": 0}
    prefixes = ["module.", "_orig_mod."]
    assert series.stripped("module._orig_mod.weight", known, prefixes) == "weight"
    assert series.stripped("module.own", known, prefixes) == "module.own"
