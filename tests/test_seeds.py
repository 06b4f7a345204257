"""Blocks of seeds: every wanted seed once, nothing made twice."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.seeds import block_name, parse_block, seed_blocks

seeds = st.sets(st.integers(0, 60), min_size=1)
sizes = st.integers(1, 12)
blocks = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda b: (b[0], b[0] + b[1]))
)


def held(block):
    return set(range(block[0], block[1] + 1))


@given(seeds, blocks, sizes)
def test_every_wanted_seed_is_in_exactly_one_block(wanted, existing, size):
    found = seed_blocks(wanted, existing, size)
    assert found == sorted(found)
    for seed in wanted:
        assert sum(seed in held(block) for block in found) == 1
    for one, other in pairwise(found):
        assert one[1] < other[0]


@given(seeds, blocks, sizes)
def test_new_blocks_hold_wanted_seeds_only_and_are_small(wanted, existing, size):
    for block in set(seed_blocks(wanted, existing, size)) - set(existing):
        assert held(block) <= wanted
        assert len(held(block)) <= size


@given(seeds, blocks, sizes)
def test_every_block_is_of_use(wanted, existing, size):
    assert all(held(block) & wanted for block in seed_blocks(wanted, existing, size))


@given(seeds, blocks, sizes)
def test_blocks_are_stable(wanted, existing, size):
    found = seed_blocks(wanted, existing, size)
    assert seed_blocks(wanted, found, size) == found
    assert seed_blocks(wanted, [*reversed(existing), *found], size) == found


@given(st.lists(st.tuples(seeds, sizes), min_size=2, max_size=6))
def test_what_was_made_for_earlier_wishes_is_used_for_later_ones(history):
    made = []
    for wanted, size in history:
        found = seed_blocks(wanted, made, size)
        assert set(found) >= {block for block in made if held(block) & wanted}
        made = sorted({*made, *found})


def test_adding_seeds_keeps_all_earlier_blocks():
    ten = seed_blocks(range(10), [], 10)
    twelve = seed_blocks(range(12), ten, 10)
    thirty = seed_blocks(range(30), twelve, 10)
    assert ten == [(0, 9)]
    assert twelve == [(0, 9), (10, 11)]
    assert thirty == [(0, 9), (10, 11), (12, 21), (22, 29)]


def test_a_block_with_unwanted_seeds_is_used_as_it_is():
    assert seed_blocks([3, 4, 12], [(0, 9)], 10) == [(0, 9), (12, 12)]


def test_of_two_blocks_that_overlap_the_earlier_and_then_the_longer_is_used():
    assert seed_blocks(range(15), [(5, 14), (0, 9), (0, 3)], 10) == [(0, 9), (10, 14)]


def test_seeds_that_are_no_neighbours_are_in_different_blocks():
    assert seed_blocks([5, 1, 2, 9], [], 10) == [(1, 2), (5, 5), (9, 9)]


def test_impossible_requests_raise():
    with pytest.raises(ValueError, match="at least one seed, not 0"):
        seed_blocks([1], [], 0)
    with pytest.raises(ValueError, match="ends before it begins: 9 to 0"):
        seed_blocks([1], [(9, 0)], 10)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_names_of_blocks_can_be_read_back(first, more):
    block = (first, first + more)
    assert parse_block(block_name(block)) == block
    assert block_name((0, 9)) == "seeds-0-9"


@pytest.mark.parametrize(
    "name",
    ["seeds-0", "seeds-9-0", "seeds-00-9", "seeds-0-9.zarr.zip", "seeds--1-9", "seeds-0-٩"],
)
def test_other_names_are_no_blocks(name):
    with pytest.raises(ValueError, match="is not the name of a block of seeds"):
        parse_block(name)
