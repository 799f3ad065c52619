"""Simulation-based calibration: `python -m benchmarks.calibration [--engine fast|nuts] [--datasets N]`.

Talts et al. 2018, arXiv:1804.06788. Weights are drawn from the prior and verdicts from the model, so the place of each planted weight in
its posterior must be uniform on [0, 1]: for the fast engine the marginal distribution function at the truth, for NUTS the rank of the
truth among thinned draws, spread within its step. Each dataset has one judge, 29 properties, correlated comparisons of its own and a
number of pairs by lot.

The places of one dataset depend on each other, so that a chi-square test over all of them would be wrong. Two tests are right:

- Kolmogorov-Smirnov on one weight a dataset, chosen by lot: these are independent. The position bias, one a dataset, has its own.
- Hotelling's T² on the shares of a dataset's weights in each bin: one vector a dataset, and vectors of different datasets are independent,
  so their covariance is estimated as it is, dependence within a dataset included. It uses all weights and sees smaller faults. Its p is
  approximate, as shares are not normal: with 50 datasets and 10 bins one in 50 right engines has p below 0.01, with 400 and 20 one in 80.

The engine passes where no test has p below 0.01. As a control the same tests are shown an engine whose intervals are a tenth too narrow.
"""

import argparse
import sys
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from benchmarks.paper_size import PROPERTIES
from benchmarks.planted import Planted, fit_planted, places, plant_from_prior
from dissection.dataset import FloatArray
from dissection.regression.model import PAPER, STANDARD, Model

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 200, 400, 820, 2000)
DATASETS = {"fast": 2000, "nuts": 50}
SMALLEST_P = 0.01
RANKED = 99  # draws kept for a rank, so that it takes 100 values
FEW_DATASETS, MANY_BINS, FEW_BINS = 200, 20, 10
CONTROL = 0.9


def fast_places(cell: Planted, model: Model, _: np.random.Generator) -> FloatArray:
    """(d,) by the fast engine."""
    found = fit_planted(cell, model)
    if not found.converged.all():
        raise RuntimeError("a planted dataset did not converge")
    return places(found, cell.truth, model)[0]


def nuts_places(cell: Planted, model: Model, rng: np.random.Generator) -> FloatArray:
    """(d,) by NUTS."""
    from dissection.regression.nuts import Settings, sample

    draws = sample([cell.rows], model, Settings(draws=1000, tune=500, chains=4, seed=int(rng.integers(2**31)))).matrix()
    thinned = draws[np.linspace(0, len(draws) - 1, RANKED).astype(int)]
    rank = (thinned < cell.truth[0]).sum(axis=0)
    return np.asarray((rank + rng.random(rank.shape)) / (RANKED + 1))


ENGINES: "dict[str, Callable[[Planted, Model, np.random.Generator], FloatArray]]" = {"fast": fast_places, "nuts": nuts_places}


def simulate_places(engine: str, model: Model, datasets: int) -> FloatArray:
    """(datasets × d) places of the planted weights."""
    found = []
    for number in range(datasets):
        rng = np.random.default_rng(number)
        cell = plant_from_prior(int(rng.choice(SIZES)), 1, model, rng)
        found.append(ENGINES[engine](cell, model, rng))
    return np.array(found)


def one_weight_test(place: FloatArray, seed: int = 0) -> float:
    """The p of Kolmogorov-Smirnov against uniform on one weight a dataset, chosen by lot; `place` is (datasets × weights)."""
    chosen = np.random.default_rng(seed).integers(place.shape[1], size=len(place))
    return float(stats.kstest(place[np.arange(len(place)), chosen], "uniform").pvalue)


def shares(place: FloatArray, bins: int) -> FloatArray:
    """(datasets × bins) share of a dataset's weights in each of the bins, which are equally wide."""
    number = np.minimum((place * bins).astype(int), bins - 1)
    return np.stack([(number == one).mean(axis=1) for one in range(bins)], axis=1)


def all_weights_test(place: FloatArray) -> float:
    """The p of Hotelling's T² against equal shares of all bins but the last, which follows from the others.

    (N - k) / (k (N - 1)) T² ~ F(k, N - k) for N datasets and k free bins (Hotelling 1931, doi:10.1214/aoms/1177732979).
    """
    datasets, free = len(place), (MANY_BINS if len(place) >= FEW_DATASETS else FEW_BINS) - 1
    away = shares(place, free + 1)[:, :free] - 1 / (free + 1)
    centre = away.mean(axis=0)
    squared = datasets * centre @ np.linalg.solve(np.cov(away, rowvar=False), centre)
    return float(stats.f.sf(squared * (datasets - free) / (free * (datasets - 1)), free, datasets - free))


def narrowed(place: FloatArray, factor: float) -> FloatArray:
    """The places that an engine would give whose posteriors were narrower by this factor, on the scale of a normal."""
    return np.asarray(ndtr(ndtri(np.clip(place, 1e-15, 1 - 1e-15)) / factor))


def tests(place: FloatArray, model: Model) -> dict[str, float]:
    """The p of each test; the position bias, if any, is the last column of `place`."""
    weights = place[:, :PROPERTIES]
    found = {"one weight": one_weight_test(weights), "all weights": all_weights_test(weights)}
    if model.intercept_sd is not None:
        found["position bias"] = float(stats.kstest(place[:, -1], "uniform").pvalue)
    return found


def farthest(place: FloatArray) -> float:
    """Largest distance of the distribution of all places from the uniform one, in points."""
    return float(100 * stats.kstest(place.ravel(), "uniform").statistic)


def report(engine: str, model: Model, datasets: int) -> bool:
    """Print one model's tests, with the control; whether all are passed."""
    place = simulate_places(engine, model, datasets)
    found, control = tests(place, model), tests(narrowed(place, CONTROL), model)
    print(f"{engine} engine, model {model.name}, {datasets} datasets of {place.shape[1]} weights, pairs by lot from {SIZES}")
    print("| test | p | p for intervals a tenth too narrow |")
    print("|---|---|---|")
    for name, p in found.items():
        print(f"| {name} | {p:.3f} | {control[name]:.2g} |")
    share = shares(place[:, :PROPERTIES], MANY_BINS)
    error = share.std(axis=0, ddof=1) / np.sqrt(datasets)
    print("shares of 20 bins, %: " + " ".join(f"{100 * value:.1f}" for value in share.mean(axis=0)))
    print(f"  each should be 5.0; standard errors {100 * error.min():.2f}-{100 * error.max():.2f}")
    print(f"  farthest from uniform: {farthest(place[:, :PROPERTIES]):.2f} points\n", flush=True)
    return min(found.values()) >= SMALLEST_P


def main() -> int:
    """Print, and return 1 if a test is failed."""
    parser = argparse.ArgumentParser(description="Simulation-based calibration of an engine.")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="fast")
    parser.add_argument("--datasets", type=int, help=f"how many a model; without it {DATASETS}")
    options = parser.parse_args()
    datasets = options.datasets or DATASETS[options.engine]
    passed = [report(options.engine, model, datasets) for model in (STANDARD, PAPER)]
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main())
