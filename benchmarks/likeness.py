"""Are the intervals of similarities honest, and the noise ceilings right? `python -m benchmarks.likeness [pairs]`.

Two judges' tastes are drawn with a correlation ρ, their verdicts' noise is shared to some degree, and the interval is held against the
correlation of the drawn tastes. Beside it the two plain ways: draws from the two posteriors, each on its own, and a paired bootstrap over
pairs with refits, whose targets are drawn towards 0 by shrinkage and noise.
"""

import sys
import time

import numpy as np
from scipy.special import expit, ndtr

from benchmarks.paper_size import PROPERTIES, correlated_comparisons
from dissection.dataset import FloatArray, PairDataset
from dissection.judges import Judge
from dissection.likeness.reliability import likeness
from dissection.properties import paper_properties
from dissection.regression.fit import fit, fit_rows
from dissection.regression.model import STANDARD
from dissection.regression.observations import usable
from dissection.similarity import mean_correlations, paired_correlations
from tests.conftest import make_pairs

CASES = [(groups, n, shared, rho) for groups, n in ((1, 240), (1, 800), (4, 240)) for shared, rho in ((0.0, 0.0), (0.0, 0.6), (0.6, 0.9))]
BOOTSTRAPS = 40
MEAN, SCALE = 0.05, 0.1


def simulate(groups: int, n: int, shared: float, rho: float, rng: np.random.Generator) -> tuple[PairDataset, PairDataset, FloatArray]:
    """Two judges' verdicts on pairs, their verdicts on fresh ones, and their (groups × 2 × properties) tastes."""
    one, other = rng.laplace(scale=SCALE, size=(2, groups, PROPERTIES))
    tastes = MEAN + np.stack([one, rho * one + np.sqrt(1 - rho**2) * other], axis=1)
    # Drawn at once, so that fresh pairs differ in the same properties as often as these do.
    first, second = np.split(correlated_comparisons(2 * groups * n, rng), 2)
    return _verdicts(tastes, first, shared, rng), _verdicts(tastes, second, shared, rng), tastes


def _verdicts(tastes: FloatArray, comparisons: FloatArray, shared: float, rng: np.random.Generator) -> PairDataset:
    groups, n = len(tastes), len(comparisons) // len(tastes)
    chance = expit(np.einsum("ni,nji->nj", comparisons, tastes[np.arange(groups * n) % groups]))
    noise = np.sqrt(shared) * rng.normal(size=(groups * n, 1)) + np.sqrt(1 - shared) * rng.normal(size=(groups * n, 2))
    verdicts = np.full((groups * n, 2, 2), np.nan)
    verdicts[:, :, 0] = ndtr(noise) < chance
    scores = np.full((groups * n, PROPERTIES, 2), np.nan)
    pairs = make_pairs(groups * n, [f"group {i + 1}" for i in range(groups)])
    return PairDataset("simulated", pairs, paper_properties(), comparisons, scores, (Judge("one"), Judge("other")), verdicts)


def plain(dataset: PairDataset, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Correlations (mean over groups) of draws from the two posteriors, and of refits to resampled pairs."""
    posteriors = fit(dataset, groups=[group.name for group in dataset.scenarios])
    drawn = [rng.multivariate_normal(p.mean, p.covariance, size=400) for p in posteriors]
    draws = np.mean([paired_correlations(one, other, "pearson") for one, other in zip(drawn[::2], drawn[1::2], strict=True)], axis=0)
    refits = []
    for _ in range(BOOTSTRAPS):
        weights = []
        for group in dataset.scenarios:
            comparisons, verdicts = usable(dataset, group, [0, 1])
            rows = rng.integers(len(comparisons), size=len(comparisons))
            weights.append(fit_rows(comparisons[rows], verdicts[rows], STANDARD).mean[:, :PROPERTIES])
        refits.append(mean_correlations(np.stack(weights), "pearson")[0, 1])
    return draws, np.array(refits)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rng = np.random.default_rng(0)
    print(f"{count} pairs of judges a row; coverage of 95 % intervals in %, and their mean width")
    for groups, n, shared, rho in CASES:
        started = time.perf_counter()
        inside, widths, ceilings, level = [], [], [], []
        for _ in range(count):
            dataset, fresh, tastes = simulate(groups, n, shared, rho, rng)
            truth = float(paired_correlations(tastes[:, 0], tastes[:, 1], "pearson").mean())
            found = likeness(dataset)
            row = found.pairs.iloc[0]
            ends = [(row["low"], row["high"]), *(np.quantile(draws, [0.025, 0.975]) for draws in plain(dataset, rng))]
            inside.append([low <= truth <= high for low, high in ends])
            widths.append([high - low for low, high in ends])
            means = [np.stack([p.mean for p in fit(data, groups=[g.name for g in data.scenarios])]) for data in (dataset, fresh)]
            ceilings.append([found.ceilings["ceiling"].mean(), np.nanmean(paired_correlations(*means, "pearson"))])
            level.append([truth, row["similarity"], row["corrected"]])
        covered, width = 100 * np.mean(inside, axis=0), np.mean(widths, axis=0)
        ways = ", ".join(
            f"{way} {c:.0f} ({w:.2f})" for way, c, w in zip(("interval", "posterior draws", "bootstrap"), covered, width, strict=True)
        )
        ceiling, actual = np.mean(ceilings, axis=0)
        truth, similarity, corrected = np.mean(level, axis=0)
        print(
            f"{groups} groups of {n}, ρ {rho:.1f}, shared noise {shared:.1f}: {ways}; tastes {truth:.2f}, similarity {similarity:.2f}, corrected "
            f"{corrected:.2f}; ceiling {ceiling:.2f}, fresh pairs {actual:.2f} ({time.perf_counter() - started:.0f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
