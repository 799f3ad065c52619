"""A noise model of annotations that two of them identify: now and then a comparison is drawn anew, whatever the answers are like.

The true comparison T is 0 with probability p0, else +1 or -1 alike. An annotation is T; but with probability ε it is drawn anew, 0 with
probability q0, else +1 or -1 alike. Two annotations of a pair are independent given T, and so are pairs. The 3 × 3 table of the two, taken
as symmetric (A and B, and first and second, are exchangeable), has three free shares: both 0 (a), one 0 (b), the same side (c), opposite
sides (the rest, d). They give the three parameters: with m = a + b/2, c - d = (1-p0)(1-ε)² and a - m² = p0(1-p0)(1-ε)². That the noise
is of this kind, and not one that goes mostly to neighbours or strikes pairs that are hard, two annotations can't tell.

What is given is the posterior under weak priors, ε ~ Beta(1, 4), p0 and q0 uniform, on a grid that is refined around its mass. The maximum
of the likelihood and its bootstrap mostly serve less: for a property in which one pair in ten differs, 200 pairs twice, ε = 0.1 and q0 = 1/3, the
maximum is 0.24 on average (root mean square error 0.21; that of the posterior mean 0.10), and 95 % intervals of its bootstrap held ε in 75 of
100 (`python -m benchmarks.annotation_noise`; docs/trust.md has the rest).
"""

from typing import NamedTuple

import numpy as np

from dissection.dataset import FloatArray

MIN_PAIRS, MIN_SIDES = 20, 5  # with fewer pairs, or pairs that differ in either annotation, mostly the prior would speak
PRIOR_POWER = 3.0  # of 1 - ε in the density of Beta(1, 4)
GRID = (48, 28, 20)  # cells of ε, p0 and q0
PASSES = 3
REACH = 12.0  # log units below the maximum that the next pass still covers
INTERVAL = 0.95


class Redraw(NamedTuple):
    """What one table says of the noise.

    Attributes:
        epsilon: posterior mean of the probability that a comparison is drawn anew.
        low, high: the shortest interval that holds 95 %.
        draws: (draws × 2) of ε, and of ε(1-q0), the probability that a comparison is drawn anew and becomes a side.
    """

    epsilon: float
    low: float
    high: float
    draws: FloatArray


def lacking(table: FloatArray) -> str:
    """Why a 3 × 3 table of counts can't say what the noise is; empty where it can."""
    n, sides = int(table.sum()), int(table.sum() - table[1, 1])
    if n < MIN_PAIRS:
        return f"{n} pairs annotated twice are too few to tell the noise ({MIN_PAIRS} are needed)"
    if sides < MIN_SIDES:
        return f"the answers differ in only {sides} of {n} pairs annotated twice, too few to tell the noise ({MIN_SIDES} are needed)"
    return ""


def fit_redraw(table: FloatArray, draws: int, seed: int = 0) -> Redraw:
    """The posterior of the noise.

    Args:
        table: (3 × 3) counts of the first and the second comparison as -1, 0, 1.
        draws: from the posterior.
        seed: of these.
    """
    counts = np.array([table[1, 1], 0.0, table[0, 0] + table[2, 2], table[0, 2] + table[2, 0]])
    counts[1] = table.sum() - counts.sum()
    low, high = np.zeros(3), np.ones(3)
    for step in range(PASSES):
        width = (high - low) / GRID
        centres = [low[axis] + width[axis] * (np.arange(size) + 0.5) for axis, size in enumerate(GRID)]
        density = _log_posterior(counts, *np.meshgrid(*centres, indexing="ij"))
        density -= density.max()
        if step < PASSES - 1:
            near = np.argwhere(density > -REACH)
            low, high = np.maximum(low + width * (near.min(axis=0) - 1), 0.0), np.minimum(low + width * (near.max(axis=0) + 2), 1.0)
    mass = np.exp(density) / np.exp(density).sum()
    rng = np.random.default_rng(seed)
    cells = np.stack(np.unravel_index(rng.choice(mass.size, size=draws, p=mass.ravel()), GRID), axis=1)
    found = low + width * (cells + rng.random((draws, 3)))
    marginal = mass.sum(axis=(1, 2))
    start, end = _shortest(marginal)
    return Redraw(
        float(marginal @ centres[0]),
        float(low[0] + width[0] * start),
        float(low[0] + width[0] * end),
        np.column_stack([found[:, 0], found[:, 0] * (1 - found[:, 2])]),
    )


def _log_posterior(counts: FloatArray, epsilon: FloatArray, ties: FloatArray, drawn_ties: FloatArray) -> FloatArray:
    """Up to a constant; `counts` of pairs with both 0, one 0, the same side, opposite sides."""
    to_zero, to_side = epsilon * drawn_ties, epsilon * (1 - drawn_ties) / 2
    zero, side = 1 - epsilon + to_zero, 1 - epsilon + to_side  # P(annotated as it truly is)
    both = ties * zero**2 + (1 - ties) * to_zero**2
    same = 2 * ties * to_side**2 + (1 - ties) * (side**2 + to_side**2)
    opposite = 2 * ties * to_side**2 + 2 * (1 - ties) * side * to_side
    one = np.maximum(1 - both - same - opposite, 0.0)
    shares = (both, one, same, opposite)
    likelihood = sum(count * np.log(np.maximum(share, 1e-300)) for count, share in zip(counts, shares, strict=True))
    return np.asarray(likelihood + PRIOR_POWER * np.log1p(-epsilon))


def _shortest(marginal: FloatArray) -> tuple[int, int]:
    """First cell, and the one after the last, of the shortest stretch that holds 95 %."""
    total = np.concatenate([[0.0], np.cumsum(marginal)])
    ends = np.searchsorted(total, np.minimum(total[:-1] + INTERVAL, total[-1] - 1e-12))
    ends = np.where(total[-1] - total[:-1] >= INTERVAL, ends, len(marginal) * 2)
    start = int(np.argmin(ends - np.arange(len(ends))))
    return start, int(min(ends[start], len(marginal)))
