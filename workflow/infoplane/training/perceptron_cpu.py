"""Epochs of small perceptrons in compiled loops: mini-batches, optimizer, loss and norms.

torch needs some 300 operators per step for a few thousand numbers; here one call trains some
networks for some epochs, one after another. Activations are stored unit by unit, (units,
inputs), so that loops run along inputs and stay in the core's own caches; products are summed
in registers.

A layer's parameters are the matrix (fan_in + 1, fan_out) in a flat row: weights, then biases;
the last row of a layer's input is ones. Nothing here assumes finite numbers: a loss that is NaN
stays NaN.
"""

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from infoplane.compiled import compiled
from infoplane.streams_cpu import order
from infoplane.training.penalties_cpu import keep_orthonormal, penalise
from infoplane.training.products_cpu import FILLED, FUSED, combine, filled, outer
from infoplane.vectors_cpu import (
    after,
    load,
    most,
    pointer,
    spread,
    store,
    turn,
    where_less,
    zeros,
)

EXACT = {"error_model": "numpy"}
SUMS = {"fastmath": {"reassoc", "contract", "nsz"}, **EXACT}
"""Freedoms of the compiler. An optimizer's step is computed as written, and the code before it
allows only one order. So weights have the same bits in every compilation and on every x86
machine that fuses products. Only losses and norms may be summed in any order."""
F = np.float32
WIDE = 256
"""Number of inputs evaluated at once."""
SPARE = 1
"""Number of rows that may be read after the last."""
TANH, RELU, LEAKY, SIGMOID, SOFTSIGN, SOFTPLUS, LINEAR = range(7)
SGD, ADAM, ADAMW, RMSPROP = range(4)


@intrinsic
def _as_float(typing, i):
    def gen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.float32))

    return types.float32(types.int32), gen


@numba.njit(**FUSED, forceinline=True)
def _exp(x):
    """exp of x ≤ 0 by a polynomial (Cephes), to 5 units in the last place."""
    low = F(-87.0) if x < F(-87.0) else x
    k = np.int32(low * F(1.44269504088896341) - F(0.5))
    r = low - F(k) * F(0.693359375) - F(k) * F(-2.12194440e-4)
    p = r * F(1.9875691500e-4) + F(1.3981999507e-3)
    p = r * p + F(8.3334519073e-3)
    p = r * p + F(4.1665795894e-2)
    p = r * p + F(1.6666665459e-1)
    p = r * p + F(5.0000001201e-1)
    p = r * r * p + r + F(1.0)
    return p * _as_float(np.int32((k + np.int32(127)) << np.int32(23)))


@numba.njit(**FUSED, forceinline=True)
def _tanh(x):
    """A quotient of polynomials, to 5 units in the last place; ±1 beyond ±7.9."""
    x = F(7.90531110763549805) if x > F(7.90531110763549805) else x
    x = F(-7.90531110763549805) if x < F(-7.90531110763549805) else x
    s = x * x
    p = s * F(-2.76076847742355e-16) + F(2.00018790482477e-13)
    p = s * p + F(-8.60467152213735e-11)
    p = s * p + F(5.12229709037114e-08)
    p = s * p + F(1.48572235717979e-05)
    p = s * p + F(6.37261928875436e-04)
    p = s * p + F(4.89352455891786e-03)
    q = s * F(1.19825839466702e-06) + F(1.18534705686654e-04)
    q = s * q + F(2.26843463243900e-03)
    q = s * q + F(4.89352518554385e-03)
    return x * p / q


@numba.njit(forceinline=True)
def _moves(kind):
    """Whether a function takes its numbers from other memory than it fills. A choice between a
    new number and the one in its place becomes a masked store, which takes AMD's processors
    with AVX2 ten times as long as a plain one."""
    return kind in (RELU, LEAKY)


@numba.njit(**FUSED)
def _activate(z, h, kind, n):
    """A unit's activation function: h from z, which lies in h unless it `_moves`; pointers."""
    if kind == TANH:
        for b in range(n):
            h[b] = _tanh(h[b])
    elif kind == RELU:
        for b in range(n):
            h[b] = F(0) if z[b] < F(0) else z[b]
    elif kind == LEAKY:
        for b in range(n):
            h[b] = F(0.01) * z[b] if z[b] < F(0) else z[b]
    elif kind == SIGMOID:
        for b in range(n):
            e = _exp(-abs(h[b]))
            h[b] = (e if h[b] < F(0) else F(1)) / (F(1) + e)
    elif kind == SOFTSIGN:
        for b in range(n):
            h[b] = h[b] / (F(1) + abs(h[b]))
    elif kind == SOFTPLUS:
        for b in range(n):
            h[b] = (F(0) if h[b] < F(0) else h[b]) + np.log1p(_exp(-abs(h[b])))


@numba.njit(**FUSED)
def _slope(signal, h, back, kind, n):
    """A unit's backward signal, times the slope of its function at output h: back from signal,
    which lies in back unless it `_moves`; pointers."""
    if kind == TANH:
        for b in range(n):
            back[b] *= F(1) - h[b] * h[b]
    elif kind == RELU:
        for b in range(n):
            back[b] = signal[b] if h[b] > F(0) else F(0)
    elif kind == LEAKY:
        for b in range(n):
            back[b] = signal[b] if h[b] > F(0) else F(0.01) * signal[b]
    elif kind == SIGMOID:
        for b in range(n):
            back[b] *= h[b] * (F(1) - h[b])
    elif kind == SOFTSIGN:
        for b in range(n):
            rest = F(1) - abs(h[b])
            back[b] *= rest * rest
    elif kind == SOFTPLUS:
        for b in range(n):
            back[b] *= F(1) - _exp(-h[b])


@numba.njit(**FUSED)
def _forward(theta, widths, kinds, inputs, from_row, sums, acts, row, n, is_kept):
    """Activations of all layers, row after row, with a row of ones after each hidden layer;
    returns where those of the last layer are.

    inputs, sums, acts : pointers, to inputs with a row of ones, to memory for one layer, and to
        the result
    from_row, row : from one of their rows to the next
    is_kept : whether each layer has its own place; else two places are used in turn, which stay
        in the fastest cache
    """
    h, out, other, at = inputs, acts, after(acts, (widths[1:].max() + 1) * row), theta
    for layer in range(len(widths) - 1):
        fan_in, fan_out = widths[layer] + 1, widths[layer + 1]
        is_last = layer == len(kinds)
        z = sums if not is_last and _moves(kinds[layer]) else out
        combine(z, row, fan_out, h, from_row, fan_in, at, fan_out, 1, n)
        if is_last:
            return out
        for j in range(fan_out):
            _activate(after(z, j * row), after(out, j * row), kinds[layer], n)
        ones = after(out, fan_out * row)
        for b in range(n):
            ones[b] = F(1)
        h, from_row, at = out, row, after(at, fan_in * fan_out)
        out, other = (after(ones, row), other) if is_kept else (other, out)
    return out


@numba.njit(**FUSED)
def _largest(z, row, classes, top, place, n):
    """The largest score of each input, and its class, the first of equals, as a float32.
    z, top, place : pointers"""
    for b in range(0, n, FILLED):
        largest, found = load(z, b, FILLED), zeros(z, FILLED)
        for c in range(1, classes):
            score = load(z, c * row + b, FILLED)
            found = where_less(largest, score, spread(F(c), FILLED), found)
            largest = most(score, largest)
        store(top, b, largest)
        store(place, b, found)


@numba.njit(**FUSED)
def _softmax(z, row, classes, top, total, n):
    """Exponentials of z minus its largest score, in place; and their sum. z : a pointer"""
    total[:n] = F(0)
    for c in range(classes):
        for b in range(n):
            e = _exp(z[c * row + b] - top[b])
            z[c * row + b] = e
            total[b] += e


@numba.njit(**EXACT)
def _decay(g, theta, method, weight_decay, rate):
    """Weight decay, as a part of the gradient or, for AdamW, of the step."""
    if weight_decay != 0:
        if method == ADAMW:
            for p in range(len(theta)):
                theta[p] -= F(rate * weight_decay) * theta[p]
        else:
            for p in range(len(theta)):
                g[p] += F(weight_decay) * theta[p]


@numba.njit(**EXACT)
def _step(g, theta, first, second, method, numbers, rate, t):
    """One step of torch's optimizer of this name.

    first, second : its moments, as in torch; numbers : weight decay and its settings;
    t : steps so far, this one included
    """
    _decay(g, theta, method, numbers[0], rate)
    if method == SGD:
        momentum, nesterov = F(numbers[1]), numbers[2] != 0
        for p in range(len(theta)):
            first[p] = momentum * first[p] + g[p]
            step = g[p] + momentum * first[p] if nesterov else first[p]
            theta[p] -= F(rate) * step
    elif method == RMSPROP:
        # Subtract from 1 before rounding, because the number is near 1.
        share, rest = F(numbers[1]), F(1 - numbers[1])
        momentum, eps = F(numbers[2]), F(numbers[3])
        for p in range(len(theta)):
            second[p] = share * second[p] + rest * g[p] * g[p]
            first[p] = momentum * first[p] + g[p] / (np.sqrt(second[p]) + eps)
            theta[p] -= F(rate) * first[p]
    else:
        rest1, share2, rest2 = F(1 - numbers[1]), F(numbers[2]), F(1 - numbers[2])
        size, eps = F(rate / (1 - numbers[1] ** t)), F(numbers[3])
        root = F(np.sqrt(1 - numbers[2] ** t))
        for p in range(len(theta)):
            first[p] += rest1 * (g[p] - first[p])
            second[p] = share2 * second[p] + rest2 * g[p] * g[p]
            theta[p] -= size * first[p] / (np.sqrt(second[p]) / root + eps)


@numba.njit(**FUSED)
def _gather(x, columns, order, begin, n, out, row):
    """Inputs order[begin], … , unit by unit.

    x, out : pointers, to rows of `columns` numbers and of inputs
    n : number of inputs to write; if `order` has no more, the first ones again
    """
    places = np.empty(n, np.int64)
    known = min(n, len(order) - begin)
    for k in range(known):
        places[k] = order[begin + k] * columns
    places[known:] = places[0]
    place = pointer(places)
    for k in range(0, n, 8):
        for i in range(0, columns, 8):
            turn(after(out, i * row + k), row, after(x, i), after(place, k))
    places[0] = 0  # keeps them until here


@numba.njit(**EXACT)
def _train(
    x, y, order, theta, first, second, t, widths, kinds, batch, rates, method, numbers,
    smoothing, l1, l2, orthonormal, scratch, row, mean, square,
):  # fmt: skip
    """Train one network for an epoch, in place; mean, square : of its gradient, over steps."""
    n_layers, classes, columns = len(widths) - 1, widths[-1], x.shape[1]
    g = np.empty_like(theta)
    top, total = np.empty(row, np.float32), np.empty(row, np.float32)
    place = np.empty(row, np.float32)
    target = np.empty(row, np.int32)
    mean[:] = F(0)
    square[:] = F(0)
    inputs, weights, gradient = pointer(scratch), pointer(theta), pointer(g)
    sums = after(inputs, columns * row)
    acts = after(sums, widths[1:].max() * row)
    deltas = after(acts, (widths[1:].sum() + n_layers + SPARE) * row)
    steps = 0
    for begin in range(0, len(order), batch):
        n = min(batch, len(order) - begin)
        m = (n + FILLED - 1) // FILLED * FILLED
        _gather(pointer(x), columns, order, begin, m, inputs, row)
        for k in range(n):
            target[k] = y[order[begin + k]]
        h = _forward(weights, widths, kinds, inputs, row, sums, acts, row, m, True)
        d = after(deltas, widths[1:-1].sum() * row)
        _largest(h, row, classes, pointer(top), pointer(place), m)
        _softmax(h, row, classes, top, total, m)
        scale, even = F(1) / F(n), F(smoothing / classes / n)
        own = F((1 - smoothing) / n)
        for b in range(n):
            total[b] = scale / total[b]
        for c in range(classes):
            for b in range(n):
                wanted = own if target[b] == c else F(0)
                d[c * row + b] = h[c * row + b] * total[b] - wanted - even
            for b in range(n, m):
                d[c * row + b] = F(0)
        at = len(theta)
        for layer in range(n_layers - 1, -1, -1):
            fan_in, fan_out = widths[layer] + 1, widths[layer + 1]
            at -= fan_in * fan_out
            h = after(h, -fan_in * row) if layer > 0 else inputs
            outer(after(gradient, at), h, fan_in, d, fan_out, row, m)
            if layer > 0:
                units = fan_in - 1
                back = after(d, -units * row)
                kind = kinds[layer - 1]
                signal = sums if _moves(kind) else back
                combine(signal, row, units, d, row, fan_out, after(weights, at), 1, fan_out, m)
                for i in range(units):
                    own = i * row
                    _slope(after(signal, own), after(h, own), after(back, own), kind, m)
                d = back
        if l1 != 0 or l2 != 0:
            penalise(g, theta, widths, l1, l2)
        if orthonormal != 0:
            keep_orthonormal(g, theta, widths, orthonormal)
        for p in range(len(theta)):
            mean[p] += g[p]
            square[p] += g[p] * g[p]
        _step(g, theta, first, second, method, numbers, rates[steps], t + steps + 1)
        steps += 1
    for p in range(len(theta)):
        mean[p] /= F(steps)
        square[p] /= F(steps)


@numba.njit(**SUMS)
def _evaluate(xt, y, n_inputs, theta, widths, kinds, scratch):
    """Mean loss in nats and accuracy of one network.

    xt, y : inputs (features + 1, n), with ones in the last row, and labels (n,); n is n_inputs,
        rounded up to a multiple of FILLED
    """
    classes = widths[-1]
    top, total = np.empty(WIDE, np.float32), np.empty(WIDE, np.float32)
    place = np.empty(WIDE, np.float32)
    inputs, sums, weights = pointer(xt), pointer(scratch), pointer(theta)
    acts = after(sums, widths[1:].max() * WIDE)
    loss, right = 0.0, 0
    for begin in range(0, n_inputs, WIDE):
        n = min(WIDE, n_inputs - begin)
        m = min(WIDE, len(y) - begin)
        x = after(inputs, begin)
        z = _forward(weights, widths, kinds, x, len(y), sums, acts, WIDE, m, False)
        _largest(z, WIDE, classes, pointer(top), pointer(place), m)
        for b in range(n):
            label = y[begin + b]
            loss += np.float64(top[b]) - np.float64(z[label * WIDE + b])
            right += np.int64(place[b]) == label
        _softmax(z, WIDE, classes, top, total, m)
        for b0 in range(0, n, 32):  # one logarithm for 32 sums, each of at most 10^9 classes
            product = 1.0
            for b in range(b0, min(b0 + 32, n)):
                product *= total[b]
            loss += np.log(product)
    if n_inputs == 0:
        return np.nan, np.nan
    return loss / n_inputs, right / n_inputs


@numba.njit(**SUMS)
def _norms(values, widths, out):
    """Root of each layer's sum of these values."""
    at = 0
    for layer in range(len(widths) - 1):
        size, total = (widths[layer] + 1) * widths[layer + 1], F(0)
        for p in range(at, at + size):
            total += values[p]
        out[layer] = np.sqrt(total)
        at += size


def scratch(widths: np.ndarray, batch: int) -> np.ndarray:
    """Memory for inputs, one layer's sums, all activations and their backward signals: zeros,
    aligned to a cache line."""
    rows = 2 * int(sum(widths[1:])) + int(max(widths[1:])) + len(widths) + 2 * SPARE
    columns = filled(widths[0] + 1, 8)
    size = max(filled(batch) * (columns + rows), WIDE * rows)
    found = np.zeros(size + 16, np.float32)
    first = -found.ctypes.data % 64 // 4
    return found[first : first + size]


@compiled(nogil=True, **EXACT)
def epochs(
    x, y, train, test, words, theta, first, second, t, widths, kinds, batch, rates, method,
    numbers, smoothing, l1, l2, orthonormal, scratch, states, scores, norms,
):  # fmt: skip
    """Train every network for some epochs.

    x : inputs (n, columns): features, a one, and zeros up to a multiple of eight
    y : labels (n_networks or 1, n)
    train, test : data of the evaluation after each epoch, as for `_evaluate`: xt, y, n_inputs
    words : (n_networks, n_epochs, n_words), the words of the key of each random order
    theta, first, second : (n_networks, n_numbers), before; t : steps so far
    rates : learning rates, (n_epochs, n_steps); without steps, epochs do not train
    scratch : from the function of that name, for this call alone
    states : takes theta, first and second after each epoch, (n_networks, n_epochs, 3,
        n_numbers)
    scores : takes loss and accuracy on train and on test, (n_networks, n_epochs, 4)
    norms : takes norms by layer of weights, of the mean gradient and of its standard
        deviation, (n_networks, n_epochs, 3, n_layers)
    """
    row = (min(batch, len(x)) + FILLED - 1) // FILLED * FILLED
    n_epochs, n_steps = rates.shape
    mean, square = np.empty_like(theta[0]), np.empty_like(theta[0])
    for s in range(len(theta)):
        weights, moments, squares = theta[s], first[s], second[s]
        for e in range(n_epochs):
            own = states[s, e]
            own[0], own[1], own[2] = weights, moments, squares
            weights, moments, squares = own[0], own[1], own[2]
            mean[:], square[:] = np.nan, np.nan
            if n_steps > 0:
                _train(
                    x, y[s % len(y)], order(len(x), words[s, e]), weights, moments, squares,
                    t + e * n_steps, widths, kinds, batch, rates[e], method, numbers, smoothing,
                    l1, l2, orthonormal, scratch, row, mean, square,
                )  # fmt: skip
            for p in range(len(mean)):
                square[p] -= mean[p] * mean[p]
                square[p] = F(0) if square[p] < F(0) else square[p]
                mean[p] *= mean[p]
            _norms(weights * weights, widths, norms[s, e, 0])
            _norms(mean, widths, norms[s, e, 1])
            _norms(square, widths, norms[s, e, 2])
            found = scores[s, e]
            found[0], found[1] = _evaluate(*train, weights, widths, kinds, scratch)
            found[2], found[3] = _evaluate(*test, weights, widths, kinds, scratch)
