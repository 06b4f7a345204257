"""Products of small matrices in compiled loops, summed in registers; all are pointers.

Each sum has one order on every machine and fuses every product, so it has the same bits.
"""

import numba

from infoplane.vectors_cpu import WIDEST, load, plus, plus_scaled, store, summed, zeros

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
    """
    for b in range(0, n, WIDEST):
        j = 0
        while j + 4 <= m:
            a0 = a1 = a2 = a3 = zeros(WIDEST)
            at, own = j * along, b
            for _ in range(k):
                h = load(src, own, WIDEST)
                a0 = plus_scaled(a0, c, at, h)
                a1 = plus_scaled(a1, c, at + along, h)
                a2 = plus_scaled(a2, c, at + 2 * along, h)
                a3 = plus_scaled(a3, c, at + 3 * along, h)
                at += down
                own += src_row
            own = j * out_row + b
            store(out, own, a0)
            store(out, own + out_row, a1)
            store(out, own + 2 * out_row, a2)
            store(out, own + 3 * out_row, a3)
            j += 4
        if j + 2 <= m:
            a0 = a1 = zeros(WIDEST)
            at, own = j * along, b
            for _ in range(k):
                h = load(src, own, WIDEST)
                a0 = plus_scaled(a0, c, at, h)
                a1 = plus_scaled(a1, c, at + along, h)
                at += down
                own += src_row
            own = j * out_row + b
            store(out, own, a0)
            store(out, own + out_row, a1)
            j += 2
        if j < m:
            a0 = zeros(WIDEST)
            at, own = j * along, b
            for _ in range(k):
                a0 = plus_scaled(a0, c, at, load(src, own, WIDEST))
                at += down
                own += src_row
            store(out, j * out_row + b, a0)


@numba.njit(**FUSED)
def outer(g, h, fan_in, d, fan_out, row, n):
    """g[i, j] = Σ h[i, b] d[j, b] over inputs b; all are pointers.

    row : from one row of h or d to the next. One more row of either may be read; its result is
        not used.
    """
    for i in range(0, fan_in, 2):
        for j in range(0, fan_out, 2):
            a0 = a1 = b0 = b1 = zeros(SUMMED)
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
