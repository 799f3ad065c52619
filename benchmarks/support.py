"""How long the support of clusters takes at paper size, and what the refits leave out: `python -m benchmarks.support [resamples]`.

The data are those of `benchmarks.paper_size`: 5,240 pairs, 33 judges, 11 scenarios. The naive way draws rows and fits each resample like any
data; the support's refits count each row's copies and stop where a resample's own scatter drowns the rest.
"""

import os
import sys
import time

import numpy as np

from benchmarks.paper_size import simulate
from dissection.likeness.support import RESAMPLES, cluster_support
from dissection.regression.fit import fit_rows
from dissection.regression.model import STANDARD
from dissection.regression.observations import usable
from dissection.similarity import mean_correlations

NAIVE = 3


def main() -> None:
    """Measure and print."""
    resamples = int(sys.argv[1]) if len(sys.argv) > 1 else RESAMPLES
    dataset, _, source = simulate()
    judges = list(range(len(dataset.judges)))
    print(
        f"{len(dataset):,} pairs, {len(judges)} judges, {len(dataset.scenarios)} scenarios; tastes: {source}; load {os.getloadavg()[0]:.1f}"
    )
    started = time.perf_counter()
    *_, found = cluster_support(dataset, resamples=resamples)
    seconds = time.perf_counter() - started
    shares = found.share[:-1]
    print(f"{resamples} resamples of {found.queries:,} queries: {seconds:.1f} s, {seconds / (resamples + 1):.2f} s each; ", end="")
    print(f"{(shares >= 0.7).sum()} of {len(shares)} branches in at least 70 % of them")
    rng = np.random.default_rng(0)  # the first draws of `cluster_support`, where each pair is a query of its own
    worst, started = 0.0, time.perf_counter()
    for number in range(NAIVE):
        counts = np.bincount(rng.integers(len(dataset), size=len(dataset)), minlength=len(dataset))
        weights = []
        for group in dataset.scenarios:
            comparisons, verdicts = usable(dataset, group, judges)
            drawn = np.repeat(np.arange(len(comparisons)), counts[dataset.members(group) & dataset.assessed])
            weights.append(fit_rows(comparisons[drawn], verdicts[drawn], STANDARD).mean[:, : len(dataset.properties)])
        worst = max(worst, float(np.abs(mean_correlations(np.stack(weights), "pearson") - found.similarities[number]).max()))
    naive = (time.perf_counter() - started) / NAIVE
    print(
        f"naive refits: {naive:.2f} s each, {naive * (resamples + 1) / seconds:.1f} times as long; largest difference of a similarity {worst:.5f}"
    )
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
