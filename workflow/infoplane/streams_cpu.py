"""`streams.order` in compiled code: the same numbers as numpy's SeedSequence, and as torch's
generator and randperm, which are there called once for each network and epoch."""

from collections.abc import Iterable

import numba
import numpy as np

U = np.uint32


def words_of(key: Iterable[int]) -> list[int]:
    """A key as SeedSequence takes it up: 32 bits of each number at a time, the lowest first."""
    words = []
    for number in key:
        words.append(number % 2**32)
        while number := number >> 32:
            words.append(number % 2**32)
    return words


@numba.njit
def order(n, words):
    """An order of n inputs by the words of a key: `streams.order(n, *key)`."""
    return _shuffled(n, _seed(words))


@numba.njit
def _seed(words):
    """Of torch's generator: SeedSequence(key).generate_state(1, uint64)[0] >> 1, of which the
    generator takes 32 bits."""
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
    """torch.randperm(n) of a generator with this seed: Fisher-Yates by a Mersenne twister."""
    state = np.empty(624, np.uint32)
    state[0] = seed
    for i in range(1, 624):
        before = state[i - 1]
        state[i] = U(U(1812433253) * (before ^ (before >> U(30)))) + U(i)
    found = np.arange(n)
    at = 624
    for i in range(n - 1):
        if at == 624:
            _twist(state)
            at = 0
        word = state[at]
        at += 1
        word ^= word >> U(11)
        word ^= (word << U(7)) & U(0x9D2C5680)
        word ^= (word << U(15)) & U(0xEFC60000)
        word ^= word >> U(18)
        other = i + np.int64(word % U(n - i))
        found[i], found[other] = found[other], found[i]
    return found


@numba.njit
def _twist(state):
    for i in range(624):
        word = (state[i] & U(0x80000000)) | (state[(i + 1) % 624] & U(0x7FFFFFFF))
        odd = U(0x9908B0DF) if word & U(1) else U(0)
        state[i] = state[(i + 397) % 624] ^ (word >> U(1)) ^ odd
