"""An epoch of small perceptrons in compiled loops: mini-batches, optimizer, loss and norms.

torch spends some 300 operators a step on a few thousand numbers; here one call does an epoch of
some networks, one after another. Activations are kept unit by unit, (units,
inputs), so that all loops run along inputs, and stay in the first-level cache.

A layer's parameters are the matrix (fan_in + 1, fan_out) that stands in a flat row: weights,
then biases; the last row of what goes into a layer is ones. Nothing here assumes that numbers
are finite: a loss that is NaN stays NaN.
"""

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from infoplane.compiled import compiled
from infoplane.streams_cpu import order

FAST = {"fastmath": {"reassoc", "contract", "arcp", "nsz"}, "error_model": "numpy"}
F = np.float32
LANES = 32
"""Batches are filled up to a multiple of this with inputs that do not count."""
WIDE = 512
"""Inputs that are evaluated at once."""
TANH, RELU, LEAKY, SIGMOID, SOFTSIGN, SOFTPLUS, LINEAR = range(7)
SGD, ADAM, ADAMW, RMSPROP = range(4)


@intrinsic
def _as_float(typing, i):
    def gen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.float32))

    return types.float32(types.int32), gen


@numba.njit(**FAST, forceinline=True)
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


@numba.njit(**FAST, forceinline=True)
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


@numba.njit(**FAST)
def _activate(h, kind, n):
    """A unit's activation function, in place."""
    if kind == TANH:
        for b in range(n):
            h[b] = _tanh(h[b])
    elif kind == RELU:
        for b in range(n):
            h[b] = F(0) if h[b] < F(0) else h[b]
    elif kind == LEAKY:
        for b in range(n):
            h[b] = F(0.01) * h[b] if h[b] < F(0) else h[b]
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


@numba.njit(**FAST)
def _slope(back, h, kind, n):
    """What comes back to a unit, times the slope of its function, by its output h."""
    if kind == TANH:
        for b in range(n):
            back[b] *= F(1) - h[b] * h[b]
    elif kind == RELU:
        for b in range(n):
            back[b] = back[b] if h[b] > F(0) else F(0)
    elif kind == LEAKY:
        for b in range(n):
            back[b] = back[b] if h[b] > F(0) else F(0.01) * back[b]
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


@numba.njit(**FAST)
def _combine(out, j, src, k, c, start, step, n):
    """out[j] = Σ c[start + i step] src[i] over k rows: first those left over, then fours."""
    i = (k - 1) % 4 + 1
    a0 = c[start]
    a1 = c[start + step] if i > 1 else F(0)
    a2 = c[start + 2 * step] if i > 2 else F(0)
    a3 = c[start + 3 * step] if i > 3 else F(0)
    if i == 1:
        for b in range(n):
            out[j, b] = a0 * src[0, b]
    elif i == 2:
        for b in range(n):
            out[j, b] = a0 * src[0, b] + a1 * src[1, b]
    elif i == 3:
        for b in range(n):
            out[j, b] = a0 * src[0, b] + a1 * src[1, b] + a2 * src[2, b]
    else:
        for b in range(n):
            out[j, b] = a0 * src[0, b] + a1 * src[1, b] + a2 * src[2, b] + a3 * src[3, b]
    while i < k:
        at = start + i * step
        a0, a1, a2, a3 = c[at], c[at + step], c[at + 2 * step], c[at + 3 * step]
        for b in range(n):
            more = a0 * src[i, b] + a1 * src[i + 1, b]
            out[j, b] += more + a2 * src[i + 2, b] + a3 * src[i + 3, b]
        i += 4


@numba.njit(**FAST)
def _outer(g, at, h, fan_in, d, fan_out, n):
    """g[i, j] = Σ h[i, b] d[j, b] over inputs b."""
    for j in range(fan_out):
        i = 0
        while i + 3 < fan_in:
            s0 = s1 = s2 = s3 = F(0)
            for b in range(n):
                v = d[j, b]
                s0 += h[i, b] * v
                s1 += h[i + 1, b] * v
                s2 += h[i + 2, b] * v
                s3 += h[i + 3, b] * v
            own = at + i * fan_out + j
            g[own], g[own + fan_out] = s0, s1
            g[own + 2 * fan_out], g[own + 3 * fan_out] = s2, s3
            i += 4
        while i < fan_in:
            s0 = F(0)
            for b in range(n):
                s0 += h[i, b] * d[j, b]
            g[at + i * fan_out + j] = s0
            i += 1


@numba.njit(**FAST)
def _forward(theta, widths, kinds, acts, n):
    """Activations of all layers, and scores before the softmax."""
    at = 0
    for layer in range(len(widths) - 1):
        fan_in, fan_out = widths[layer] + 1, widths[layer + 1]
        for j in range(fan_out):
            _combine(acts[layer + 1], j, acts[layer], fan_in, theta, at + j, fan_out, n)
            if layer < len(kinds):
                _activate(acts[layer + 1, j], kinds[layer], n)
        at += fan_in * fan_out
    return at


@numba.njit(**FAST)
def _softmax(z, classes, top, first, total, n):
    """Exponentials of z in place; the largest score, its first class, and the sum."""
    for b in range(n):
        top[b] = z[0, b]
        first[b] = 0
        total[b] = F(0)
    for c in range(1, classes):
        for b in range(n):
            higher = z[c, b] > top[b]
            top[b] = z[c, b] if higher else top[b]
            first[b] = c if higher else first[b]
    for c in range(classes):
        for b in range(n):
            z[c, b] = _exp(z[c, b] - top[b])
            total[b] += z[c, b]


@numba.njit(**FAST)
def _decay(g, theta, method, weight_decay, rate):
    """Weight decay, as a part of the gradient or, of AdamW, of the step."""
    if weight_decay != 0:
        if method == ADAMW:
            for p in range(len(theta)):
                theta[p] -= F(rate * weight_decay) * theta[p]
        else:
            for p in range(len(theta)):
                g[p] += F(weight_decay) * theta[p]


@numba.njit(**FAST)
def _step(g, theta, first, second, method, numbers, rate, t):
    """One step of torch's optimizer of this name.

    first, second : its moments, as torch keeps them; numbers : weight decay and its settings;
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
        # What is near 1 is taken from 1 before it is rounded.
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


@numba.njit(**FAST)
def _penalise(g, theta, widths, l1, l2):
    """Gradients of λ Σ|w| and λ Σw² of weights; biases are left out."""
    at = 0
    for layer in range(len(widths) - 1):
        weights = widths[layer] * widths[layer + 1]
        for p in range(at, at + weights):
            sign = F(theta[p] > F(0)) - F(theta[p] < F(0))
            g[p] += F(l1) * sign + F(2 * l2) * theta[p]
        at += weights + widths[layer + 1]


@numba.njit(**FAST)
def _train(
    x, y, order, theta, first, second, t, widths, kinds, batch, rates, method, numbers,
    smoothing, l1, l2, acts, deltas, mean, square,
):  # fmt: skip
    """An epoch of one network, in place; mean, square : of its gradient, over steps."""
    n_layers, classes, width = len(widths) - 1, widths[-1], acts.shape[2]
    g = np.empty_like(theta)
    top, total = np.empty(width, np.float32), np.empty(width, np.float32)
    largest, target = np.empty(width, np.int32), np.empty(width, np.int32)
    mean[:] = F(0)
    square[:] = F(0)
    for layer in range(n_layers):
        acts[layer, widths[layer]] = F(1)
    steps = 0
    for begin in range(0, len(order), batch):
        n = min(batch, len(order) - begin)
        m = (n + LANES - 1) // LANES * LANES
        for k in range(n):
            row = order[begin + k]
            target[k] = y[row]
            for i in range(widths[0]):
                acts[0, i, k] = x[row, i]
        for i in range(widths[0]):
            acts[0, i, n:m] = F(0)
        at = _forward(theta, widths, kinds, acts, m)
        z, d = acts[n_layers], deltas[n_layers]
        _softmax(z, classes, top, largest, total, m)
        scale, even = F(1) / F(n), F(smoothing / classes / n)
        own = F((1 - smoothing) / n)
        for b in range(m):
            total[b] = scale / total[b] if b < n else F(0)
        for b in range(n, m):
            target[b] = -1
        for c in range(classes):
            for b in range(m):
                wanted = own if target[b] == c else F(0)
                d[c, b] = z[c, b] * total[b] - wanted - (even if b < n else F(0))
        for layer in range(n_layers - 1, -1, -1):
            fan_in, fan_out = widths[layer] + 1, widths[layer + 1]
            at -= fan_in * fan_out
            h, d, back = acts[layer], deltas[layer + 1], deltas[layer]
            _outer(g, at, h, fan_in, d, fan_out, m)
            if layer > 0:
                for i in range(fan_in - 1):
                    _combine(back, i, d, fan_out, theta, at + i * fan_out, 1, m)
                    _slope(back[i], h[i], kinds[layer - 1], m)
        if l1 != 0 or l2 != 0:
            _penalise(g, theta, widths, l1, l2)
        for p in range(len(theta)):
            mean[p] += g[p]
            square[p] += g[p] * g[p]
        _step(g, theta, first, second, method, numbers, rates[steps], t + steps + 1)
        steps += 1
    for p in range(len(theta)):
        mean[p] /= F(steps)
        square[p] /= F(steps)


@numba.njit(**FAST)
def _evaluate(xt, y, theta, widths, kinds, acts):
    """Mean loss in nats and accuracy of one network. xt : (features, n)"""
    n_layers, classes, width = len(widths) - 1, widths[-1], acts.shape[2]
    top, total = np.empty(width, np.float32), np.empty(width, np.float32)
    largest = np.empty(width, np.int32)
    for layer in range(n_layers):
        acts[layer, widths[layer]] = F(1)
    loss, right = 0.0, 0
    for begin in range(0, len(y), width):
        n = min(width, len(y) - begin)
        m = (n + LANES - 1) // LANES * LANES
        for i in range(widths[0]):
            for b in range(n):
                acts[0, i, b] = xt[i, begin + b]
            for b in range(n, m):
                acts[0, i, b] = F(0)
        _forward(theta, widths, kinds, acts, m)
        z = acts[n_layers]
        for b in range(n):
            loss -= z[y[begin + b], b]
        _softmax(z, classes, top, largest, total, m)
        for b in range(n):
            loss += top[b]
            right += largest[b] == y[begin + b]
        for b0 in range(0, n, 32):  # a logarithm of 32 sums, of at most 10^9 classes each
            product = 1.0
            for b in range(b0, min(b0 + 32, n)):
                product *= total[b]
            loss += np.log(product)
    if len(y) == 0:
        return np.nan, np.nan
    return loss / len(y), right / len(y)


@numba.njit(**FAST)
def _norms(values, widths, out):
    """Root of each layer's sum of these values."""
    at = 0
    for layer in range(len(widths) - 1):
        size, total = (widths[layer] + 1) * widths[layer + 1], F(0)
        for p in range(at, at + size):
            total += values[p]
        out[layer] = np.sqrt(total)
        at += size


@compiled(nogil=True, **FAST)
def epochs(
    x, y, train, test, words, theta, first, second, t, widths, kinds, batch, rates, method,
    numbers, smoothing, l1, l2, scores, norms,
):  # fmt: skip
    """An epoch of every network, in place.

    x : (n, features); y : (n_networks or 1, n), labels; no rate: no training
    train, test : inputs (features, n) and labels that are evaluated afterwards
    words : (n_networks, n_words), of the key of each network's random order
    theta, first, second : (n_networks, n_numbers)
    scores : takes loss and accuracy on train and on test, (n_networks, 4)
    norms : takes norms by layer of weights, of the mean gradient and of its standard
        deviation, (n_networks, 3, n_layers)
    """
    rows, high = len(widths), widths.max() + 1
    filled = (batch + LANES - 1) // LANES * LANES
    acts = np.empty((rows, high, filled), np.float32)
    deltas = np.empty((rows, high, filled), np.float32)
    wide = np.empty((rows, high, WIDE), np.float32)
    for s in range(len(theta)):
        mean, square = np.full_like(theta[s], np.nan), np.full_like(theta[s], np.nan)
        if len(rates):
            _train(
                x, y[s % len(y)], order(len(x), words[s]), theta[s], first[s], second[s], t,
                widths, kinds, batch, rates, method, numbers, smoothing, l1, l2, acts, deltas,
                mean, square,
            )  # fmt: skip
        for p in range(len(mean)):
            square[p] -= mean[p] * mean[p]
            square[p] = F(0) if square[p] < F(0) else square[p]
            mean[p] *= mean[p]
        _norms(theta[s] * theta[s], widths, norms[s, 0])
        _norms(mean, widths, norms[s, 1])
        _norms(square, widths, norms[s, 2])
        scores[s, 0], scores[s, 1] = _evaluate(*train, theta[s], widths, kinds, wide)
        scores[s, 2], scores[s, 3] = _evaluate(*test, theta[s], widths, kinds, wide)
