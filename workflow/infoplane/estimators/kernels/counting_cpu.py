"""Compiled loops of `counting`: they hash the codes of rows and count equal hashes."""

from functools import cache, lru_cache

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.hash_table import slot_of
from infoplane.estimators.kernels.row_codes_cpu import MIXER, hash_rows
from infoplane.estimators.kernels.row_sums_cpu import add_hashes, padded

T, TY, TX, Y, X = range(5)
"""Columns of Tallies: the code T, T with the class Y, T with the input X, Y alone, X alone."""

_FIXED_POINT = 2.0**30  # entropies are accurate to 1e-9 bit, and 10⁸ rows fit into 63 bits
_MOST_CLASSES = 64  # more classes are counted by hashes too
_PART = 512  # rows that are counted at once, if there are more than _WHOLE
_WHOLE = 2**14  # the hash table of this many rows still fits into the cache
_TABLE = 2**17  # most counters in a table of all numbers that rows can have: 512 kB


@cache
def odd_multipliers(n: int, seed: int = 0) -> np.ndarray:
    """n random odd numbers of 64 bits as int64, always the same ones."""
    bits = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, n, dtype=np.uint64)
    return (bits | np.uint64(1)).view(np.int64)


@lru_cache(maxsize=4)
def steps_of(n: int) -> np.ndarray:
    """Differences of c log2 c between c and c + 1, for c = 0 … n − 1: int64, in multiples of
    1/_FIXED_POINT.

    Sums of integers are exact, so they do not depend on the order of the rows.
    """
    c = np.arange(n + 1)
    return np.diff(np.rint(c * np.log2(np.maximum(c, 1)) * _FIXED_POINT).astype(np.int64))


@lru_cache(maxsize=4)
def repeats_of(n: int) -> np.ndarray:
    """The same for [c > 1] instead of c log2 c."""
    return np.diff((np.arange(n + 1) > 1) * np.int64(_FIXED_POINT))


LABEL_FACTOR = int(odd_multipliers(1, seed=1)[0])


@compiled(nogil=True)
def tally_share(
    values, labels, grid, digits, multipliers, steps, n_codes, weighted, first, last
):
    """Fill rows first … last − 1 of Tallies from values (n_samples, n_inputs, n_draws,
    n_units) and their classes. grid, digits, multipliers : see `hash_rows`"""
    hashes = np.empty(values.shape[1:3], np.int64)
    tables = _table_for(values, grid[3], digits, labels)
    if len(tables[0]) == 0:
        room = room_for(hashes.size, labels)
        for i in range(first, last):
            hash_rows(values[i], grid, digits, i, multipliers, MIXER, hashes)
            tally_sample(hashes, labels, steps, room, n_codes, weighted, first, i)
        return
    numbers, seen = hashes.reshape(-1), np.empty(len(hashes) + 1, np.int64)
    weights = np.concatenate((np.zeros(1, np.int64), np.cumsum(steps)))
    for i in range(first, last):
        hash_rows(values[i], grid, digits, i, multipliers, 1, hashes)
        _tally_labels(labels, 1, n_codes, weighted, first, i)
        of = labels[i % len(labels)]
        _tally_table(numbers, of, weights, tables, seen, n_codes[i], weighted[i])


@compiled(nogil=True)
def tally_rows_share(
    words, minus_zero, labels, multipliers, steps, n_codes, weighted, first, last
):
    """The same without bins, from the bits of the values."""
    hashes = np.empty(words.shape[1:3], np.int64)
    flat = words.reshape(len(words), -1)
    room = room_for(hashes.size, labels)
    for i in range(first, last):
        hash_words(flat[i], minus_zero, multipliers, hashes.reshape(-1))
        tally_sample(hashes, labels, steps, room, n_codes, weighted, first, i)


@numba.njit
def hash_words(words, minus_zero, multipliers, out):
    """Fill out (n,) with the hashes of unsigned words (n · n_units,), equal to `row_hashes`."""
    n_units, half = len(multipliers), words.itemsize * 4
    out[:] = 0
    for j in range(add_hashes(out, words, padded(multipliers), n_units), len(out)):
        for k in range(n_units):
            word = words[j * n_units + k]
            word = word if word != minus_zero else word ^ word
            out[j] += np.int64(word ^ (word >> half)) * multipliers[k]


@numba.njit
def _table_for(values, n_bins, digits, labels):
    """Rows of each number of a row of digits, and of each number and class, all zero: where
    numbers are few enough for a table of all; of no length elsewhere."""
    n_classes, n_inputs = labels.max() + 1, values.shape[1]
    most = min(_TABLE, 32 * n_inputs)
    n_numbers = np.float64(n_bins) ** len(digits.places)
    fits = len(digits.places) > 0 and values.shape[2] == 1 and n_classes < _MOST_CLASSES
    if not fits or n_numbers * (n_classes + 1) > most:
        n_numbers = 0.0
    n_numbers = np.int64(n_numbers)
    return np.zeros(n_numbers, np.int32), np.zeros(n_numbers * n_classes, np.int32)


@numba.njit
def _tally_table(numbers, labels, weights, tables, seen, n_codes, weighted):
    """Fill the columns of the codes, alone and with the class, in one row of Tallies, from the
    number of each row (n_inputs,) and its class. tables : from `_table_for`, zero again
    afterwards; seen : takes the numbers that occur, (n_inputs + 1,)"""
    sizes, pair_sizes = tables
    n_classes = len(pair_sizes) // len(sizes)
    found, n_pairs, total, total_pairs = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for i in range(len(numbers)):
        number = np.uint64(numbers[i])  # of signed numbers, each index would be compared with 0
        pair = number * np.uint64(n_classes) + np.uint64(labels[i])
        c = pair_sizes[pair]
        pair_sizes[pair] = c + 1
        n_pairs += c == 0
        c = sizes[number]
        sizes[number] = c + 1
        seen[found] = number
        found += c == 0
    for number in seen[:found]:
        total += weights[sizes[number]]
        sizes[number] = 0
        for pair in range(number * n_classes, (number + 1) * n_classes):
            total_pairs += weights[pair_sizes[pair]]
            pair_sizes[pair] = 0
    n_codes[T], weighted[T] = found, total / _FIXED_POINT
    n_codes[TY], weighted[TY] = n_pairs, total_pairs / _FIXED_POINT


@compiled(nogil=True)
def room_for(n, labels):
    """Memory to count n rows: keys and codes of a hash table, at most a quarter full; the code
    of each row; the number of rows of each code, and of each code and class, which are zero
    between two counts; rows and their classes, part by part, and the starts of the parts. If
    there are parts, codes and numbers of rows are those of one part."""
    n_bits, n_part_bits = _bits_of(n), 0
    while n > _WHOLE and n >> n_part_bits > _PART:
        n_part_bits += 1
    most = n if n_part_bits == 0 else 4 * _PART
    n_classes = min(labels.max() + 1, _MOST_CLASSES)
    slots = np.empty(1 << n_bits, np.int64), np.empty(1 << n_bits, np.int32)
    sizes = np.zeros(most, np.int32), np.zeros(most * n_classes, np.int32)
    starts = np.empty((1 << n_part_bits) + 1, np.int64)
    parts = np.empty(n, np.int64), np.empty(n, np.int64), starts
    return slots, np.empty(most, np.int32), sizes, parts, n_part_bits


@numba.njit
def _bits_of(n):
    """log2 of the size of a hash table for n rows."""
    n_bits = 3
    while (1 << n_bits) < 4 * n:
        n_bits += 1
    return n_bits


@compiled(nogil=True)
def tally_sample(hashes, labels, steps, room, n_codes, weighted, first, i):
    """Fill row i of Tallies from hashes (n_inputs, n_draws) and classes (n_samples or 1,
    n_inputs). first : a row with the same classes, whose counts are done, or i"""
    n_inputs, n_draws = hashes.shape
    of = labels[i % len(labels)]
    _tally_labels(labels, n_draws, n_codes, weighted, first, i)
    slots, codes, sizes, parts, n_part_bits = room
    rows, classes, starts = parts
    if n_part_bits == 0 and n_draws == 1:
        rows, classes, starts[0], starts[1] = hashes.reshape(-1), of, 0, n_inputs
    else:
        _part(hashes, of, n_part_bits, rows, classes, starts)
    found, total, n_pairs, total_pairs = 0, 0, 0, 0
    for p in range(len(starts) - 1):
        part = slice(starts[p], starts[p + 1])
        more = _tally_part(rows[part], classes[part], n_part_bits, slots, codes, sizes, steps)
        found += more[0]
        total += more[1]
        n_pairs += more[2]
        total_pairs += more[3]
    n_codes[i, T], weighted[i, T] = found, total / _FIXED_POINT
    n_codes[i, TY], weighted[i, TY] = n_pairs, total_pairs / _FIXED_POINT
    if found == hashes.size:  # all codes differ, and so do pairs with anything
        n_codes[i, TY] = n_codes[i, TX] = found
        weighted[i, TY] = weighted[i, TX] = 0
        return
    if len(sizes[1]) >= _MOST_CLASSES * len(sizes[0]):
        n_codes[i, TY], weighted[i, TY] = _count(hashes, of, steps, slots)
    if n_draws > 1:
        n_codes[i, TX], weighted[i, TX] = _count(hashes, np.arange(n_inputs), steps, slots)


@numba.njit
def _part(hashes, labels, n_bits, rows, classes, starts):
    """Fill rows (n,) and classes (n,), ordered by the highest bits of the hash, and starts
    (n_parts + 1,). A part's hash table is then small enough for the fastest cache."""
    shift = np.uint64(63 - n_bits)  # and by 1: a shift by all bits is undefined
    starts[:] = 0
    for key in hashes.reshape(-1):
        starts[(np.uint64(key) >> np.uint64(1)) >> shift] += 1
    total = np.int64(0)
    for p in range(len(starts)):
        total, starts[p] = total + starts[p], total
    for i in range(hashes.shape[0]):
        for j in range(hashes.shape[1]):
            key = hashes[i, j]
            p = (np.uint64(key) >> np.uint64(1)) >> shift
            at = np.uint64(starts[p])
            starts[p] = at + np.uint64(1)
            rows[at] = key
            classes[at] = labels[i]
    starts[1:] = starts[:-1].copy()
    starts[0] = 0


@numba.njit
def _tally_part(rows, classes, n_used, slots, codes, sizes, steps):
    """The number of codes among rows, Σ c log2 c over these in fixed point, and the same for
    pairs of a code and a class, if there are few classes. n_used : number of highest bits of
    the hashes that all rows share"""
    sizes, pair_sizes = sizes
    if len(rows) > len(codes):  # this part is far larger than others
        n_classes = len(pair_sizes) // len(sizes)
        codes, sizes = np.empty(len(rows), np.int32), np.zeros(len(rows), np.int32)
        pair_sizes = np.zeros(len(rows) * n_classes, np.int32)
    codes = codes[: len(rows)]
    found = _number(rows, n_used, slots, codes)
    if found == len(rows):
        return found, 0, found, 0
    n_classes = len(pair_sizes) // len(sizes)
    if n_classes < _MOST_CLASSES:
        total, pairs = _weigh_pairs(codes, classes, n_classes, sizes, pair_sizes, steps)
        pair_sizes[: found * n_classes] = 0
    else:
        total, pairs = _weigh(codes, sizes, steps), (0, 0)
    sizes[:found] = 0
    return found, total, pairs[0], pairs[1]


@numba.njit
def _tally_labels(labels, n_draws, n_codes, weighted, first, i):
    """Fill the column of the classes alone in row i of Tallies. first : see `tally_sample`"""
    if i == first or len(labels) > 1:
        _tally_classes(labels[i % len(labels)], n_draws, n_codes[i], weighted[i])
    else:
        n_codes[i, Y], weighted[i, Y] = n_codes[first, Y], weighted[first, Y]


@numba.njit
def _tally_classes(labels, n_draws, n_codes, weighted):
    """Fill the column Y of one row of Tallies."""
    counts = np.zeros(labels.max() + 1, np.int64)
    for label in labels:
        counts[label] += n_draws
    n_codes[Y] = 0
    weighted[Y] = 0
    for c in counts:
        if c > 0:
            n_codes[Y] += 1
            weighted[Y] += c * np.log2(c)


@numba.njit
def _number(hashes, n_used, slots, codes):
    """Number the hashes as they appear: fill codes (n,), return the number of codes.

    The search for a hash starts at the slot given by the highest bits that rows do not share:
    the best mixed bits of a multiplicative hash. The table is at most a quarter full.
    """
    n_bits = _bits_of(len(hashes))
    keys, numbers = slots[0][: 1 << n_bits], slots[1][: 1 << n_bits]
    numbers[:] = 0  # number of the code plus one; 0 in a free slot
    used, shift = np.uint64(n_used), np.uint64(64 - n_bits)
    n_codes = np.int32(0)
    for i in range(len(hashes)):
        key = hashes[i]
        slot = slot_of(key, (np.uint64(key) << used) >> shift, keys, numbers)
        number = numbers[slot]
        n_codes += np.int32(number == 0)
        number = number if number != 0 else n_codes
        keys[slot] = key
        numbers[slot] = number
        codes[i] = number - 1
    return n_codes


@numba.njit
def _weigh(codes, sizes, steps):
    """Σ c log2 c in fixed point; sizes become the numbers of rows of each code."""
    weighted = np.int64(0)
    for i in range(len(codes)):
        code = np.uint64(codes[i])  # signed indices would each be compared with 0
        c = sizes[code]
        sizes[code] = c + 1
        weighted += steps[np.uint64(c)]
    return weighted


@numba.njit
def _weigh_pairs(codes, labels, n_classes, sizes, pair_sizes, steps):
    """`_weigh`, and the number of pairs of a code and a class with their Σ c log2 c; pair_sizes
    become the numbers of rows of each pair."""
    weighted, n_pairs, weighted_pairs = np.int64(0), np.int64(0), np.int64(0)
    for i in range(len(codes)):
        code = np.uint64(codes[i])  # signed indices would each be compared with 0
        c = sizes[code]
        sizes[code] = c + 1
        weighted += steps[np.uint64(c)]
        pair = code * np.uint64(n_classes) + np.uint64(labels[i])
        c = pair_sizes[pair]
        pair_sizes[pair] = c + 1
        n_pairs += c == 0
        weighted_pairs += steps[np.uint64(c)]
    return weighted, (n_pairs, weighted_pairs)


@numba.njit
def _count(hashes, labels, steps, slots):
    """Number of codes and Σ c log2 c for pairs of a hash and a label (n_inputs,), with any
    number of labels. slots : of a hash table, see `room_for`"""
    keys, counts = slots
    counts[:] = 0
    shift = np.uint64(64 - _bits_of(hashes.size))
    n_codes = np.int64(0)
    weighted = np.int64(0)
    for i in range(hashes.shape[0]):
        extra = labels[i] * LABEL_FACTOR
        for j in range(hashes.shape[1]):
            key = hashes[i, j] + extra
            slot = slot_of(key, np.uint64(key) >> shift, keys, counts)
            c = counts[slot]
            keys[slot] = key
            counts[slot] = c + 1
            n_codes += c == 0
            weighted += steps[c]
    return n_codes, weighted / _FIXED_POINT
