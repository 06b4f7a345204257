"""Fits of local Gaussians, compiled for the CPU: one sample at a time, all in cache.

In units of the bandwidth and relative to the sample's position, let m, C and w be the mean,
covariance and mass of the neighbourhood, and μ_0 and L_0 L_0ᵀ the mean and covariance of all
samples. A fit has the mean μ = μ_0 + L_0 δ and the covariance L Lᵀ, where L = L_0 T, and T is
lower triangular with the diagonal e^τ. It minimises
    V = ln|L| + tr(Tᵀ⁻¹ T⁻¹ A) / 2 + N(μ; 0, L Lᵀ + I) / w
    A = L_0⁻¹ (C + (m − μ)(m − μ)ᵀ) L_0⁻ᵀ
which is minus its local log-likelihood over w, up to a constant. The coordinates of a fit are
δ, τ and the entries below T's diagonal. In these the log-likelihood of a Gaussian has a Hessian
near 1, whatever the bandwidth.

Derivatives are in closed form. Let P = T⁻¹, K = PᵀP, R = P A Pᵀ, W = R P, and for the mass
S = T Tᵀ + L_0⁻¹ L_0⁻ᵀ, J = S⁻¹, u = L_0⁻¹ μ, v = J u, s = Tᵀ v, N = J T, O = Tᵀ N, all (d, d)
or (d,). Every entry of the Hessian is a sum of about ten products of these.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from infoplane.compiled import compiled
from infoplane.estimators.kernels.distances import FAST

LONGEST = 3.0
"""Longest step of a fit, in its coordinates: a factor e³ for a standard deviation."""

LEAST_DAMPING = 1e-7

_ROUNDING = 1e-14


class Problem(NamedTuple):
    """The data for the fit at one sample, in units of the start.

    covariance, place : L_0⁻¹ C^(1/2) lower triangular (d, d), L_0⁻¹ (m − μ_0) (d,)
    unit, origin : L_0⁻¹ L_0⁻ᵀ (d, d), L_0⁻¹ μ_0 (d,)
    log_start, log_weight : ln|L_0|, ln w
    """

    covariance: np.ndarray
    place: np.ndarray
    unit: np.ndarray
    origin: np.ndarray
    log_start: float
    log_weight: float


@compiled(nogil=True)
def fits(weight, mean, root, start_mean, start, inverse, options, first, last, found):
    """Fill found[:, 0] with ln N(0; μ, Σ) of the fits first … last − 1, and found[:, 1] with 1
    if the fit converged, else 0.

    weight (n,), mean (n, d), root (n, d, d) : mass and mean of each neighbourhood, and a
        Cholesky factor of its covariance
    start_mean (n, d) : mean of all samples, relative to each sample; start (n,) : ln|L_0|
    inverse (n, d, d) : L_0⁻¹
    options : tolerance of the gradient, largest number of iterations
    """
    for i in range(first, last):
        own = inverse[i]
        problem = Problem(
            own @ root[i],
            own @ (mean[i] - start_mean[i]),
            own @ own.T,
            own @ start_mean[i],
            start[i],
            math.log(weight[i]),
        )
        found[i, 0], found[i, 1] = fitted(problem, options[0], options[1])


@numba.njit
def fitted(problem, tolerance, most):
    """ln N(0; μ, Σ) of one fit by damped Newton steps, and 1 if it converged, else 0."""
    d = len(problem.place)
    p = d + d * (d + 1) // 2
    z, damping, converged = np.zeros(p), 0.01, False
    gradient, hessian = np.empty(p), np.zeros((p, p))
    value = expansion(z, problem, gradient, hessian)
    step = np.empty(p)
    factor = np.empty((p, p))
    is_convex = cholesky(hessian, 0.0, factor)
    curvatures, axes = (np.empty(0), np.empty((0, 0))) if is_convex else _axes_of(hessian)
    for _ in range(most):
        if is_convex:
            cholesky(hessian, damping, factor)
            _solve(factor, gradient, step)
        else:  # downhill along each axis, for either sign of the curvature
            along = (axes.T @ gradient) / (curvatures + damping)
            step[:] = axes @ along
        # Also converged: the gain that a step could bring is below the rounding of the value.
        gain = gradient @ step
        if math.sqrt(gradient @ gradient) < tolerance or gain < _ROUNDING * (1 + abs(value)):
            converged = True
            break
        length = math.sqrt(step @ step)
        if length > LONGEST:
            step *= LONGEST / length
        if value_at(z - step, problem) < value:
            z -= step
            damping = max(damping / 4, LEAST_DAMPING)
            value = expansion(z, problem, gradient, hessian)
            is_convex = cholesky(hessian, 0.0, factor)
            if not is_convex:
                curvatures, axes = _axes_of(hessian)
        else:
            damping *= 5
    return log_density(z, problem), 1.0 if converged else 0.0


@numba.njit
def _axes_of(hessian):
    """Absolute curvatures (p,) and their axes, as columns (p, p), from the lower triangle."""
    curvatures, axes = np.linalg.eigh(hessian)
    return np.abs(curvatures), np.ascontiguousarray(axes)


@numba.njit
def triangle_of(z, d):
    """T (d, d) from coordinates z: δ, then T row by row, with τ in place of its diagonal."""
    triangle = np.zeros((d, d))
    at = d
    for i in range(d):
        for j in range(i):
            triangle[i, j] = z[at + j]
        triangle[i, i] = math.exp(z[at + i])
        at += i + 1
    return triangle


@numba.njit(fastmath=FAST)
def cholesky(matrix, raised, root):
    """Fill root with the Cholesky factor of the matrix, with `raised` added to its diagonal;
    False if there is none."""
    for i in range(len(matrix)):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            if j < i:
                root[i, j] = total / root[j, j]
                continue
            total += raised
            if not 0 < total < np.inf:
                return False
            root[i, i] = math.sqrt(total)
    return True


@numba.njit(fastmath=FAST)
def _solve(root, right, out):
    """Solves root rootᵀ out = right."""
    n = len(root)
    out[:] = right
    for i in range(n):
        total = out[i]
        for k in range(i):
            total -= root[i, k] * out[k]
        out[i] = total / root[i, i]
    for i in range(n - 1, -1, -1):
        out[i] /= root[i, i]
        for k in range(i):
            out[k] -= root[i, k] * out[i]


@numba.njit(fastmath=FAST)
def _inverse_of(root):
    """Inverse of a lower triangular matrix."""
    d = len(root)
    inverse = np.zeros((d, d))
    for i in range(d):
        inverse[i, i] = 1 / root[i, i]
        for j in range(i):
            factor = -root[i, j] / root[i, i]
            for k in range(j + 1):
                inverse[i, k] += factor * inverse[j, k]
    return inverse


@numba.njit
def value_at(z, problem):
    """V at coordinates z; infinite if rounding leaves no Gaussian."""
    d = len(problem.place)
    triangle = triangle_of(z, d)
    inverse = _inverse_of(triangle)
    squares = np.square(inverse @ problem.covariance).sum()
    squares += np.square(inverse @ (problem.place - z[:d])).sum()
    wide = np.empty((d, d))
    if not cholesky(triangle @ triangle.T + problem.unit, 0.0, wide):
        return np.inf
    u = _inverse_of(wide) @ (z[:d] + problem.origin)
    log_det = problem.log_start + np.log(np.diag(triangle)).sum()
    value = log_det + squares / 2 + math.exp(_log_mass(u, wide, problem))
    return value if value < np.inf else np.inf


@numba.njit
def _log_mass(u, wide, problem):
    """ln N(μ; 0, Σ + I) / w with u = (S^½)⁻¹ L_0⁻¹ μ and wide = S^½."""
    log_det = problem.log_start + np.log(np.diag(wide)).sum()
    return -(u @ u) / 2 - log_det - len(u) / 2 * math.log(2 * math.pi) - problem.log_weight


@numba.njit
def log_density(z, problem):
    """ln N(0; μ, Σ) at coordinates z."""
    d = len(problem.place)
    triangle = triangle_of(z, d)
    u = _inverse_of(triangle) @ (z[:d] + problem.origin)
    log_det = problem.log_start + np.log(np.diag(triangle)).sum()
    return -(u @ u) / 2 - log_det - d / 2 * math.log(2 * math.pi)


@numba.njit
def expansion(z, problem, gradient, hessian):
    """V at coordinates z; fills its gradient (p,) and the lower triangle of its Hessian."""
    d = len(problem.place)
    t = triangle_of(z, d)
    p = _inverse_of(t)
    k = p.T @ p
    spread = p @ problem.covariance
    e = p @ (problem.place - z[:d])
    r = spread @ spread.T + np.outer(e, e)
    w = r @ p
    ke = p.T @ e
    wide = np.empty((d, d))
    if not cholesky(t @ t.T + problem.unit, 0.0, wide):
        return np.inf
    inverse = _inverse_of(wide)
    j = inverse.T @ inverse
    u = inverse @ (z[:d] + problem.origin)
    v = inverse.T @ u
    s = t.T @ v
    n = j @ t
    o = t.T @ n
    mass = math.exp(_log_mass(u, wide, problem))
    log_det = problem.log_start + np.log(np.diag(t)).sum()
    # derivatives of V (without ln|L|) and of the log mass, along δ and T
    of_mass, scale = np.empty(len(z)), np.ones(len(z))
    gradient[:d] = -ke - mass * v
    of_mass[:d] = -v
    at = d
    for row in range(d):
        for column in range(row + 1):
            of_mass[at] = v[row] * s[column] - n[row, column]
            gradient[at] = -w[column, row] + mass * of_mass[at]
            at += 1
        scale[at - 1] = t[row, row]
    _fill(hessian, d, mass, of_mass, (k, r, w, p, ke, e), (j, n, o, v, s))
    at = d - 1
    for row in range(d):
        at += row + 1
        # along τ: dT = T dτ, d²T = T dτ²
        gradient[at] *= scale[at]
        _scale(hessian, at, scale[at])
        hessian[at, at] += gradient[at]
        gradient[at] += 1
    return log_det + np.trace(r) / 2 + mass


@numba.njit(fastmath=FAST)
def _scale(hessian, at, factor):
    for i in range(at + 1):
        hessian[at, i] *= factor
    for i in range(at, len(hessian)):
        hessian[i, at] *= factor


@numba.njit(fastmath=FAST)
def _fill(hessian, d, mass, of_mass, likelihood, mass_terms):
    """Fill the lower triangle of the Hessian along δ and T; names as in the module's
    docstring."""
    k, r, w, p, ke, e = likelihood
    j, n, o, v, s = mass_terms
    pt, wt = p.T.copy(), w.T.copy()
    for a in range(d):
        for b in range(a + 1):
            hessian[a, b] = k[a, b] + mass * (v[a] * v[b] - j[a, b])
    at = d
    for x in range(d):
        for y in range(x + 1):
            row = hessian[at]
            own = mass * of_mass[at]
            for a in range(d):
                row[a] = pt[a, y] * ke[x] + k[x, a] * e[y]
                row[a] += mass * (j[x, a] * s[y] + n[a, y] * v[x]) - own * v[a]
            first = d
            for x2 in range(x + 1):
                flat = mass * (v[x] * v[x2] - j[x, x2])
                of_p, of_w, of_r = w[y, x2], p[y, x2], k[x, x2]
                of_s = -mass * (s[y] * j[x, x2] + v[x] * n[x2, y])
                of_n = mass * (n[x2, y] - s[y] * v[x2])
                last = x2 + 1 if x2 < x else y + 1
                for y2 in range(last):
                    row[first + y2] = (
                        of_p * pt[x, y2]
                        + of_w * wt[x, y2]
                        + of_r * r[y, y2]
                        + of_s * s[y2]
                        + of_n * n[x, y2]
                        - flat * o[y, y2]
                        + own * of_mass[first + y2]
                    )
                if y < last:
                    row[first + y] += flat
                first += x2 + 1
            at += 1
