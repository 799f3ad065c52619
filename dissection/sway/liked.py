"""Which properties a judge likes most and least, over one group of pairs or several."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from dissection.agreement import Z_95
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.regression.posterior import Posterior, probability

LIKED_COLUMNS = (
    "property",
    "family",
    "mean",
    "low",
    "high",
    "percent",
    "percent_low",
    "percent_high",
    "direction",
    "differs",
    "n",
    "groups",
)


def liked(dataset: PairDataset, posteriors: Sequence[Posterior]) -> pd.DataFrame:
    """The judge's properties, the most liked first.

    Args:
        dataset: for the families.
        posteriors: of one judge; those without numbers are left out. Of several groups a weight is the mean, each by its pairs; they are
            fitted on their own, so their errors are independent.

    Returns:
        One row a property, `LIKED_COLUMNS`: `mean` with `low` to `high` (95 %) in log-odds; the same as how often, in per cent, the answer
        that is better only on this is preferred; `direction`, the probability that the weight is positive; `differs`, the pairs that
        differ in it, of the `n` judged in so many `groups`. Ends and directions of point estimates are NaN.

    Raises:
        InputError: no posterior has numbers.
    """
    known = [posterior for posterior in posteriors if posterior.converged]
    if not known:
        raise InputError(
            "There is no fit to read likes from.",
            where=", ".join(f"{posterior.judge}, {posterior.group.label}: {posterior.status}" for posterior in posteriors[:3]),
            accepted="a judge with verdicts on these pairs",
            remedy="choose another judge or other pairs",
        )
    n = np.array([posterior.n for posterior in known])
    share = n / n.sum() if n.sum() else np.full(len(known), 1 / len(known))
    mean = share @ np.stack([posterior.mean for posterior in known])
    if len(known) == 1:
        low, high, direction = known[0].low, known[0].high, known[0].direction
    else:
        sd = np.sqrt(share**2 @ np.stack([posterior.sd for posterior in known]) ** 2)
        low, high, direction = mean - Z_95 * sd, mean + Z_95 * sd, norm.cdf(mean / sd)
    table = pd.DataFrame(
        {
            "property": dataset.property_names,
            "family": [property_.family for property_ in dataset.properties],
            "mean": mean,
            "low": low,
            "high": high,
            "percent": probability(mean),
            "percent_low": probability(low),
            "percent_high": probability(high),
            "direction": direction,
            "differs": np.sum([posterior.differs for posterior in known], axis=0),
            "n": int(n.sum()),
            "groups": len(known),
        },
        columns=list(LIKED_COLUMNS),
    )
    return table.sort_values("mean", ascending=False, kind="stable", ignore_index=True)
