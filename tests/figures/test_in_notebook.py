"""`infoplane.plane` and `infoplane.curves`: figures of a store that is at hand."""

import numpy as np
import pytest
from tests.stored import LAYERS, store_information

import infoplane
from infoplane.stores.archive import StoreError
from infoplane.stores.files import save_dataset


@pytest.fixture
def folder(tmp_path):
    """Two blocks of seeds, and a part of one."""
    folder = tmp_path / "runs" / "tanh" / "information" / "binned"
    store_information(folder / "seeds-0-1.zarr.zip", (0, 1))
    store_information(folder / "seeds-2-3.zarr.zip", (2, 3), epochs=(0, 1, 10, 300))
    store_information(folder / "seeds-2-3.part-1-of-2.zarr.zip", (2, 3), epochs=(0, 999))
    return folder


def points(figure):
    """Points of all layers in the first panel, by layer."""
    found = {layer: [] for layer in LAYERS}
    for drawn in figure.axes[0].collections:
        layer = (drawn.get_gid() or "").partition("|")[0]
        if layer in found:
            found[layer] += np.asarray(drawn.get_offsets()).tolist()
    return found


def test_plane_shows_the_means_over_the_seeds_of_a_store(folder):
    store = folder / "seeds-0-1.zarr.zip"
    tree = infoplane.open(store)
    figure = infoplane.plane(store)
    for layer, drawn in points(figure).items():
        own = tree.to_dataset().sel(layer=layer).mean("seed")
        expected = np.column_stack([own.ixt, own.ity])
        np.testing.assert_allclose(sorted(drawn), sorted(expected.tolist()))
    assert points(infoplane.plane(tree)) == points(figure)


def test_a_folder_is_all_its_blocks_of_seeds_and_no_part(folder):
    figure = infoplane.plane(str(folder))
    assert "mean of 4 seeds" in figure._supxlabel.get_text()
    assert {len(drawn) for drawn in points(figure).values()} == {5}  # 0, 1, 10, 100 and 300


def test_curves_have_a_line_a_layer(folder):
    left, right = infoplane.curves(folder).axes
    assert left.get_legend_handles_labels()[1] == [*LAYERS]
    assert r"\mathrm{Bin}(T)" in left.get_ylabel() and "[bits]" in right.get_ylabel()


def test_what_has_no_plane_is_named(tmp_path):
    store = tmp_path / "seeds-0-1.zarr.zip"
    store_information(store, estimator="clustering")
    with pytest.raises(ValueError, match=r"clustering measures no information.*curves"):
        infoplane.plane(store)
    with pytest.raises(ValueError, match=r"holds no store of information"):
        infoplane.plane(tmp_path / "..")
    with pytest.raises(StoreError, match="does not exist"):
        infoplane.curves(tmp_path / "nothing.zarr.zip")
    other = tmp_path / "other.zarr.zip"
    save_dataset(infoplane.open(store).to_dataset().assign_attrs(units=""), other, "weights")
    with pytest.raises(ValueError, match="the tree is of weights"):
        infoplane.plane(infoplane.open(other))
    with pytest.raises(StoreError, match="weights"):
        infoplane.plane(other)
