"""`streams.order` in compiled code: the same numbers as from numpy's SeedSequence and torch's
generator and randperm, without calling them for each network and epoch."""

from collections.abc import Iterable

import numba
import numpy as np

U = np.uint32


def words_of(key: Iterable[int]) -> list[int]:
    """The 32-bit words that SeedSequence makes of a key, the lowest of each number first."""
    words = []
    for number in key:
        words.append(number % 2**32)
        while number := number >> 32:
            words.append(number % 2**32)
    return words


@numba.njit
def order(n, words):
    """An order of n inputs from the words of a key: `streams.order(n, *key)`."""
    return _shuffled(n, _seed(words))


@numba.njit
def _seed(words):
    """The seed of torch's generator: SeedSequence(key).generate_state(1, uint64)[0] >> 1. The
    generator uses its lower 32 bits."""
    pool, constant = np.zeros(4, np.uint32), U(0x43B0D7E5)
    for i in range(4):
        word = words[i] if i < len(words) else U(0)
        pool[i], constant = _hashed(word, constant)
    for source in range(4):
        for into in range(4):
            if source != into:
                word, constant = _hashed(pool[source], constant)
                pool[into] = _mixed(pool[into], word)
    for i in range(4, len(words)):
        for into in range(4):
            word, constant = _hashed(words[i], constant)
            pool[into] = _mixed(pool[into], word)
    halves, constant = np.empty(2, np.uint32), U(0x8B51F9DD)
    for i in range(2):
        word = pool[i] ^ constant
        constant = U(constant * U(0x58F38DED))
        word = U(word * constant)
        halves[i] = word ^ (word >> U(16))
    return U(halves[0] >> U(1)) | U(halves[1] << U(31))


@numba.njit(forceinline=True)
def _hashed(word, constant):
    word = U(word ^ constant)
    constant = U(constant * U(0x931E8875))
    word = U(word * constant)
    return U(word ^ (word >> U(16))), constant


@numba.njit(forceinline=True)
def _mixed(a, b):
    mixed = U(U(U(0xCA01F9DD) * a) - U(U(0x4973F715) * b))
    return U(mixed ^ (mixed >> U(16)))


@numba.njit
def _shuffled(n, seed):
    """torch.randperm(n) with a generator of this seed: Fisher-Yates with a Mersenne twister."""
    state = np.empty(624, np.uint32)
    state[0] = seed
    for i in range(1, 624):
        before = state[i - 1]
        state[i] = U(U(1812433253) * (before ^ (before >> U(30)))) + U(i)
    found, others = np.arange(n), np.empty(624, np.uint32)
    for begin in range(0, n - 1, 624):
        _twist(state)
        drawn = min(624, n - 1 - begin)
        for i in range(drawn):
            word = state[i]
            word ^= word >> U(11)
            word ^= (word << U(7)) & U(0x9D2C5680)
            word ^= (word << U(15)) & U(0xEFC60000)
            word ^= word >> U(18)
            # The remainder: float64 gives the exact whole part of a quotient of 32-bit numbers.
            # It is below 2^31, because `left` is at least 2; AVX2 has no wider whole numbers.
            left = np.int32(n - begin - i)
            whole = np.int32(np.float64(word) / np.float64(left))
            others[i] = U(word - U(U(left) * U(whole)))
        for i in range(drawn):
            own, other = begin + i, begin + i + others[i]
            found[own], found[other] = found[other], found[own]
    return found


@numba.njit
def _twist(state):
    _twisted(state, 0, 227, 397)
    _twisted(state, 227, 623, -227)
    state[623] = _next(state[623], state[0], state[396])


@numba.njit(forceinline=True)
def _twisted(state, first, stop, further):
    for i in range(first, stop):
        state[i] = _next(state[i], state[i + 1], state[i + further])


@numba.njit(forceinline=True)
def _next(own, following, other):
    word = (own & U(0x80000000)) | (following & U(0x7FFFFFFF))
    return other ^ (word >> U(1)) ^ (U(0x9908B0DF) & (U(0) - (word & U(1))))
