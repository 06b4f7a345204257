"""Sums along short rows of integers, eight rows at a time, compiled for the CPU.

A row of a layer has only a few numbers, too few for a fast loop along the row. Here the rows of
a block are vectors, which are added in pairs until one vector holds all sums. All arguments are
pointers (vectors_cpu.py). A vector may reach beyond its row into the next one; numbers from
there are multiplied by 0.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from infoplane.vectors_cpu import after, pointer

ROWS = 8
_HASH = ir.IntType(64)


def _vector(kind, n: int) -> ir.VectorType:
    return ir.VectorType(kind, n)


def _all(kind, n: int, value: int) -> ir.Constant:
    return ir.Constant(_vector(kind, n), [value] * n)


def _shuffled(builder, first, second, places):
    mask = ir.Constant(_vector(ir.IntType(32), len(places)), list(places))
    return builder.shuffle_vector(first, second, mask)


def _load(builder, p, n: int):
    kind = p.type.pointee
    found = builder.load(builder.bitcast(p, _vector(kind, n).as_pointer()))
    found.align = kind.width // 8
    return found


def _sums(builder, rows):
    """A vector with the ROWS sums of ROWS vectors."""
    n, size = rows[0].type.count, 1
    while size < n:
        low = [i if not i & size else n + i - size for i in range(n)]
        high = [i + size if not i & size else n + i for i in range(n)]
        rows = [
            builder.add(_shuffled(builder, a, b, low), _shuffled(builder, a, b, high))
            for a, b in zip(rows[::2], rows[1::2], strict=True)
        ]
        size *= 2
    return rows[0] if len(rows) == 1 else _shuffled(builder, *rows, range(2 * n))


def _folded(builder, word):
    """Words with the upper half folded into the lower half, as 64-bit numbers; −0 becomes 0."""
    n, width = word.type.count, word.type.element.width
    minus_zero = builder.icmp_unsigned("==", word, _all(word.type.element, n, 1 << (width - 1)))
    word = builder.select(minus_zero, _all(word.type.element, n, 0), word)
    word = builder.xor(word, builder.lshr(word, _all(word.type.element, n, width // 2)))
    return word if width == 64 else builder.zext(word, _vector(_HASH, n))


@intrinsic(prefer_literal=True)
def _add_rows(typing, out, p, stride, factors, n, folds):
    """out[k] += Σ_i p[k stride + i] factors[i] for 8 rows k and n columns i.

    n : 4 or 8, a constant
    folds : a constant. 1: numbers are words, which are folded first. 0: factors are 0 or −1,
        which are masks: no bits or all bits of a number
    """
    n, folds = n.literal_value, folds.literal_value

    def gen(context, builder, signature, args):
        out, p, stride, factors = args[:4]
        own, rows = _load(builder, factors, n), []
        for k in range(ROWS):
            row = _load(builder, builder.gep(p, [builder.mul(stride, _HASH(k))]), n)
            if folds:
                rows.append(builder.mul(_folded(builder, row), own))
            else:
                rows.append(builder.and_(row, own))
        total = builder.add(_sums(builder, rows), _load(builder, out, ROWS))
        target = builder.bitcast(out, total.type.as_pointer())
        builder.store(total, target).align = 8
        return context.get_dummy_value()

    kinds = out, p, types.int64, factors, types.literal(n), types.literal(folds)
    return types.void(*kinds), gen


@numba.njit
def padded(factors):
    """The factors of a row's numbers, with zeros up to a multiple of eight."""
    found = np.zeros((len(factors) + 7) // 8 * 8, np.int64)
    found[: len(factors)] = factors
    return found


@numba.njit
def _whole_blocks(n_rows, n_units, n_read):
    """Number of rows in whole blocks of 8 whose vectors do not reach beyond the last row."""
    beyond = (n_read - n_units + n_units - 1) // n_units
    return max(0, n_rows - beyond) // ROWS * ROWS


@numba.njit
def add_hashes(out, words, factors, n_units):
    """out[k] += Σ_i word[k, i] factors[i], with folded words, for as many whole blocks of rows
    as may be read; returns the number of these rows. factors : padded"""
    done = _whole_blocks(len(out), n_units, len(factors))
    o, w, f = pointer(out), pointer(words), pointer(factors)
    for j in range(0, done, ROWS):
        at = j * n_units
        k = 0
        while n_units - k > 4:
            _add_rows(after(o, j), after(w, at + k), n_units, after(f, k), 8, 1)
            k += 8
        if k < n_units:
            _add_rows(after(o, j), after(w, at + k), n_units, after(f, k), 4, 1)
    factors[0] += 0  # keeps the array alive until here
    return done


@numba.njit
def add_terms(out, terms, kept, n_units):
    """out[k] += Σ_i terms[k, i] for whole blocks of rows; returns the number of these rows.

    terms : with eight more numbers behind the last row, which may be read
    kept : −1 for each unit, padded
    """
    done = len(out) // ROWS * ROWS
    o, t, f = pointer(out), pointer(terms), pointer(kept)
    for j in range(0, done, ROWS):
        at = j * n_units
        k = 0
        while n_units - k > 4:
            _add_rows(after(o, j), after(t, at + k), n_units, after(f, k), 8, 0)
            k += 8
        if k < n_units:
            _add_rows(after(o, j), after(t, at + k), n_units, after(f, k), 4, 0)
    kept[0] += 0  # keeps the array alive until here
    return done
