import pandas as pd
import pytest

from infoplane.figures import caps


def numbers(entropy_x, **by_layer):
    table = pd.DataFrame({"layer": by_layer.keys(), "ixt_cap": by_layer.values()})
    return table.assign(entropy_x=entropy_x)


@pytest.mark.parametrize(
    "values, text, lines",
    [
        ({"a": 12, "b": 12.0001}, "12 bits (= H(X))", {"cap": 12}),
        ({"a": 12, "b": 9}, "12 bits (= H(X)), of b 9 bits", {"cap of b": 9}),
        (
            {"a": 12, "b": 9, "c": 9},
            "12 bits (= H(X)), of b and c 9 bits",
            {"cap of 2 layers": 9},
        ),
        ({"a": 10, "b": 10}, "10 bits", {"cap": 10}),
        ({"a": 10, "b": 8, "c": 8}, "8 bits, of a 10 bits", {"cap": 8, "cap of a": 10}),
        ({"a": 10, "b": 8}, "of a 10, b 8 bits", {"cap of a": 10, "cap of b": 8}),
        (
            {"a": 12, "b": 9, "c": 8, "d": 7},
            "12 bits (= H(X)), of b 9, c 8, d 7 bits",
            {"_cap0": 9, "_cap1": 8, "_cap2": 7},
        ),
        ({"a": 12, "b": float("nan")}, "12 bits (= H(X))", {"cap": 12}),
        ({"a": 12, "b": float("inf")}, "12 bits (= H(X))", {"cap": 12}),
    ],
)
def test_caps_are_grouped_and_only_those_that_deviate_are_named(values, text, lines):
    found = caps.grouped(numbers(12, **values))
    assert caps.text(found) == text
    assert caps.lines(found) == lines


def test_an_estimator_without_caps_has_no_lines():
    found = caps.grouped(numbers(12, a=float("nan"), b=float("nan")))
    assert found is None and caps.lines(found) == {}
