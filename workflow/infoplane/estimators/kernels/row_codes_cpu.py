"""Rows of values to hashes of their bins, compiled for the CPU.

A row of codes c_k becomes Σ_k m_k c_k mod 2⁶⁴ with random odd m_k. Where all codes lie below
n_bins and n_bins^n_units below 2⁵¹, m_k is n_bins^k: no two rows share such a number, and
float64 holds it, so that a value needs no product of integers, of which AVX2 has none.
"""

from typing import NamedTuple

import numba
import numpy as np

from infoplane.estimators.kernels.row_sums_cpu import ROWS, add_terms, padded

LARGEST = 2.0**51
"""float64 has all whole numbers up to this one in its lowest bits once 1.5 · 2⁵² is added."""
MIXER = 0x9E3779B97F4A7C15 - 2**64
"""2⁶⁴ over the golden ratio: times this, numbers close together are far apart."""
_ROUNDING = 1.5 * 2**52
_ROUNDED = np.float64(_ROUNDING).view(np.int64)
_TILE = 512  # values binned before they are summed into hashes: a few kB, in cache


class Digits(NamedTuple):
    """How the rows of samples whose values all lie in their range become numbers.

    inverse : float64 (n_samples, n_units), 1 / step of the grid
    shift : float64 (n_samples, n_units). floor(x · inverse − shift) is the bin or the one
        below, whatever is lost by rounding
    places : float64 (n_units,), n_bins^k. Empty where rows are to be hashed
    """

    inverse: np.ndarray
    shift: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, low, high, step, n_bins: int, covers: bool) -> "Digits":
        """Of a grid; covers : whether all values lie in its range."""
        n_units = low.shape[1]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            inverse = 1 / step
            # 16 roundings of the largest number in it, and at most 6 happen
            lost = 2.0**-49 * (n_bins + (np.abs(low) + np.abs(high)) * inverse)
            shift = low * inverse + lost
        few = covers and n_bins > 1 and n_units < 64 and n_bins**n_units <= LARGEST
        fits = few and np.isfinite(inverse).all() and (lost <= 0.25).all()
        return cls(inverse, shift, float(n_bins) ** np.arange(n_units if fits else 0))


@numba.njit
def _sum_rows(terms, kept, n_units, out):
    """Fill out (n,) with the sums of n · n_units terms, row by row. kept : see `add_terms`"""
    out[:] = 0
    for j in range(add_terms(out, terms, kept, n_units), len(out)):
        for k in range(n_units):
            out[j] += terms[j * n_units + k]


@numba.njit(error_model="numpy")
def hash_rows(values, grid, digits, i, multipliers, mixer, out):
    """Fill out (n_inputs, n_draws) with the hashes of values (n_inputs, n_draws, n_units) of
    sample i.

    grid : low, high, step, each (n_samples, n_units), and n_bins
    multipliers : (n_units,); where there are digits, `mixer` multiplies the number instead
    A tile holds several whole rows, so that the loop over its values is long enough to
    vectorise, even for layers of two units.
    """
    low, high, step, n_bins = grid
    n_units = values.shape[2]
    n_rows = values.shape[0] * values.shape[1]
    height = max(ROWS, _TILE // n_units // ROWS * ROWS)
    numbered = len(digits.places) > 0
    tiled = np.empty((5, height * n_units))
    factors = np.empty(0 if numbered else height * n_units, np.int64)
    terms = np.empty(height * n_units + 8, np.int64)  # behind the last row more is read
    kept = padded(np.full(n_units, -1))
    for k in range(n_units):
        for at in range(k, height * n_units, n_units):
            tiled[0, at], tiled[1, at], tiled[2, at] = (
                low[i, k],
                step[i, k],
                digits.inverse[i, k],
            )
            if numbered:
                tiled[3, at], tiled[4, at] = digits.shift[i, k], digits.places[k]
            else:
                tiled[3, at], factors[at] = high[i, k], multipliers[k]
    flat = values.reshape(-1)
    hashes = out.reshape(-1)
    for start in range(0, n_rows, height):
        stop = min(start + height, n_rows)
        tile = flat[start * n_units : stop * n_units]
        if numbered:
            rows = tiled[0], tiled[1], tiled[2], tiled[3], tiled[4]
            _number_terms(tile, *rows, np.float64(n_bins - 1), terms)
        elif n_bins:
            _grid_terms(tile, tiled[0], tiled[1], tiled[2], tiled[3], n_bins, factors, terms)
        else:
            _width_terms(tile, tiled[1], factors, terms)
        _sum_rows(terms, kept, n_units, hashes[start:stop])
        if numbered:
            for j in range(start, stop):
                hashes[j] = (hashes[j] - n_units * _ROUNDED) * mixer


@numba.njit(forceinline=True)
def _integer(whole):
    """A whole number of float64 below 2⁵¹ as int64; AVX2 has no instruction for this."""
    return np.float64(whole + _ROUNDING).view(np.int64) - _ROUNDED


@numba.njit(error_model="numpy")
def _width_terms(tile, width, factors, terms):
    for i in range(tile.shape[0]):
        terms[i] = _integer(np.floor(np.float64(tile[i]) / width[i])) * factors[i]


@numba.njit(fastmath={"nnan", "nsz"})  # values are finite, and so are codes
def _number_terms(tile, low, step, inverse, shift, places, last, terms):
    """Code times place of each value in the range, and _ROUNDED. The guess is the bin or the
    one below: comparing with the edge between says which."""
    for i in range(tile.shape[0]):
        x = np.float64(tile[i])
        above = np.floor(x * inverse[i] - shift[i]) + 1
        code = above if x >= above * step[i] + low[i] else above - 1
        terms[i] = np.float64(min(code, last) * places[i] + _ROUNDING).view(np.int64)


@numba.njit(fastmath={"nnan", "nsz"})
def _grid_terms(tile, low, step, inverse, high, n_bins, factors, terms):
    """Code times factor of each value. Rounding may give the neighbouring bin; comparisons with
    the edges correct this."""
    beyond = np.float64(n_bins)
    for i in range(tile.shape[0]):
        x = np.float64(tile[i])
        code = np.floor((x - low[i]) * inverse[i])
        code -= 1.0 if x < code * step[i] + low[i] else 0.0
        code += 1.0 if x >= (code + 1) * step[i] + low[i] else 0.0
        code = max(code, beyond) if x > high[i] else min(code, beyond - 1)
        terms[i] = _integer(code) * factors[i]
