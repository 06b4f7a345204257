"""Shards: several jobs measure what one would; another number of them redoes nothing."""

import re
import shutil
import zipfile

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

OPTIONS = ("--configfile", "experiment.yaml")
HOME = "tiny/runs/tanh/information"
STORES = [f"{HOME}/binned/seeds-0-1.zarr.zip", f"{HOME}/kde/seeds-0-1.zarr.zip"]
TARGETS = [f"results/{store}" for store in STORES]


def files_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_the_number_of_shards_changes_no_bit_and_redoes_nothing(
    copy, finished, tiny, assert_same_bits
):
    # what stands was made by one job, and stays
    copy.configure(tiny, {"defaults.shards": 2})
    assert "Nothing to be done" in copy.snakemake("--dry-run", *TARGETS, *OPTIONS)
    shutil.rmtree(copy.results(HOME))
    said = copy.snakemake(*TARGETS, *OPTIONS)
    assert said.count("estimate part ") == 4
    for store in STORES:
        assert_same_bits(copy.results(store), finished.results(store))
        assert files_in(copy.results(store).parent) == ["seeds-0-1.zarr.zip"]  # no part is left
    for other in (3, 1):
        copy.configure(tiny, {"defaults.shards": other})
        assert "Nothing to be done" in copy.snakemake("--dry-run", *TARGETS, *OPTIONS)
    # another setting is measured in as many parts as are asked for now
    copy.configure(tiny, {"defaults.shards": 3, "estimators.binned.n_bins": 20})
    said = copy.snakemake("--dry-run", *TARGETS, *OPTIONS)
    assert said.count("estimate part ") == 3
    assert "part-3-of-3.zarr.zip" in said


def test_what_is_done_in_other_parts_is_not_measured_again(
    copy, finished, tiny, assert_same_bits
):
    """As when a workflow was stopped between two parts, and the number changed then."""
    shutil.rmtree(copy.results(HOME, "kde"))
    copy.configure(tiny, {"defaults.shards": 2})
    part = f"results/{HOME}/kde/seeds-0-1.part-1-of-2.zarr.zip"
    copy.snakemake(part, "--notemp", *OPTIONS)
    copy.configure(tiny, {"defaults.shards": 3})
    copy.snakemake(TARGETS[1], *OPTIONS)
    logs = [copy.log(f"tiny/estimate_part/tanh/kde/seeds-0-1-{i}-of-3.log") for i in (1, 2, 3)]
    # of epochs 0, 2, 6, 2 seeds and 3 layers the first epoch was done; a part may find that
    # of another as well
    known = [
        int(re.search(r"(\d+) records are known from finished parts", log)[1]) for log in logs
    ]
    assert min(known) >= 6
    assert "18 records are known" in copy.log(
        "tiny/estimate_information/tanh/kde/seeds-0-1.log"
    )
    assert_same_bits(copy.results(STORES[1]), finished.results(STORES[1]))
    assert files_in(copy.results(HOME, "kde")) == ["seeds-0-1.zarr.zip"]


def test_a_damaged_part_is_measured_again(copy, finished, tiny, assert_same_bits):
    shutil.rmtree(copy.results(HOME, "kde"))
    copy.configure(tiny, {"defaults.shards": 2})
    parts = [f"results/{HOME}/kde/seeds-0-1.part-{i}-of-2.zarr.zip" for i in (1, 2)]
    copy.snakemake(*parts, "--notemp", *OPTIONS)
    part = copy.root / parts[1]
    with zipfile.ZipFile(part) as archive:
        chunk = archive.getinfo("ixt/c/0/0/0")
    content = bytearray(part.read_bytes())
    content[chunk.header_offset + 30 + len(chunk.filename) + chunk.file_size // 2] ^= 0x10
    part.write_bytes(content)
    said = copy.snakemake(TARGETS[1], *OPTIONS)
    assert "part-2-of-2.zarr.zip is damaged" in said
    assert_same_bits(copy.results(STORES[1]), finished.results(STORES[1]))
