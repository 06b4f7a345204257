"""Blocks of seeds that train together, and how a run's seeds fall into them.

A block is (first, last), both included. It is named after its seeds and not after its place, so
that seeds which are added later leave the blocks that exist as they are.
"""

import re
from collections.abc import Collection, Iterable

Block = tuple[int, int]


def seed_blocks(wanted: Iterable[int], existing: Iterable[Block], size: int) -> list[Block]:
    """Blocks that hold every wanted seed exactly once, in order.

    existing : blocks that were made before. A block with a wanted seed is used as it is, even
        if it has other seeds; of two that overlap, the one that begins earlier is used
    size : the most seeds of a new block
    Raises ValueError for a size below 1 and for a block that ends before it begins.
    """
    if size < 1:
        raise ValueError(f"a block holds at least one seed, not {size}")
    missing = set(wanted)
    used: list[Block] = []
    for first, last in sorted(set(existing), key=lambda block: (block[0], -block[1])):
        if last < first:
            raise ValueError(f"a block of seeds ends before it begins: {first} to {last}")
        held = missing.intersection(range(first, last + 1))
        if held and (not used or used[-1][1] < first):
            used.append((first, last))
            missing -= held
    return sorted(used + _cut(missing, size))


def block_name(block: Block) -> str:
    """(0, 9) → 'seeds-0-9'."""
    return f"seeds-{block[0]}-{block[1]}"


def parse_block(name: str) -> Block:
    """'seeds-0-9' → (0, 9); ValueError for any text that `block_name` does not give."""
    numbers = re.fullmatch(r"seeds-(\d+)-(\d+)", name, re.ASCII)
    block = (int(numbers[1]), int(numbers[2])) if numbers else None
    if block is None or block[1] < block[0] or block_name(block) != name:
        raise ValueError(f"'{name}' is not the name of a block of seeds, such as 'seeds-0-9'")
    return block


def n_seeds_of(name: str) -> int:
    """Number of seeds in the block of this name, such as 'seeds-0-9'."""
    first, last = parse_block(name)
    return last - first + 1


def _cut(seeds: Collection[int], size: int) -> list[Block]:
    """The seeds in blocks of at most `size` consecutive seeds."""
    blocks: list[Block] = []
    for seed in sorted(seeds):
        if blocks and seed == blocks[-1][1] + 1 and seed - blocks[-1][0] < size:
            blocks[-1] = (blocks[-1][0], seed)
        else:
            blocks.append((seed, seed))
    return blocks
