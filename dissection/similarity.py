"""How alike judges are: correlation of their weights."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from dissection.dataset import FloatArray
from dissection.errors import UnknownNameError
from dissection.regression.posterior import Posterior

Method = Literal["pearson", "spearman"]
METHODS: tuple[Method, ...] = ("pearson", "spearman")


def similarity_matrix(posteriors: Sequence[Posterior], method: str = "pearson") -> pd.DataFrame:
    """Judges × judges, from -1 to 1; 1 on the diagonal.

    In one group, the correlation of the two judges' posterior means over the properties. Over several groups, the mean of the groups'
    correlations (Li et al. 2024, section 4); a group in which a judge has no numbers is left out for that judge, and a pair of judges
    that share no group gets NaN.

    Args:
        posteriors: of the groups to average over; hand in those of scenarios for the overall similarity.
        method: "pearson" or "spearman".

    Raises:
        UnknownNameError: the method is neither.
    """
    if method not in METHODS:
        raise UnknownNameError(f"There is no similarity named {method!r}.", accepted=", ".join(METHODS))
    judges = list(dict.fromkeys(posterior.judge for posterior in posteriors))
    groups = list(dict.fromkeys(posterior.group for posterior in posteriors))
    cells = {(posterior.judge, posterior.group): posterior.mean for posterior in posteriors}
    if not judges:
        return pd.DataFrame(dtype=float)
    d = len(posteriors[0].properties)
    stack = np.stack(
        [_correlations(np.stack([cells.get((judge, group), np.full(d, np.nan)) for judge in judges]), method) for group in groups]
    )
    known = ~np.isnan(stack)
    count = known.sum(axis=0)
    mean = np.divide(np.where(known, stack, 0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)
    np.fill_diagonal(mean, 1.0)
    return pd.DataFrame(mean, index=judges, columns=judges)


def _correlations(weights: FloatArray, method: str) -> FloatArray:
    """(judges × judges) correlations of rows; NaN where a row is unknown or constant."""
    if method == "spearman":
        known = ~np.isnan(weights).any(axis=1)
        ranked = np.full(weights.shape, np.nan)
        if known.any():
            ranked[known] = rankdata(weights[known], axis=1)
        weights = ranked
    centred = weights - weights.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    length[length == 0] = np.nan
    unit = centred / length[:, None]
    return np.asarray(np.clip(unit @ unit.T, -1.0, 1.0))
