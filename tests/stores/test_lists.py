"""A list of violations comes back as written, or not at all."""

import pandas as pd
import pytest

from infoplane.stores.archive import StoreError
from infoplane.stores.lists import read_list, write_list


@pytest.fixture
def csv(tmp_path):
    table = pd.DataFrame({"layer": ["a", "b"], "by": [0.25, 1 / 3]})
    write_list(table, {"compared": 7, "exempt": ""}, tmp_path / "kde.csv")
    return tmp_path / "kde.csv"


def test_a_list_comes_back(csv):
    table, about = read_list(csv)
    assert table.by.tolist() == [0.25, 1 / 3] and table.layer.tolist() == ["a", "b"]
    assert about == {"compared": 7, "exempt": ""}


@pytest.mark.parametrize("suffix", [".csv", ".json"])
@pytest.mark.parametrize("change", ["cut", "digit", "deleted", "nothing left"])
def test_a_damaged_list_is_named_with_its_remedy(csv, suffix, change):
    file = csv.with_suffix(suffix)
    content = file.read_bytes()
    if change == "deleted":
        file.unlink()
    else:
        changed = {"cut": content[:-9], "nothing left": b""}
        file.write_bytes(changed.get(change, content.replace(b"7", b"8").replace(b"25", b"26")))
    with pytest.raises(StoreError, match=rf"{csv} is damaged.*rm -r '{csv}'"):
        read_list(csv)
