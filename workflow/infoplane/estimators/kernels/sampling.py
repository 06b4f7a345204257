"""Confidence intervals for entropies of a population, from the counts of a sample of n rows.

The rows are independent draws of codes with unknown probabilities p. Everything here is in
nats; results are converted to bits. H_n is the plug-in entropy, K the number of occupied codes,
γ Euler's constant.

Bias. D = Σ_c (c/n) (ψ(n) − ψ(c)) over the counts c has the expectation (Zhang 2012, Neural
Computation 24, 1368; Chao, Wang & Jost 2013, Methods Ecol. Evol. 4, 1091)
    E D = H − B,     B = Σ_{k≥n} m_k / k,     m_k = Σ p (1 − p)^k,
where m_k is the expected missing mass: the probability of all codes that k rows have not shown.
Because 1/2c ≤ ln c − ψ(c) ≤ γ/c,
    H_n + (K − 1)/2n ≤ D ≤ H_n + (γK − ½)/n.
The left side is the Miller-Madow estimate; its expectation is at most H. For each code,
p (1 − p)^k ≤ 1/ek. With S codes and any m ≥ m_n therefore m_k ≤ min(m, S/ek) for k ≥ n, and
    B ≤ m ln(S / (n − 1) m),     or B ≤ S/e(n − 1) if m is larger than this.
Codes are summed in two groups: codes of likely rows, and all others (`unlikely`).

Missing mass. If only a random number N ~ Poisson(n') of the rows is used, all counts are
independent (n' is so small that N > n has the probability OVERFLOW). The number of codes with
one row is then a sum of independent events with the expectation n' Σ p e^(−n'p) ≥ n' m_n, and
Chernoff's bound gives a limit for it.

Deviation. Replacing one row changes the left side by at most (ln n + 1.5)/n and the right side
by at most (ln n + 1 + γ)/n. It changes the sides of H(T) + H(Y) − H(T, Y), where the left side
of one entropy goes with the right side of another, by at most (2 ln((n + 1)/2) + 3.2)/n.
McDiarmid's inequality (1989) then gives limits for the expectations.

I(T;Y) = H(T) + H(Y) − H(T, Y). The biases satisfy B_T ≤ B_TY, because a code is divided into
pairs. So I(T;Y) exceeds the expectation by at most B_Y, and is less than it by at most
B_TY − B_T. This difference is at most B_TY, and also at most Σ min(p ln C, C/e(n − 1)) over the
codes of T, with C classes. A limit for E K suffices for that sum: the number of occupied codes
is a sum of negatively associated events, for which Chernoff's bound is valid (Dubhashi & Ranjan
1998, Random Struct. Alg. 13, 99).
"""

import math
from typing import NamedTuple

import numpy as np

from infoplane.information import BIT, Interval

ERROR = 0.025
"""Largest probability with which one side of an interval fails."""
MEAN, MISSING, OVERFLOW, UNLIKELY, CODES = 0.012, 0.006, 0.001, 0.003, 0.003
"""Shares of ERROR, for a side that needs several limits at once."""
LEAST = 30
"""There are no intervals for fewer rows."""


class Codes(NamedTuple):
    """Natural logarithms of the numbers of possible codes.

    likely : of codes within a region, which may depend on the sample
    all : of all codes
    unlikely : an upper limit of the probability of codes outside the region, which fails with
        the probability UNLIKELY
    """

    likely: float
    all: float
    unlikely: float = 0.0

    def joint(self, n_classes: int) -> "Codes":
        """The same for pairs of a code and a class."""
        more = math.log(n_classes)
        return Codes(self.likely + more, self.all + more, self.unlikely)


class Counted(NamedTuple):
    """The counts of n rows, for T, for T and Y together (joint), and for Y.

    entropy, entropy_joint, entropy_y : plug-in entropies in bits
    n_codes, n_joint, n_classes : numbers of occupied codes
    single, single_joint : numbers of codes with a single row among the rows of `thinned`
    n_thinned : the expected number of those rows
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
    """A random subset of n rows, in order, of Poisson size, so that the counts of codes are
    independent; and the expected size."""
    from scipy.special import pdtri  # not for plans, which import this file

    expected = float(pdtri(n, 1 - OVERFLOW))
    chosen = random.permutation(n)[: min(n, random.poisson(expected))]
    return np.sort(chosen), expected


def of_entropy(counted: Counted, codes: Codes) -> tuple[float, Interval]:
    """H(T): the Miller-Madow value and its interval, in bits."""
    n, k = counted.n, counted.n_codes
    plug_in = counted.entropy / BIT
    corrected = plug_in + (k - 1) / (2 * n)
    low = corrected - _deviation(math.log(n) + 1.5, n, ERROR)
    high = plug_in + (np.euler_gamma * k - 0.5) / n
    high += _deviation(math.log(n) + 1 + np.euler_gamma, n, MEAN)
    high += _bias(n, _missing(counted.single, counted.n_thinned), codes)
    return BIT * corrected, _proven(low, min(high, codes.all))


def of_information(counted: Counted, codes: Codes) -> tuple[float, Interval]:
    """I(T;Y): the Miller-Madow value and its interval, in bits.

    It assumes that the population has no classes that the sample lacks.
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
    """The deviation that a function of n rows exceeds with at most the probability `error`, if
    replacing one row changes it by at most most/n (McDiarmid)."""
    return most * math.sqrt(math.log(1 / error) / (2 * n))


def _missing(single: int, n_thinned: float) -> float:
    """An upper limit of the expected missing mass, which fails with the probability MISSING."""
    return min(1.0, _most_expected(single, MISSING) / n_thinned)


def _most_expected(found: int, error: float) -> float:
    """An upper limit of the expectation μ of a sum of events that has the value s = found. It
    solves μ − s + s ln(s/μ) = ln 1/error (Chernoff)."""
    wanted = math.log(1 / error)
    low, high = float(found), found + wanted + math.sqrt(2 * found * wanted) + wanted
    for _ in range(60):
        middle = (low + high) / 2
        told = middle - found + (found * math.log(found / middle) if found else 0.0)
        low, high = (middle, high) if told < wanted else (low, middle)
    return high


def _bias(n: int, missing: float, codes: Codes) -> float:
    """An upper limit of the bias B, in nats."""
    likely = _bias_of(n, missing, codes.likely)
    return likely + (_bias_of(n, codes.unlikely, codes.all) if codes.unlikely else 0.0)


def _bias_of(n: int, share: float, log_codes: float) -> float:
    """An upper limit of Σ_{k≥n} min(share, S/ek)/k: its integral from n − 1."""
    turn = log_codes - 1 - math.log(share) - math.log(n - 1)
    return share * (1 + turn) if turn > 0 else math.exp(log_codes - 1) / (n - 1)


def _bias_of_labels(counted: Counted) -> float:
    """An upper limit of B_TY − B_T, in nats, without the number of possible codes."""
    n, n_classes = counted.n, counted.n_classes
    if n_classes == 1:
        return 0.0
    each = n_classes / (math.e * (n - 1) * math.log(n_classes))
    expected = _most_expected(counted.n_codes, CODES)
    return math.log(n_classes) * min(1.0, each * expected / -math.expm1(-each * n))
