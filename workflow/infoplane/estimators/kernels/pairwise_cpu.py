"""Gaussian kernel sums over pairs of rows, compiled for the CPU.

For each row t_i the loops sum both kernels of the Kolchinsky-Tracey bounds over j,
    lower  exp(−‖t_i − t_j‖² / 8σ²)      upper  exp(−‖t_i − t_j‖² / 2σ²) = lower⁴
with one exponential, over half of the pairs, separately for pairs within and across classes.

Rows are sorted by class and divided into blocks of one class: blocks, int64 (n_blocks, 3), are
start, stop and class. With direct differences the blocks are leaves (leaves_cpu.py), whose
parts are skipped one by one. Sums within a block, or over AT_ONCE parts, are float32, other
sums float64. Results are float64 (4, n_rows), with the four kinds named below.

The work is divided into a fixed number of shares. Each has its own sums, which are added in
order, so that results do not depend on the number of threads.
"""

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST, squared_distance
from infoplane.estimators.kernels.leaves_cpu import LEAF, PART
from infoplane.vectors_cpu import (
    WIDEST,
    after,
    any_within,
    fused,
    least,
    load,
    most,
    plus,
    pointer,
    single,
    store,
    with_exponent,
    zeros,
)

BLOCK = 256
LANES = 16
ROWS = 4
"""Number of rows whose kernels with a part of a leaf are computed at once."""
PARTS, FOURS = LEAF // PART, LEAF // ROWS
AT_ONCE = 64
"""Number of parts whose kernels with a row are summed in float32."""
LOWER_WITHIN, UPPER_WITHIN, LOWER_ACROSS, UPPER_ACROSS = range(4)
LOG2_E = 1.44269504

_f32 = np.float32
_FARTHEST = _f32(87.0)  # 2^−87 is negligible next to the diagonal's 1, without underflow
_SMALLEST_ROOT = _f32(1e-9)  # its 4th power is still a normal number: no denormal slowdown
_ROUNDING = _f32(1.5 * 2**23)  # a sum with it is rounded to a whole number, its lowest bits


EXACT = {"contract", "nsz"}
"""Freedoms of the compiler with `exp2_minus`, whose roundings it may not leave out."""


@numba.njit(forceinline=True, fastmath=EXACT)
def exp2_minus(x, scale):
    """2^−(x · scale) in float32 for x · scale between 0 and 126, and exactly 1 for 0; relative
    error 3e-6. x is a number or a vector.

    x · scale = s − n with n whole and |s| ≤ 1/2; 2^−s is the minimax polynomial of degree 4
    that is 1 at 0, and n is added to its exponent.
    """
    whole = fused(x, -scale, _ROUNDING)
    s = fused(x, scale, whole - _ROUNDING)
    p = s * _f32(0.0095825763) + _f32(-0.055906828)
    p = p * s + _f32(0.24024107)
    p = p * s + _f32(-0.69312412)
    p = p * s + _f32(1.0)
    return with_exponent(p, whole)


@numba.njit(inline="always", fastmath=FAST)
def exp_minus(x):
    """e^−x in float32 for 0 ≤ x ≤ 60, by `exp2_minus`."""
    return exp2_minus(x, _f32(LOG2_E))


@numba.njit(fastmath=FAST, forceinline=True)
def _add_kernels(distances, scale, lower, upper):
    """Add the kernels 2^(−distance · scale) of one row with a block to the block's sums, and
    return the row's own sums."""
    row_lower = _f32(0)
    row_upper = _f32(0)
    for j in range(lower.shape[0]):
        k = exp2_minus(_f32(min(distances[j] * scale, _FARTHEST)), _f32(1))
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


@numba.njit(inline="always")
def _is_of_share(block, share, n_shares):
    """Whether a block belongs to a share. Shares take blocks in turn, backwards in every second
    round, because early blocks have more pairs."""
    place = block % n_shares
    return (place if (block // n_shares) % 2 == 0 else n_shares - 1 - place) == share


@compiled(nogil=True)
def arrange(points, order, blocks, rows, tiles, of_leaves, of_parts, of_fours):
    """Fill the arrays of `direct_sums` with the points (n, n_units) of each leaf, which are
    order[start:stop] by its block; far rows fill up rows and tiles."""
    d, far = points.shape[1], points.dtype.type(np.inf)
    for leaf in range(len(blocks)):
        start, n, first = blocks[leaf, 0], blocks[leaf, 1] - blocks[leaf, 0], leaf * LEAF
        for i in range(n):
            row = order[start + i]
            for k in range(d):
                rows[first + i, k] = points[row, k]
        rows[first + n : first + LEAF] = far
        for part in range(leaf * PARTS, (leaf + 1) * PARTS):
            for k in range(d):
                for j in range(PART):
                    tiles[part, k, j] = rows[part * PART + j, k]
        for k in range(d):
            of_leaf = far, -far
            for part in range(leaf * PARTS, (leaf + 1) * PARTS):
                of_part = far, -far
                for j in range(part * PART, (part + 1) * PART, ROWS):
                    four = _ends(rows, j, min(j + ROWS, first + n), k)
                    i = (j - first) // ROWS
                    of_fours[0, leaf, k, i], of_fours[1, leaf, k, i] = four
                    of_part = min(of_part[0], four[0]), max(of_part[1], four[1])
                of_parts[0, k, part], of_parts[1, k, part] = of_part
                of_leaf = min(of_leaf[0], of_part[0]), max(of_leaf[1], of_part[1])
            of_leaves[0, k, leaf], of_leaves[1, k, leaf] = of_leaf


@numba.njit(forceinline=True)
def _ends(rows, start, stop, k):
    """The smallest and largest number of column k in the rows from start to stop, at most ROWS
    and perhaps none."""
    if stop - start == ROWS:  # most often, and without a loop
        a, b = rows[start, k], rows[start + 1, k]
        c, d = rows[start + 2, k], rows[start + 3, k]
        return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
    low, high = rows.dtype.type(np.inf), rows.dtype.type(-np.inf)
    for i in range(start, stop):
        low, high = min(low, rows[i, k]), max(high, rows[i, k])
    return low, high


@numba.njit(fastmath=FAST, forceinline=True)
def _gaps(of_leaves, leaf, of_parts, out):
    """out[q] = smallest squared distance from the box of a leaf to that of each later part."""
    zero = out.dtype.type(0)
    first = leaf * PARTS
    out[first:] = 0
    for k in range(len(of_leaves[0])):
        low, high = of_leaves[0, k, leaf], of_leaves[1, k, leaf]
        part_low, part_high = of_parts[0, k], of_parts[1, k]
        for q in range(first, len(out)):
            e, f = low - part_high[q], part_low[q] - high
            e = e if e > f else f
            e = e if e > zero else zero
            out[q] += e * e


@numba.njit(fastmath=FAST, forceinline=True)
def _gaps_of_fours(low, high, d, of_parts, q, out):
    """out[i] = smallest squared distance from the box of the four rows i to that of part q.

    low, high (d, FOURS) : ends of the boxes, pointers; out : a pointer
    """
    total = zero = zeros(out, FOURS)
    for k in range(d):
        below = load(low, k * FOURS, FOURS) - of_parts[1, k, q]
        above = of_parts[0, k, q] - load(high, k * FOURS, FOURS)
        e = most(most(below, above), zero)
        total = plus(total, e, e)
    store(out, 0, total)


@numba.njit(fastmath=EXACT, forceinline=True)
def _lower(distances, scale, rest, farthest):
    """The lower kernel of a vector of squared distances; see `direct_sums`."""
    return exp2_minus(single(least(distances, farthest), scale), rest)


@numba.njit(fastmath=EXACT, forceinline=True)
def _upper(lower):
    """The upper kernel, from the lower one."""
    root = most(lower, _SMALLEST_ROOT)
    square = root * root
    return square * square


@numba.njit(fastmath=EXACT, forceinline=True)
def _add(sums, place, kernels):
    """Add a vector of kernels to sums, a pointer, from `place` on."""
    store(sums, place, load(sums, place, PART) + kernels)


@numba.njit(fastmath=EXACT, forceinline=True)
def _add_at_once(rows, d, tile, scale, rest, reach, farthest, room, own, sums):
    """Add the kernels of ROWS rows with a part of a leaf, if any is within reach, to the sums
    of the rows, own (2, ROWS, PART), and of the part, sums (2, PART); all are pointers.

    The upper kernel reaches half as far as the lower one. room : for `_add_in_turn`
    """
    d0 = d1 = d2 = d3 = zeros(tile, PART)
    for k in range(d):
        t = load(tile, k * PART, PART)
        e0, e1 = t - rows[k], t - rows[d + k]
        e2, e3 = t - rows[2 * d + k], t - rows[3 * d + k]
        d0, d1 = plus(d0, e0, e0), plus(d1, e1, e1)
        d2, d3 = plus(d2, e2, e2), plus(d3, e3, e3)
    nearest = least(least(d0, d1), least(d2, d3))
    if not any_within(nearest, reach):
        return
    k0, k1 = _lower(d0, scale, rest, farthest), _lower(d1, scale, rest, farthest)
    k2, k3 = _lower(d2, scale, rest, farthest), _lower(d3, scale, rest, farthest)
    _add(own, 0, k0)
    _add(own, PART, k1)
    _add(own, 2 * PART, k2)
    _add(own, 3 * PART, k3)
    _add(sums, 0, ((k0 + k1) + k2) + k3)
    if not any_within(nearest * 4, reach):
        return
    k0, k1, k2, k3 = _upper(k0), _upper(k1), _upper(k2), _upper(k3)
    _add(own, 4 * PART, k0)
    _add(own, 5 * PART, k1)
    _add(own, 6 * PART, k2)
    _add(own, 7 * PART, k3)
    _add(sums, PART, ((k0 + k1) + k2) + k3)


@numba.njit(fastmath=EXACT, forceinline=True)
def _add_in_turn(rows, d, tile, scale, rest, reach, farthest, room, own, sums):
    """The same for AVX2, whose 16 registers hold the distances of two rows at a time, and the
    exponentials of one. room : pointers to memory for distances and kernels, (ROWS, PART)"""
    distances, kernels = room
    d0, d1 = _two_distances(rows, d, tile)
    d2, d3 = _two_distances(after(rows, 2 * d), d, tile)
    nearest = least(least(d0, d1), least(d2, d3))
    if not any_within(nearest, reach):
        return
    store(distances, 0, d0)
    store(distances, PART, d1)
    store(distances, 2 * PART, d2)
    store(distances, 3 * PART, d3)
    total = zeros(sums, PART)
    for place in range(0, ROWS * PART, PART):
        k = _lower(load(distances, place, PART), scale, rest, farthest)
        store(kernels, place, k)
        _add(own, place, k)
        total = total + k
    _add(sums, 0, total)
    if not any_within(nearest * 4, reach):
        return
    total = zeros(sums, PART)
    for place in range(0, ROWS * PART, PART):
        k = _upper(load(kernels, place, PART))
        _add(own, ROWS * PART + place, k)
        total = total + k
    _add(sums, PART, total)


@numba.njit(fastmath=EXACT, forceinline=True)
def _two_distances(rows, d, tile):
    """Squared distances of two rows to a part of a leaf; pointers."""
    d0 = d1 = zeros(tile, PART)
    for k in range(d):
        t = load(tile, k * PART, PART)
        e0, e1 = t - rows[k], t - rows[d + k]
        d0, d1 = plus(d0, e0, e0), plus(d1, e1, e1)
    return d0, d1


_add_four = _add_at_once if WIDEST >= 2 * PART else _add_in_turn
"""AVX-512 has registers for all exponentials of four rows with a part."""


@compiled(nogil=True, fastmath=FAST)
def direct_sums(
    rows,
    tiles,
    blocks,
    of_leaves,
    of_parts,
    of_fours,
    scale,
    rest,
    reach,
    share,
    n_shares,
    sums,
):
    """One share of the kernel sums, from direct differences.

    rows (n_leaves · LEAF, n_units), tiles (n_leaves · PARTS, n_units, PART) : the values leaf
        by leaf, and part by part, filled up with far rows; blocks : the rows of each leaf
    of_leaves (2, n_units, n_leaves), of_parts (2, n_units, n_leaves · PARTS), of_fours
        (2, n_leaves, n_units, FOURS) : low and high ends of the boxes of leaves, of their
        parts, and of successive rows, four each
    scale : log2(e) / 8σ², in the type of the values
    rest : the factor of distances in float32: scale, or 1 if the values are float64, whose
        distances are multiplied by scale before they become float32
    reach : squared distance, in this type, beyond which pairs are skipped
    sums (4, n_leaves, LEAF)
    """
    d, n_parts, farthest = rows.shape[1], len(tiles), rows.dtype.type(_FARTHEST / scale)
    gaps, near = np.empty(n_parts, rows.dtype), np.empty(FOURS, rows.dtype)
    of_part, own = np.empty((2, PART), _f32), np.empty((FOURS, 2, ROWS, PART), _f32)
    distances, kernels = np.empty((ROWS, PART), rows.dtype), np.empty((ROWS, PART), _f32)
    room = pointer(distances), pointer(kernels)
    r, t, to_near = pointer(rows), pointer(tiles), pointer(near)
    low, high = pointer(of_fours[0]), pointer(of_fours[1])
    to_own, to_part = pointer(own), pointer(of_part)
    for p in range(len(blocks)):
        if not _is_of_share(p, share, n_shares):
            continue
        _gaps(of_leaves, p, of_parts, gaps)
        boxes, q = p * d * FOURS, p * PARTS
        while q < n_parts:
            is_same = blocks[q // PARTS, 2] == blocks[p, 2]
            kind = LOWER_WITHIN if is_same else LOWER_ACROSS
            stop, is_reached = min(q + AT_ONCE, n_parts), False
            own[:] = 0
            while q < stop and (blocks[q // PARTS, 2] == blocks[p, 2]) == is_same:
                if gaps[q] <= reach:
                    is_reached = True
                    of_part[:] = 0
                    _gaps_of_fours(
                        after(low, boxes), after(high, boxes), d, of_parts, q, to_near
                    )
                    for i in range(FOURS):
                        if near[i] <= reach:
                            row, own_part = p * LEAF + i * ROWS, i * 2 * ROWS * PART
                            _add_four(
                                after(r, row * d),
                                d,
                                after(t, q * d * PART),
                                scale,
                                rest,
                                reach,
                                farthest,
                                room,
                                after(to_own, own_part),
                                to_part,
                            )
                    if q // PARTS > p:  # a leaf with itself has each pair twice already
                        for j in range(PART):
                            sums[kind, q // PARTS, q % PARTS * PART + j] += of_part[0, j]
                            sums[kind + 1, q // PARTS, q % PARTS * PART + j] += of_part[1, j]
                q += 1
            if is_reached:
                for i in range(blocks[p, 1] - blocks[p, 0]):
                    sums[kind, p, i] += own[i // ROWS, 0, i % ROWS].sum()
                    sums[kind + 1, p, i] += own[i // ROWS, 1, i % ROWS].sum()


@compiled(nogil=True)
def add_shares(shares, blocks, sums):
    """Fill sums (4, n_rows), in the order of the blocks' rows, from the shares (n_shares, 4,
    n_leaves, LEAF) of `direct_sums`."""
    for kind in range(len(sums)):
        for p in range(len(blocks)):
            own = sums[kind, blocks[p, 0] : blocks[p, 1]]
            own[:] = shares[0, kind, p, : len(own)]
            for share in range(1, len(shares)):
                for i in range(len(own)):
                    own[i] += shares[share, kind, p, i]


@compiled(nogil=True)
def mean_logs(sums, of_class):
    """Means of ln(sum / n) over rows, from kernel sums (4, n): of the sums over all rows, by n,
    and of the sums within the own class, by its size, of_class (n,); each of the lower and of
    the upper kernel, (2, 2). They are summed in one order, so their bits are the same in every
    process."""
    n = sums.shape[1]
    ratios, means = np.ones((2, padded(n))), np.empty((2, 2))
    for upper in range(2):
        within, across = sums[LOWER_WITHIN + upper], sums[LOWER_ACROSS + upper]
        for i in range(n):
            ratios[0, i] = (within[i] + across[i]) / n
            ratios[1, i] = within[i] / of_class[i]
        for j in range(2):
            means[j, upper] = _sum_of_logs(ratios[j]) / n
    return means


@numba.njit
def _sum_of_logs(values):
    """Σ ln of values between 1e-9 and 1, whose number is a multiple of LANES: one logarithm for
    the product of 32."""
    products, total = np.empty(LANES), 0.0
    for first in range(0, len(values), 32 * LANES):
        products[:] = 1
        for i in range(first, min(first + 32 * LANES, len(values)), LANES):
            for j in range(LANES):
                products[j] *= values[i + j]
        for j in range(LANES):
            total += np.log(products[j])
    return total


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
