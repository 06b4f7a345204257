"""Products of small matrices in compiled loops, summed in registers; all are pointers.

Each sum has one order on every machine and fuses every product, so it has the same bits.
"""

import numba

from infoplane.vectors_cpu import WIDEST, after, combine_rows, load, plus, summed, zeros

FUSED = {"fastmath": {"contract", "nsz"}, "error_model": "numpy"}
FILLED = 32
"""Rows are padded to a multiple of this, with whole vectors that do not count."""
SUMMED = 16
"""Number of sums along a row that run at once, on every machine."""


def filled(n: int, to: int = FILLED) -> int:
    """The number, rounded up to a multiple."""
    return -(-n // to) * to


@numba.njit(**FUSED)
def combine(out, out_row, m, src, src_row, k, c, down, along, n):
    """m rows out[j] = Σ c[i down + j along] src[i] over k rows, of n inputs; all are pointers.

    out_row, src_row : from one row to the next
    Up to five rows are summed at once, which fill the registers of AVX2, and as few rows as
    possible alone, whose sums wait for one another.
    """
    j = 0
    while j < m:
        left = m - j
        to, at = after(out, j * out_row), after(c, j * along)
        if left == 1:
            for b in range(0, n, FILLED):
                combine_rows(
                    after(to, b), out_row, after(src, b), src_row, k, at, down, along, 1, FILLED
                )
            j += 1
        elif left == 2:
            for b in range(0, n, FILLED):
                combine_rows(
                    after(to, b), out_row, after(src, b), src_row, k, at, down, along, 2, FILLED
                )
            j += 2
        elif left == 3 or left == 6:
            for b in range(0, n, WIDEST):
                combine_rows(
                    after(to, b), out_row, after(src, b), src_row, k, at, down, along, 3, WIDEST
                )
            j += 3
        elif left == 4 or left == 7 or left == 8:
            for b in range(0, n, WIDEST):
                combine_rows(
                    after(to, b), out_row, after(src, b), src_row, k, at, down, along, 4, WIDEST
                )
            j += 4
        else:
            for b in range(0, n, WIDEST):
                combine_rows(
                    after(to, b), out_row, after(src, b), src_row, k, at, down, along, 5, WIDEST
                )
            j += 5


@numba.njit(**FUSED)
def outer(g, h, fan_in, d, fan_out, row, n):
    """g[i, j] = Σ h[i, b] d[j, b] over inputs b; all are pointers.

    row : from one row of h or d to the next. One more row of either may be read; its result is
        not used.
    """
    for i in range(0, fan_in, 2):
        for j in range(0, fan_out, 2):
            a0 = a1 = b0 = b1 = zeros(g, SUMMED)
            at, own = i * row, j * row
            for b in range(0, n, SUMMED):
                h0, h1 = load(h, at + b, SUMMED), load(h, at + row + b, SUMMED)
                d0, d1 = load(d, own + b, SUMMED), load(d, own + row + b, SUMMED)
                a0, b0 = plus(a0, h0, d0), plus(b0, h0, d1)
                a1, b1 = plus(a1, h1, d0), plus(b1, h1, d1)
            at = i * fan_out + j
            g[at] = summed(a0)
            if j + 1 < fan_out:
                g[at + 1] = summed(b0)
            if i + 1 < fan_in:
                g[at + fan_out] = summed(a1)
            if i + 1 < fan_in and j + 1 < fan_out:
                g[at + fan_out + 1] = summed(b1)
