"""The verdicts' side of expectation propagation: one Gaussian site for each row, on its linear predictor.

A sweep takes the current Gaussian of the weights and returns d × d and d sums a judge, so rows may lie in any partition, on one machine
or many. Tilted moments come from quadrature.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dissection.dataset import FloatArray
from dissection.regression.observations import Observations

DAMPING = 0.8
BLOCK_ROWS = 16_384
FEW_JUDGES = 8  # up to so many, d × d products judge by judge are faster than by way of the products of columns
KEPT_BLOCKS = 4  # products of columns are kept between sweeps up to this many blocks, and made anew beyond, to bound the memory
HERMITE_NODES, HERMITE_SD = 12, 1.5  # so many points are exact to six digits up to this width of the predictor
TRAPEZOID_REACH = 6.5  # sds
MAX_PREDICTOR_SD = 35.0  # wider predictors, in log-odds, are beyond the quadrature

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]  # row and column indices of the upper triangle


class Sums(NamedTuple):
    """What one sweep over rows says of the weights.

    Attributes:
        gram: (J × d × d) precision that the sites add.
        moment: (J × d) precision times mean that they add.
        widest: (J,) largest cavity variance of a predictor.
    """

    gram: FloatArray
    moment: FloatArray
    widest: FloatArray


@dataclass
class _Block:
    """Some rows of the design with their sites; the same algorithm runs over any partition of the rows."""

    design: FloatArray  # (rows × d)
    verdicts: FloatArray  # (rows × J), 0 where there is no verdict
    weights: FloatArray  # (rows × J), 0 where there is no verdict
    counts: FloatArray | None  # (rows × J) copies of each row; they are alike, so one site stands for all; None: one of each
    precision: FloatArray  # (rows × J) site precisions
    shift: FloatArray  # (rows × J) site precision times mean

    def products(self) -> FloatArray:
        """(upper triangle × rows) products of two columns, in the order of `np.triu_indices`."""
        columns = np.ascontiguousarray(self.design.T)
        return np.concatenate([np.empty((0, len(self.design))), *(columns[i:] * columns[i] for i in range(len(columns)))])

    def totals(self) -> tuple[FloatArray, FloatArray]:
        """(rows × J) precision and shift of all copies of each row."""
        return (self.precision, self.shift) if self.counts is None else (self.counts * self.precision, self.counts * self.shift)


class Rows:
    """All rows of J judges with their sites."""

    def __init__(self, rows: Observations) -> None:
        self.judges, self.d = rows.verdicts.shape[1], rows.design.shape[1]
        self._upper: Pairs = np.triu_indices(self.d)
        self._blocks = list(_blocks(rows))
        with np.errstate(over="ignore"):
            kept = self.judges > FEW_JUDGES and len(self._blocks) <= KEPT_BLOCKS
            self._products = [block.products() for block in self._blocks] if kept else None

    def sweep(self, covariance: FloatArray, mean: FloatArray) -> Sums:
        """Update every site once.

        Args:
            covariance: (J × d × d) of the weights.
            mean: (J × d).
        """
        add = self._one_by_one if self.judges <= FEW_JUDGES else self._together
        return add(covariance, mean)

    def _one_by_one(self, covariance: FloatArray, mean: FloatArray) -> Sums:
        gram, moment, widest = np.zeros_like(covariance), np.zeros_like(mean), np.zeros(self.judges)
        for block in self._blocks:
            design = block.design
            variance = np.stack([np.einsum("rd,rd->r", design @ of_judge, design) for of_judge in covariance], axis=1)
            widest = np.maximum(widest, _update_sites(block, variance, design @ mean.T))
            precisions, shifts = block.totals()
            gram += np.stack([design.T @ (design * precision[:, None]) for precision in precisions.T])
            moment += shifts.T @ design
        return Sums(gram, moment, widest)

    def _together(self, covariance: FloatArray, mean: FloatArray) -> Sums:
        upper = self._upper
        # Off-diagonal products stand for two entries of the symmetric matrix.
        packed = covariance[:, upper[0], upper[1]] * np.where(upper[0] == upper[1], 1.0, 2.0)
        gram_packed = np.zeros((len(upper[0]), self.judges))
        moment, widest = np.zeros((self.judges, self.d)), np.zeros(self.judges)
        for number, block in enumerate(self._blocks):
            product = self._products[number] if self._products is not None else block.products()
            widest = np.maximum(widest, _update_sites(block, product.T @ packed.T, block.design @ mean.T))
            precisions, shifts = block.totals()
            gram_packed += product @ precisions
            moment += shifts.T @ block.design
        gram = np.empty((self.judges, self.d, self.d))
        gram[:, upper[0], upper[1]] = gram_packed.T
        gram[:, upper[1], upper[0]] = gram_packed.T
        return Sums(gram, moment, widest)


def _blocks(rows: Observations) -> Iterator[_Block]:
    answered = ~np.isnan(rows.verdicts) if rows.counts is None else ~np.isnan(rows.verdicts) & (rows.counts > 0)
    for start in range(0, max(len(rows.design), 1), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        weight = np.where(answered[part], rows.weights[part], 0.0)
        verdicts = np.where(answered[part], rows.verdicts[part], 0.0)
        counts = None if rows.counts is None else rows.counts[part]
        yield _Block(rows.design[part], verdicts, weight, counts, np.zeros_like(weight), np.zeros_like(weight))


def _update_sites(block: _Block, variance: FloatArray, mean: FloatArray) -> FloatArray:
    """Move the block's sites towards matching the tilted moments.

    `variance` and `mean` are those of the linear predictors (rows × J); returns each judge's largest cavity variance.
    """
    variance = np.maximum(variance, 1e-12)  # a row of zeros has no predictor to learn from
    remaining = np.maximum(1 / variance - block.precision, 1e-8)
    cavity_variance = 1 / remaining
    cavity_mean = cavity_variance * (mean / variance - block.shift)
    tilted_mean, tilted_variance = _logistic_moments(cavity_mean, cavity_variance, block.verdicts, block.weights)
    precision = np.maximum(1 / tilted_variance - remaining, 0.0)
    shift = tilted_mean / tilted_variance - cavity_mean * remaining
    block.precision += DAMPING * (precision - block.precision)
    block.shift += DAMPING * (shift - block.shift)
    silent = block.weights == 0
    block.precision[silent] = 0.0
    block.shift[silent] = 0.0
    return np.asarray(np.where(silent, 0.0, cavity_variance).max(axis=0, initial=0.0))


@cache
def _quadrature(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Points, in sds from the mean, and masses of a standard normal.

    Up to `HERMITE_NODES` by Gauss-Hermite. Beyond, by the trapezoidal rule, whose error falls exponentially once its points lie closer
    than the logistic function's poles at ±πi (Trefethen & Weideman 2014, doi:10.1137/130932132).
    """
    if nodes <= HERMITE_NODES:
        points, masses = np.polynomial.hermite_e.hermegauss(nodes)
    else:
        points = np.linspace(-TRAPEZOID_REACH, TRAPEZOID_REACH, nodes)
        masses = np.exp(-(points**2) / 2)
    return points, masses / masses.sum()


def _nodes(widest: float) -> int:
    """How many points resolve the logistic function under a Gaussian of this sd, in log-odds."""
    if not widest >= HERMITE_SD:  # also where it is NaN: such a judge is marked as not converged
        return HERMITE_NODES
    # Two points a log-odd; a power of two, so that few rules are kept.
    return int(min(2 ** np.ceil(np.log2(4 * TRAPEZOID_REACH * min(widest, MAX_PREDICTOR_SD))), 1024))


def _logistic_moments(mean: FloatArray, variance: FloatArray, verdicts: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of N(f; mean, variance)·σ(f)^(w·y)·σ(-f)^(w·(1-y)), elementwise."""
    sd = np.sqrt(variance)
    points, masses = _quadrature(_nodes(float(np.max(sd, initial=0.0))))
    zeroth, first, second = np.zeros_like(mean), np.zeros_like(mean), np.zeros_like(mean)
    hard = bool(np.all((weights == 0) | ((weights == 1) & ((verdicts == 0) | (verdicts == 1)))))
    sign = 1 - 2 * verdicts  # -1 where A won
    for point, mass in zip(points, masses, strict=True):
        f = mean + point * sd
        if hard:
            likelihood = mass / (1 + np.exp(sign * f))
        else:
            softplus = np.maximum(f, 0) + np.log1p(np.exp(-np.abs(f)))
            likelihood = mass * np.exp(weights * (verdicts * f - softplus))
        zeroth += likelihood
        first += likelihood * point
        second += likelihood * point**2
    offset = first / zeroth
    return mean + sd * offset, variance * (second / zeroth - offset**2)
