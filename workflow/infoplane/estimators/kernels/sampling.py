"""Between which ends entropies of a population lie, by the counts of a sample of n rows.

The rows are independent draws of codes with unknown probabilities p. All is in nats here, and
becomes bits where it leaves. H_n is the plug-in entropy, K the occupied codes, γ Euler's
constant.

Bias. D = Σ_c (c/n) (ψ(n) − ψ(c)) over the counts c has the expectation (Zhang 2012, Neural
Computation 24, 1368; Chao, Wang & Jost 2013, Methods Ecol. Evol. 4, 1091)
    E D = H − B,     B = Σ_{k≥n} m_k / k,     m_k = Σ p (1 − p)^k,
m_k the expected share of what k rows have not shown. As 1/2c ≤ ln c − ψ(c) ≤ γ/c,
    H_n + (K − 1)/2n ≤ D ≤ H_n + (γK − ½)/n.
The left side is Miller and Madow's: its expectation is at most H. Of S codes p (1 − p)^k is at
most 1/ek, so that m_k ≤ min(m, S/ek) with any m ≥ m_n, and
    B ≤ m ln(S / (n − 1) m),     or S/e(n − 1) where that m is larger than it.
Codes are summed in two groups, those of likely rows and all others (`unlikely`).

m. Of a random number N ~ Poisson(n') of the rows, all counts are independent (n' so small that
N > n has the probability OVERFLOW). The codes with one row among these are then a sum of
independent events, of the expectation n' Σ p e^(−n'p) ≥ n' m_n, and Chernoff's limit holds.

Deviation. One row less and another one more moves the left side by (ln n + 1.5)/n at most, the
right side by (ln n + 1 + γ)/n, those of H(T) + H(Y) − H(T, Y), left for right, by
(2 ln((n + 1)/2) + 3.2)/n. McDiarmid's inequality (1989) then gives the limits of expectations.

I(T;Y) = H(T) + H(Y) − H(T, Y), whose biases B stand to each other as B_T ≤ B_TY: a code is cut
into pairs. Above, I(T;Y) exceeds the expectation by B_Y at most; below, it is short of it by
B_TY − B_T, at most B_TY, and at most Σ min(p ln C, C/e(n − 1)) over the codes of T and C
classes, for which E K is enough: the occupied codes are a sum of negatively associated events,
and Chernoff's limit holds (Dubhashi & Ranjan 1998, Random Struct. Alg. 13, 99).
"""

import math
from typing import NamedTuple

import numpy as np

from infoplane.information import BIT, Interval

ERROR = 0.025
"""Probability with which a side may fail."""
MEAN, MISSING, OVERFLOW, UNLIKELY, CODES = 0.012, 0.006, 0.001, 0.003, 0.003
"""Shares of it, where several limits have to hold."""
LEAST = 30
"""Fewest rows of which intervals are told."""


class Codes(NamedTuple):
    """What codes there can be: natural logarithms of their numbers.

    likely : of codes in some region that a sample may choose
    all : of codes at all
    unlikely : a limit of the probability of those outside the region, which fails with UNLIKELY
    """

    likely: float
    all: float
    unlikely: float = 0.0

    def joint(self, n_classes: int) -> "Codes":
        """Of pairs with a class."""
        more = math.log(n_classes)
        return Codes(self.likely + more, self.all + more, self.unlikely)


class Counted(NamedTuple):
    """Of n rows: entropies in bits and occupied codes; of some of the rows, which `thinned` has
    chosen, the codes with a single row. Of T, of T and Y together, and of Y.

    n_thinned : how many rows `thinned` expected
    """

    n: int
    entropy: float
    entropy_joint: float
    entropy_y: float
    n_codes: int
    n_joint: int
    n_classes: int
    single: int
    single_joint: int
    n_thinned: float


def thinned(n: int, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """Which rows, in order, so that counts of their codes are independent; and how many are
    expected."""
    from scipy.special import pdtri  # not for plans, which import this file

    expected = float(pdtri(n, 1 - OVERFLOW))
    chosen = random.permutation(n)[: min(n, random.poisson(expected))]
    return np.sort(chosen), expected


def of_entropy(counted: Counted, codes: Codes) -> tuple[float, Interval]:
    """H(T): Miller and Madow's value, and its interval, in bits."""
    n, k = counted.n, counted.n_codes
    plug_in = counted.entropy / BIT
    corrected = plug_in + (k - 1) / (2 * n)
    low = corrected - _deviation(math.log(n) + 1.5, n, ERROR)
    high = plug_in + (np.euler_gamma * k - 0.5) / n
    high += _deviation(math.log(n) + 1 + np.euler_gamma, n, MEAN)
    high += _bias(n, _missing(counted.single, counted.n_thinned), codes)
    return BIT * corrected, _proven(low, min(high, codes.all))


def of_information(counted: Counted, codes: Codes) -> tuple[float, Interval]:
    """I(T;Y): Miller and Madow's value, and its interval, in bits.

    The population is taken to have no other classes than the sample.
    """
    n, n_classes = counted.n, counted.n_classes
    plug_in = (counted.entropy + counted.entropy_y - counted.entropy_joint) / BIT
    alone, pairs, gamma = counted.n_codes + n_classes, counted.n_joint, np.euler_gamma
    corrected = plug_in + (alone - pairs - 1) / (2 * n)
    spread = 2 * math.log((n + 1) / 2) + 3.2
    low = plug_in + (alone / 2 - gamma * pairs - 0.5) / n - _deviation(spread, n, MEAN)
    joint = codes.joint(n_classes)
    missing = _missing(counted.single_joint, counted.n_thinned)
    low -= min(_bias(n, missing, joint), _bias_of_labels(counted))
    high = plug_in + (gamma * alone - pairs / 2 - 0.5) / n + _deviation(spread, n, ERROR)
    high += n_classes / (math.e * (n - 1))
    return BIT * corrected, _proven(low, min(high, math.log(n_classes)))


def _proven(low: float, high: float) -> Interval:
    return Interval(BIT * max(0.0, low), BIT * max(0.0, high), "proven")


def _deviation(most: float, n: int, error: float) -> float:
    """By what a function of n rows, of which each moves it by most/n, exceeds its expectation
    with this probability at most (McDiarmid)."""
    return most * math.sqrt(math.log(1 / error) / (2 * n))


def _missing(single: int, n_thinned: float) -> float:
    """What the expected share of the codes not seen exceeds with the probability MISSING."""
    return min(1.0, _most_expected(single, MISSING) / n_thinned)


def _most_expected(found: int, error: float) -> float:
    """The largest expectation of a sum of events that is not refuted by so few of them:
    μ − s + s ln(s/μ) = ln 1/error (Chernoff)."""
    wanted = math.log(1 / error)
    low, high = float(found), found + wanted + math.sqrt(2 * found * wanted) + wanted
    for _ in range(60):
        middle = (low + high) / 2
        told = middle - found + (found * math.log(found / middle) if found else 0.0)
        low, high = (middle, high) if told < wanted else (low, middle)
    return high


def _bias(n: int, missing: float, codes: Codes) -> float:
    """A limit of B in nats."""
    likely = _bias_of(n, missing, codes.likely)
    return likely + (_bias_of(n, codes.unlikely, codes.all) if codes.unlikely else 0.0)


def _bias_of(n: int, share: float, log_codes: float) -> float:
    """Σ_{k≥n} min(share, S/ek)/k, at most its integral from n − 1."""
    turn = log_codes - 1 - math.log(share) - math.log(n - 1)
    return share * (1 + turn) if turn > 0 else math.exp(log_codes - 1) / (n - 1)


def _bias_of_labels(counted: Counted) -> float:
    """A limit of B_TY − B_T in nats that needs no number of possible codes."""
    n, n_classes = counted.n, counted.n_classes
    if n_classes == 1:
        return 0.0
    each = n_classes / (math.e * (n - 1) * math.log(n_classes))
    expected = _most_expected(counted.n_codes, CODES)
    return math.log(n_classes) * min(1.0, each * expected / -math.expm1(-each * n))
