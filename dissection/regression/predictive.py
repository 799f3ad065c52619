"""Posterior predictive check: would a judge with these weights have given verdicts like those that were seen?

The test quantity is, for each property, how often the answer that is better on it won (Gelman et al., Bayesian Data Analysis, chapter 6):
what the weights are read as, before any model.
"""

import numpy as np
import pandas as pd
from scipy.special import expit

from dissection.dataset import FloatArray
from dissection.regression.observations import Observations

REPLICATES = 400


def predictive_check(rows: Observations, draws: FloatArray, properties: tuple[str, ...], seed: int = 0) -> pd.DataFrame:
    """Observed and replicated win shares.

    Args:
        rows: of one judge.
        draws: (draws × d), d columns as in the design.
        properties: names of the first columns.
        seed: of the choice of draws and of the replicated verdicts.

    Returns:
        One row a property that differs on some pair: `property`, `n` (rows on which it differs), `observed` (share in % of those won by the
        answer that is better on it), `low`, `high` (95 % of the replicates), `inside`.
    """
    keep = ~np.isnan(rows.verdicts[:, 0])
    design, verdicts, weights = rows.design[keep], rows.verdicts[keep, 0], rows.weights[keep, 0]
    rng = np.random.default_rng(seed)
    chosen = draws[rng.integers(len(draws), size=REPLICATES)]
    replicated = (rng.random((REPLICATES, len(design))) < expit(chosen @ design.T)).astype(float)
    found = []
    for place, name in enumerate(properties):
        better = np.sign(design[:, place])
        power = weights * np.abs(better)
        if not power.sum():
            continue
        observed, shares = (((values - 0.5) * better + 0.5) @ power / power.sum() for values in (verdicts, replicated))
        low, high = np.quantile(shares, [0.025, 0.975])
        found.append((name, int((better != 0).sum()), 100 * observed, 100 * low, 100 * high, bool(low <= observed <= high)))
    return pd.DataFrame(found, columns=["property", "n", "observed", "low", "high", "inside"])
