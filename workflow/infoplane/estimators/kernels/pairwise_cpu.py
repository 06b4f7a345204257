"""Gaussian kernel sums over pairs of rows, compiled for the CPU.

For rows t_i the loops sum both kernels of the Kolchinsky-Tracey bounds over j,
    lower  exp(−‖t_i − t_j‖² / 8σ²)      upper  exp(−‖t_i − t_j‖² / 2σ²) = lower⁴
with one exponential, over half of the pairs, apart for pairs within and across classes.

Rows come sorted by class and cut into blocks of at most BLOCK rows of one class:
blocks int64 (n_blocks, 3) holds start, stop and class. Inner loops run to the next multiple
of LANES, over rows that are infinitely far, as a vectorised loop's remainder is slow. Within
a block sums are float32, beyond it float64. Results are float64 (4, n_rows), the rows of
which are named below.

Work is dealt to a fixed number of shares, each with sums of its own that are added in order,
so that results do not depend on the number of threads.
"""

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST, squared_distance, squared_distances
from infoplane.estimators.kernels.selection import boxed

BLOCK = 256
LANES = 16
LOWER_WITHIN, UPPER_WITHIN, LOWER_ACROSS, UPPER_ACROSS = range(4)

_f32 = np.float32
_FARTHEST = _f32(60.0)  # e^−60 is nothing beside the diagonal's 1, and far from underflow
_SMALLEST_ROOT = _f32(1e-9)  # its 4th power is still a normal number: no denormal slowdown


@numba.njit(inline="always", fastmath=FAST)
def exp_minus(x):
    """e^−x in float32 for 0 ≤ x ≤ 60, relative error 2e-7, written so that it vectorises.

    Cody and Waite's reduction x = −n ln 2 − r with ln 2 in two parts, Taylor to degree 6 on
    |r| ≤ ln(2)/2, and 2ⁿ put together from its bits.
    """
    n = np.floor(x * _f32(-1.44269504) + _f32(0.5))
    r = (-x - n * _f32(0.693359375)) + n * _f32(2.12194440e-4)
    p = _f32(1 / 720)
    p = p * r + _f32(1 / 120)
    p = p * r + _f32(1 / 24)
    p = p * r + _f32(1 / 6)
    p = p * r + _f32(0.5)
    p = p * r + _f32(1.0)
    p = p * r + _f32(1.0)
    bits = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
    return p * bits.view(_f32)


@numba.njit(fastmath=FAST, forceinline=True)
def _add_kernels(distances, scale, lower, upper):
    """Kernels of one row against a block, added to the block's sums; returns the row's own."""
    row_lower = _f32(0)
    row_upper = _f32(0)
    for j in range(lower.shape[0]):
        k = exp_minus(_f32(min(distances[j] * scale, _FARTHEST)))
        root = max(k, _SMALLEST_ROOT)
        square = root * root
        row_lower += k
        row_upper += square * square
        lower[j] += k
        upper[j] += square * square
    return row_lower, row_upper


@numba.njit(inline="always")
def padded(n):
    """The next multiple of LANES."""
    return (n + LANES - 1) // LANES * LANES


@numba.njit(fastmath=FAST, forceinline=True)
def _gap(low, high, p, q):
    """Smallest squared distance between two blocks' bounding boxes (n_blocks, n_units)."""
    total = 0.0
    for k in range(low.shape[1]):
        e = max(float(low[p, k]) - float(high[q, k]), float(low[q, k]) - float(high[p, k]), 0.0)
        total += e * e
    return total


@numba.njit(inline="always")
def _is_of_share(block, share, n_shares):
    """Blocks are dealt in turn, every second round backwards: early blocks have more pairs."""
    place = block % n_shares
    return (place if (block // n_shares) % 2 == 0 else n_shares - 1 - place) == share


@compiled(nogil=True, fastmath=FAST)
def direct_sums(columns, blocks, low, high, scale, reach, share, n_shares, sums):
    """One share of the kernel sums, from direct differences.

    columns (n_units, n_rows), where each block starts at a multiple of LANES and far rows
    fill the gaps; low, high (n_blocks, n_units) bound the blocks' values; scale = 1/8σ² in
    the columns' type. Pairs of blocks whose boxes are so far apart that every exponent
    exceeds `reach` are skipped.
    """
    distances = np.empty(BLOCK, columns.dtype)
    lower = np.empty(BLOCK, _f32)
    upper = np.empty(BLOCK, _f32)
    for p in range(blocks.shape[0]):
        if not _is_of_share(p, share, n_shares):
            continue
        for q in range(p, blocks.shape[0]):
            if _gap(low, high, p, q) * scale > reach:
                continue
            start, stop = blocks[q, 0], blocks[q, 1]
            m = padded(stop - start)
            kind = LOWER_WITHIN if blocks[p, 2] == blocks[q, 2] else LOWER_ACROSS
            block_lower, block_upper = lower[:m], upper[:m]
            block_lower[:] = 0
            block_upper[:] = 0
            for i in range(blocks[p, 0], blocks[p, 1]):
                squared_distances(columns, i, start, start + m, distances)
                a, b = _add_kernels(distances, scale, block_lower, block_upper)
                sums[kind, i] += a
                sums[kind + 1, i] += b
            if p != q:  # a block against itself holds each pair twice already
                for j in range(stop - start):
                    sums[kind, start + j] += lower[j]
                    sums[kind + 1, start + j] += upper[j]


@numba.njit(fastmath=FAST, forceinline=True)
def _exponents_of_products(products, square, squares, unit, tolerance, reach, out):
    """out[j] = ‖a_i − a_j‖² from inner products; returns how many need a direct difference.

    These are pairs near enough to count for which the rounding of the products, at most
    unit·(‖a_i‖² + ‖a_j‖²), may exceed the tolerance. They are marked −1.
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

    products (n, m) : a_i·a_j of centred rows a = t·√(1/8σ²) in float32
    tile : first and last block of the tile's rows, first and last block of its columns
    squares (n_rows,) : ‖a_i‖²
    rows (·, n_units), order (n_rows,) : rows[order[i]] is row i as it was given, for pairs
        whose distance the products do not resolve
    limits : rounding unit of the products, tolerance and reach, see above
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
                a, b = _add_kernels(exponents, _f32(1), block_lower, block_upper)
                sums[kind, i] += a
                sums[kind + 1, i] += b
            if p != q:
                for j in range(m):
                    sums[kind, start + j] += lower[j]
                    sums[kind + 1, start + j] += upper[j]


@compiled(nogil=True, fastmath=FAST)
def group_sums(rows, first, last, scale, sums):
    """Kernel sums of each row over the rows of its own group.

    rows (n_groups, n_draws, n_units); groups first … last − 1 are done.
    sums (2, n_groups, n_draws), lower and upper, is filled there.
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


@compiled(nogil=True)
def split_in_space(points, order, start, stop, ends):
    """Order the rows order[start:stop] so that runs of at most BLOCK are close together.

    Halves the widest unit's range again and again (a k-d tree by midpoints). The runs' ends
    are written to `ends`; returns how many there are.
    """
    low, high = np.empty((2, points.shape[1]), points.dtype)
    stack = [(start, stop)]
    n_ends = 0
    while stack:
        a, b = stack.pop()
        widest = boxed(points, order[a:b], low, high) if b - a > BLOCK else -1
        if widest < 0:  # small enough, or all rows equal
            for i in range(a, b, BLOCK):
                ends[n_ends] = min(i + BLOCK, b)
                n_ends += 1
            continue
        middle = float(low[widest]) + 0.5 * (float(high[widest]) - float(low[widest]))
        i, j = a, b - 1
        while i <= j:
            if points[order[i], widest] < middle:
                i += 1
            else:
                order[i], order[j] = order[j], order[i]
                j -= 1
        if i in (a, b):  # rounding put the middle on an end: halve the number instead
            i = (a + b) // 2
        stack.append((i, b))
        stack.append((a, i))
    return n_ends
