"""Exact Shapley values on the probability scale: what each term of a sum of log-odds adds to its logistic function."""

import math

import numpy as np

from dissection.dataset import FloatArray

ACCURACY = 1e-15
MOST_AT_ONCE = 1_000_000  # complex numbers held for one step, 16 MB


def shapley(terms: FloatArray, accuracy: float = ACCURACY) -> FloatArray:
    """Shapley values of the game that gives a set S of terms the value σ(Σ_{i∈S} x_i); they sum to σ(Σ x_i) - 1/2.

    The value of term i is its mean gain when every other term is in with probability q, over q from 0 to 1 (Owen 1972,
    doi:10.1287/mnsc.18.5.64):

        φ_i = ∫₀¹ E[σ(x_i + T) - σ(T)] dq,  T = Σ_{j≠i} B_j x_j,  B_j ~ Bernoulli(q).

    With σ(s) - 1/2 = ∫₀^∞ sin(ωs)/sinh(πω) dω (Gradshteyn & Ryzhik, 3.981.1) the mean over the 2^(d-1) sets is a product,
    E[exp(iωT)] = Π_{j≠i} (1 - q + q·exp(iωx_j)), so no set is enumerated. As a polynomial in q of degree d - 1 it is integrated without
    error by ⌈d/2⌉ Gauss-Legendre nodes. In ω the midpoint rule of step h errs by less than 4·exp(-(2π/h - L)), L the largest size of a partial
    sum, and what is left out beyond W is less than 4·exp(-πW)/π; both are set below `accuracy`.

    Args:
        terms: (d,) or (rows × d), finite, in log-odds; the time grows with d²·(40 + L) a row.
        accuracy: of each value, absolute, before rounding.

    Returns:
        The same shape, as probability: times 100 for percentage points. A term of 0 has the value 0.

    Raises:
        ValueError: a term is not finite.
    """
    given = np.asarray(terms, dtype=np.float64)
    if not np.isfinite(given).all():
        raise ValueError("Shapley values need finite terms")
    rows = np.atleast_2d(given)
    found = np.zeros(rows.shape)
    active = np.flatnonzero((rows != 0).any(axis=0))
    if not len(active):
        return found.reshape(given.shape)
    x = rows[:, active]
    reach = float(np.maximum(np.where(x > 0, x, 0.0).sum(axis=1), -np.where(x < 0, x, 0.0).sum(axis=1)).max())
    room = math.log(8 / accuracy)
    step = 2 * math.pi / (reach + room)
    omega = step * (np.arange(math.ceil(room / math.pi / step), dtype=np.float64) + 0.5)
    nodes, masses = (np.asarray(part, dtype=np.float64) for part in np.polynomial.legendre.leggauss((len(active) + 1) // 2))
    chunk = max(1, MOST_AT_ONCE // (len(active) * len(omega) * len(nodes)))
    for start in range(0, len(x), chunk):
        found[start : start + chunk, active] = _integrate(
            x[start : start + chunk], omega, step / np.sinh(np.pi * omega), (nodes + 1) / 2, masses / 2
        )
    return found.reshape(given.shape)


def _integrate(x: FloatArray, omega: FloatArray, kernel: FloatArray, q: FloatArray, masses: FloatArray) -> FloatArray:
    """(rows × d) from (rows × d) terms; products without one factor by prefix and suffix, since a factor may be 0."""
    turns = np.exp(1j * omega * x[:, :, None])  # (rows × d × ω)
    prefix = [np.ones((len(x), len(omega), len(q)), dtype=np.complex128)]
    for term in range(x.shape[1] - 1):
        prefix.append(prefix[-1] * _factor(turns[:, term], q))
    found = np.empty(x.shape)
    suffix = np.ones_like(prefix[0])
    for term in range(x.shape[1] - 1, -1, -1):
        rest = (prefix[term] * suffix) @ masses
        found[:, term] = ((turns[:, term] - 1) * rest).imag @ kernel
        suffix *= _factor(turns[:, term], q)
    return found


def _factor(
    turn: "np.ndarray[tuple[int, int], np.dtype[np.complex128]]", q: FloatArray
) -> "np.ndarray[tuple[int, int, int], np.dtype[np.complex128]]":
    return 1 + q * (turn[:, :, None] - 1)
