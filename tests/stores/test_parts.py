"""Stores of parts: what counts as known, what is cleared away."""

import numpy as np
import pytest

from infoplane.information import Information, LayerInformation
from infoplane.stores import parts
from infoplane.stores.information import (
    read_information,
    read_records,
    write_information,
)

RECORD = LayerInformation(
    Information(1.5, cap=12.0, flags=("saturated", "not_a_bound"), extra={"steps": 7.0}),
    Information(0.5, flags=("not_a_bound",)),
    {"bins": 3.0},
)


def write(path, epochs, identity="same", record=RECORD):
    records = {(0, epoch, layer): record for epoch in epochs for layer in ("a", "b")}
    write_information(
        records,
        [0, 1],
        epochs,
        ["a", "b"],
        {"identity": identity},
        path,
        set_aside=[1],
        entropies={(0, epoch): (8.0, 1.0) for epoch in epochs},
    )


@pytest.fixture
def whole(tmp_path):
    return tmp_path / "seeds-0-1.zarr.zip"


def test_records_are_read_as_they_were_written(whole):
    write(whole, [0, 7])
    records, attributes = read_records(whole)
    assert attributes["identity"] == "same"
    assert sorted(records) == [(0, e, layer) for e in (0, 7) for layer in ("a", "b")]
    for record in records.values():
        assert record.ixt.flags == ("saturated", "not_a_bound")
        assert record.ity.flags == ("not_a_bound",)
        assert (record.ixt.value, record.ity.value, record.ixt.cap) == (1.5, 0.5, 12.0)
        assert record.ixt.extra == {"steps": 7.0} and record.extra == {"bins": 3.0}
        assert np.isnan(record.ixt.stderr)
    table, _ = read_information(whole)
    assert set(table["flags"][table.seed == 0]) == {"saturated|not_a_bound"}
    assert set(table.ity_flags[table.seed == 0]) == {"not_a_bound"}
    assert set(table["flags"][table.seed == 1]) == {"set_aside"}


def test_a_part_without_epochs_is_a_store_like_others(whole):
    write(whole, [])
    assert read_records(whole)[0] == {}
    assert len(read_information(whole)[0]) == 0


def test_known_are_whole_parts_of_this_identity_in_however_many_parts(whole, caplog):
    write(parts.path_of(whole, "1-of-4"), [0])
    write(parts.path_of(whole, "2-of-8"), [1])
    write(parts.path_of(whole, "3-of-4"), [2], identity="of other settings")
    write(parts.path_of(whole, "4-of-4"), [3])
    write(parts.path_of(whole.with_name("seeds-2-3.zarr.zip"), "1-of-2"), [4])
    damaged = parts.path_of(whole, "4-of-4")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    known = parts.known_records(whole, "same")
    assert {epoch for _, epoch, _ in known} == {0, 1}
    assert "4-of-4.zarr.zip is damaged" in caplog.text


def test_when_the_whole_stands_it_remembers_its_parts_and_others_go(whole):
    assert parts.number_of(whole) == 1
    for name in ("1-of-2", "2-of-2", "1-of-3"):
        write(parts.path_of(whole, name), [0])
    inputs = [str(parts.path_of(whole, name)) for name in ("1-of-2", "2-of-2")]
    parts.gathered(whole, inputs)
    assert parts.number_of(whole) == 2
    left = sorted(path.name for path in whole.parent.glob("*.zarr.zip"))
    assert left == ["seeds-0-1.part-1-of-2.zarr.zip", "seeds-0-1.part-2-of-2.zarr.zip"]
    assert all(parts.whole_of(whole.parent / name) == whole for name in left)
    parts.gathered(whole, [])
    assert parts.number_of(whole) == 1 and not list(whole.parent.glob("*.zarr.zip"))
