"""Gaussian kernel sums over pairs of rows, compiled for the CPU.

For each row t_i the loops sum both kernels of the Kolchinsky-Tracey bounds over j,
    lower  exp(−‖t_i − t_j‖² / 8σ²)      upper  exp(−‖t_i − t_j‖² / 2σ²) = lower⁴
with one exponential, over half of the pairs, separately for pairs within and across classes.

Rows are sorted by class and divided into blocks of one class: blocks, int64 (n_blocks, 3), are
start, stop and class. With direct differences the blocks are leaves (leaves_cpu.py). Sums
within a block are float32, other sums float64. Results are float64 (4, n_rows), with the four
kinds named below.

The work is divided into a fixed number of shares. Each has its own sums, which are added in
order, so that results do not depend on the number of threads.
"""

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST, squared_distance
from infoplane.estimators.kernels.leaves_cpu import LEAF, reached

BLOCK = 256
LANES = 16
LOWER_WITHIN, UPPER_WITHIN, LOWER_ACROSS, UPPER_ACROSS = range(4)
LOG2_E = 1.44269504

_f32 = np.float32
_FARTHEST = _f32(87.0)  # 2^−87 is negligible next to the diagonal's 1, without underflow
_SMALLEST_ROOT = _f32(1e-9)  # its 4th power is still a normal number: no denormal slowdown
_ROUNDING = _f32(1.5 * 2**23)  # a sum with it is rounded to a whole number, its lowest bits


@numba.njit(forceinline=True, fastmath={"contract", "nsz"})
def exp2_minus(t):
    """2^−t in float32 for 0 ≤ t ≤ 126, relative error 2e-7, written so that it vectorises.

    t = s − n with n whole and |s| ≤ 1/2; 2^−s is the minimax polynomial of degree 5, and n is
    added to its exponent.
    """
    whole = _f32(_ROUNDING - t)
    s = t + (whole - _ROUNDING)
    p = _f32(-0.0013264727)
    p = p * s + _f32(0.0096715127)
    p = p * s + _f32(-0.055507337)
    p = p * s + _f32(0.24022242)
    p = p * s + _f32(-0.693146978)
    p = _f32(p * s + _f32(1.0))
    bits = np.int32(p.view(np.int32) + (whole.view(np.int32) << np.int32(23)))
    return bits.view(_f32)


@numba.njit(inline="always", fastmath=FAST)
def exp_minus(x):
    """e^−x in float32 for 0 ≤ x ≤ 60, by `exp2_minus`."""
    return exp2_minus(_f32(x * _f32(LOG2_E)))


@numba.njit(fastmath=FAST, forceinline=True)
def _add_kernels(distances, scale, lower, upper):
    """Add the kernels 2^(−distance · scale) of one row with a block to the block's sums, and
    return the row's own sums."""
    row_lower = _f32(0)
    row_upper = _f32(0)
    for j in range(lower.shape[0]):
        k = exp2_minus(_f32(min(distances[j] * scale, _FARTHEST)))
        root = max(k, _SMALLEST_ROOT)
        square = root * root
        row_lower += k
        row_upper += square * square
        lower[j] += k
        upper[j] += square * square
    return row_lower, row_upper


@numba.njit(inline="always")
def padded(n):
    """The next multiple of LANES, as the length of inner loops: a vectorised loop's remainder
    is slow."""
    return (n + LANES - 1) // LANES * LANES


@numba.njit(fastmath=FAST, forceinline=True)
def _gap(low, high, p, q):
    """Smallest squared distance between the bounding boxes of blocks p and q, with corners low
    and high (n_blocks, n_units)."""
    total = 0.0
    for k in range(low.shape[1]):
        e = max(float(low[p, k]) - float(high[q, k]), float(low[q, k]) - float(high[p, k]), 0.0)
        total += e * e
    return total


@numba.njit(inline="always")
def _is_of_share(block, share, n_shares):
    """Whether a block belongs to a share. Shares take blocks in turn, backwards in every second
    round, because early blocks have more pairs."""
    place = block % n_shares
    return (place if (block // n_shares) % 2 == 0 else n_shares - 1 - place) == share


@numba.njit(fastmath=FAST, forceinline=True)
def _gaps(tile, low, high, out):
    """out[i] = smallest squared distance from row i of a leaf (n_units, LEAF) to a box."""
    zero = out.dtype.type(0)
    for i in range(LEAF):
        out[i] = 0
    for k in range(low.shape[0]):
        for i in range(LEAF):
            e, f = low[k] - tile[k, i], tile[k, i] - high[k]
            e = e if e > f else f
            e = e if e > zero else zero
            out[i] += e * e


@compiled(nogil=True, fastmath=FAST)
def direct_sums(tiles, rows, blocks, low, high, scale, reach, share, n_shares, sums):
    """One share of the kernel sums, from direct differences.

    tiles (n_leaves, n_units, LEAF), rows (n_rows, n_units) : the same values, leaf by leaf and
        row by row; blocks : the rows of each leaf; low, high (n_leaves, n_units) : its box
    scale : log2(e) / 8σ², in the type of the values
    reach : squared distance, in this type, beyond which pairs are skipped
    sums (4, n_leaves, LEAF)
    """
    distances, gaps = np.empty(LEAF, tiles.dtype), np.empty(LEAF, tiles.dtype)
    lower, upper = np.empty(LEAF, _f32), np.empty(LEAF, _f32)
    for p in range(blocks.shape[0]):
        if not _is_of_share(p, share, n_shares):
            continue
        for q in range(p, blocks.shape[0]):
            if _gap(low, high, p, q) > reach:
                continue
            kind = LOWER_WITHIN if blocks[p, 2] == blocks[q, 2] else LOWER_ACROSS
            lower[:] = 0
            upper[:] = 0
            _gaps(tiles[p], low[q], high[q], gaps)
            for i in range(blocks[p, 1] - blocks[p, 0]):
                if gaps[i] > reach:
                    continue
                if not reached(tiles, q, rows, blocks[p, 0] + i, reach, distances):
                    continue
                a, b = _add_kernels(distances, scale, lower, upper)
                sums[kind, p, i] += a
                sums[kind + 1, p, i] += b
            if p != q:  # a leaf with itself has each pair twice already
                for j in range(LEAF):
                    sums[kind, q, j] += lower[j]
                    sums[kind + 1, q, j] += upper[j]


@numba.njit(fastmath=FAST, forceinline=True)
def _exponents_of_products(products, square, squares, unit, tolerance, reach, out):
    """out[j] = ‖a_i − a_j‖² from inner products; returns how many need a direct difference.

    A pair needs one if it is near enough to count and the rounding of the products, at most
    unit·(‖a_i‖² + ‖a_j‖²), may exceed the tolerance. Such pairs are marked −1.
    """
    n_marked = 0
    for j in range(products.shape[0]):
        both = square + squares[j]
        x = both - _f32(2) * products[j]
        error = unit * both
        marked = (error > tolerance) & (x - error < reach)
        out[j] = _f32(-1) if marked else max(x, _f32(0))
        n_marked += marked
    return n_marked


@compiled(nogil=True, fastmath=FAST)
def product_sums(
    products, tile, squares, rows, order, blocks, scale, limits, share, n_shares, sums
):
    """One share of one tile of kernel sums, from a tile of inner products.

    products (n, m) : a_i·a_j for centred rows a = t·√(1/8σ²), in float32
    tile : first and last block of the tile's rows, first and last block of its columns
    squares (n_rows,) : ‖a_i‖²
    rows (·, n_units), order (n_rows,) : rows[order[i]] is the original row i, for pairs whose
        distance the products do not resolve
    limits : unit, tolerance and reach of `_exponents_of_products`
    """
    unit, tolerance, reach = limits
    top, left = blocks[tile[0], 0], blocks[tile[2], 0]
    exponents = np.empty(BLOCK, _f32)
    lower = np.empty(BLOCK, _f32)
    upper = np.empty(BLOCK, _f32)
    for p in range(tile[0], tile[1]):
        if not _is_of_share(p, share, n_shares):
            continue
        for q in range(max(p, tile[2]), tile[3]):
            start, stop = blocks[q, 0], blocks[q, 1]
            m = stop - start
            kind = LOWER_WITHIN if blocks[p, 2] == blocks[q, 2] else LOWER_ACROSS
            block_lower, block_upper = lower[: padded(m)], upper[: padded(m)]
            block_lower[:] = 0
            block_upper[:] = 0
            for i in range(blocks[p, 0], blocks[p, 1]):
                n_marked = _exponents_of_products(
                    products[i - top, start - left : stop - left],
                    squares[i],
                    squares[start:stop],
                    unit,
                    tolerance,
                    reach,
                    exponents,
                )
                if p == q:
                    n_marked -= exponents[i - start] < 0
                    exponents[i - start] = 0
                if n_marked:
                    for j in range(m):
                        if exponents[j] < 0:
                            e = squared_distance(rows[order[i]], rows[order[start + j]]) * scale
                            exponents[j] = min(e, _FARTHEST)
                exponents[m : padded(m)] = _FARTHEST
                a, b = _add_kernels(exponents, _f32(LOG2_E), block_lower, block_upper)
                sums[kind, i] += a
                sums[kind + 1, i] += b
            if p != q:
                for j in range(m):
                    sums[kind, start + j] += lower[j]
                    sums[kind + 1, start + j] += upper[j]


@compiled(nogil=True, fastmath=FAST)
def group_sums(rows, first, last, scale, sums):
    """Kernel sums of each row over the rows of its own group.

    rows (n_groups, n_draws, n_units); sums (2, n_groups, n_draws), of the lower and the upper
    kernel, is filled for groups first … last − 1.
    """
    n_draws = rows.shape[1]
    distances = np.empty(BLOCK, rows.dtype)
    unused = np.empty((2, BLOCK), _f32)
    for g in range(first, last):
        for i in range(n_draws):
            for start in range(0, n_draws, BLOCK):
                m = min(BLOCK, n_draws - start)
                for j in range(m):
                    distances[j] = squared_distance(rows[g, i], rows[g, start + j])
                distances[m : padded(m)] = np.inf
                a, b = _add_kernels(
                    distances, scale, unused[0, : padded(m)], unused[1, : padded(m)]
                )
                sums[0, g, i] += a
                sums[1, g, i] += b
