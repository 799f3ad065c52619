"""How often intervals hold what was planted: `python -m benchmarks.coverage`.

Two questions. With tastes from the model's own prior, do intervals of 50, 80 and 95 % hold the truth as often as they say (goal: within 1
point)? And with the tastes of real judges (the published weights, see `benchmarks.paper_size`), where do the intervals fail because the
prior pulls strong weights towards zero, and what does a wider prior change? Comparisons are correlated, 29 properties and a position bias.

Standard errors take a cell (one judge on one design) as one draw in the first part, as a cell's weights are fitted together, and a design
with all its judges in the second, where the tastes are the same in each.
"""

import math
import sys
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.paper_size import PROPERTIES, tastes
from benchmarks.planted import covered, fit_planted, places, plant, plant_from_prior
from dissection.dataset import FloatArray
from dissection.regression.model import PAPER, STANDARD, Model

SIZES = (100, 200, 400, 820, 2000, 5000)
LEVELS = (0.5, 0.8, 0.95)
DESIGNS, JUDGES = 100, 20
GOAL = 0.01
SCALES = (0.1, 0.2, 0.4)
STRENGTHS = (0.0, 0.1, 0.3, 0.6, math.inf)
REPEATS = 3


class Share(NamedTuple):
    """A share and its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        """In per cent."""
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


def share(hits: FloatArray, counted: FloatArray | None = None) -> Share:
    """The share of hits among what is counted, both (clusters × anything); clusters are independent of each other.

    The standard error is that of a ratio of sums over clusters (Cochran 1977, Sampling Techniques, 6.3).
    """
    counted = np.ones_like(hits) if counted is None else counted
    hit, count = (hits * counted).reshape(len(hits), -1).sum(axis=1), counted.reshape(len(hits), -1).sum(axis=1)
    if not count.sum():
        return Share(math.nan, math.nan)
    value = hit.sum() / count.sum()
    return Share(float(value), float(np.sqrt(((hit - value * count) ** 2).sum()) / count.sum()))


class FromPrior(NamedTuple):
    """What one number of pairs gives under one model.

    Attributes:
        converged: share of cells.
        covered: by the intervals of each level.
        bias: position biases in their 95 % intervals; NaN without one.
        distance: root mean square of (truth - mean) / sd; 1 if sds are right.
        decided: weights whose 95 % interval leaves out zero.
        signs: of these, with the planted sign.
    """

    converged: float
    covered: tuple[Share, ...]
    bias: Share
    distance: float
    decided: float
    signs: float


def from_prior(n: int, model: Model) -> FromPrior:
    """Plant, fit and count."""
    inside, distance, clear, right, converged = [], [], [], [], []
    for seed in range(DESIGNS):
        cells = plant_from_prior(n, JUDGES, model, np.random.default_rng([n, seed]))
        found = fit_planted(cells, model)
        inside.append(places(found, cells.truth, model))
        distance.append(((cells.truth - found.mean) / found.sd)[:, :PROPERTIES])
        clear.append(((found.low > 0) | (found.high < 0))[:, :PROPERTIES])
        right.append((np.sign(found.mean) == np.sign(cells.truth))[:, :PROPERTIES][clear[-1]])
        converged.append(found.converged)
    place = np.concatenate(inside)
    signs = np.concatenate(right)
    return FromPrior(
        float(np.concatenate(converged).mean()),
        tuple(share(covered(place[:, :PROPERTIES], level)) for level in LEVELS),
        share(covered(place[:, PROPERTIES:], LEVELS[-1])),
        float(np.sqrt(np.square(distance).mean())),
        float(np.mean(clear)),
        float(signs.mean()) if signs.size else math.nan,
    )


def report_prior(model: Model) -> float:
    """Print the table of one model; the largest distance of a share from its level."""
    print(f"{model.description} Tastes from the prior, {DESIGNS * JUDGES:,} cells for each n; % ± standard error.\n")
    print("| n | converged | in 50 % | in 80 % | in 95 % | position bias in 95 % | error / sd | decided | sign right |")
    print("|---|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for n in SIZES:
        row = from_prior(n, model)
        bias = "–" if math.isnan(row.bias.value) else str(row.bias)
        levels = " | ".join(str(part) for part in row.covered)
        print(
            f"| {n} | {100 * row.converged:.0f} | {levels} | {bias} | {row.distance:.3f} | {100 * row.decided:.1f} | {100 * row.signs:.1f} |",
            flush=True,
        )
        worst = max(worst, *(abs(part.value - level) for part, level in zip(row.covered, LEVELS, strict=True)))
    print(f"\nfarthest from its level: {100 * worst:.2f} points (goal: at most {100 * GOAL:.0f})\n")
    return worst


class Fitted(NamedTuple):
    """Planted and found weights, each (designs × judges × properties)."""

    truth: FloatArray
    mean: FloatArray
    sd: FloatArray
    inside: FloatArray  # 1 in the 95 % interval, else 0


def fit_real_tastes(n: int, model: Model, tastes_of: FloatArray) -> Fitted:
    """Refit verdicts that the (scenarios × judges × properties) tastes give, each scenario on `REPEATS` designs of n pairs."""
    parts = []
    for number, taste in enumerate(np.concatenate([tastes_of] * REPEATS)):
        cells = plant(n, taste, model, np.random.default_rng([n, number]))
        found = fit_planted(cells, model)
        inside = covered(places(found, cells.truth, model), LEVELS[-1])
        parts.append([part[:, :PROPERTIES] for part in (cells.truth, found.mean, found.sd, inside)])
    return Fitted(*(np.stack(part) for part in zip(*parts, strict=True)))


def report_real(scale: float, source: str, tastes_of: FloatArray) -> None:
    """Print where shrinkage bites at one prior scale."""
    model = replace(STANDARD, prior_scale=scale)
    print(f"{model.description} Tastes: {source}; by the size of the planted weight, in log-odds:")
    print("% in the 95 % interval ± standard error (mean found weight as a share of the planted).\n")
    names = [f"{low:g}–{high:g}" if math.isfinite(high) else f"over {low:g}" for low, high in pairwise(STRENGTHS)]
    print(f"| n | {' | '.join(names)} | all in 95 % | root mean square error | mean sd |")
    print("|---" * (len(names) + 4) + "|")
    for n in SIZES:
        row = fit_real_tastes(n, model, tastes_of)
        strength = np.abs(row.truth)
        shown = []
        for low, high in pairwise(STRENGTHS):
            part = (strength >= low) & (strength < high)
            kept = (row.mean * np.sign(row.truth))[part].sum() / strength[part].sum()
            shown.append(f"{share(row.inside, part.astype(float))} ({kept:.2f})")
        error = float(np.sqrt(((row.mean - row.truth) ** 2).mean()))
        print(f"| {n} | {' | '.join(shown)} | {share(row.inside)} | {error:.3f} | {row.sd.mean():.3f} |", flush=True)
    print()


def main() -> int:
    """Print all tables, and return 1 if the goal is missed."""
    worst = max(report_prior(model) for model in (STANDARD, PAPER))
    source, _, _, tastes_of = tastes(np.random.default_rng(0))
    strength = np.abs(tastes_of)
    sizes = ", ".join(f"{100 * ((strength >= low) & (strength < high)).mean():.0f} %" for low, high in pairwise(STRENGTHS))
    print(f"Of {source}, {sizes} are from {', '.join(f'{low:g}' for low in STRENGTHS[:-1])} log-odds.\n")
    for scale in SCALES:
        report_real(scale, source, tastes_of)
    return int(worst > GOAL)


if __name__ == "__main__":
    sys.exit(main())
