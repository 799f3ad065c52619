"""Which properties a judge likes most and least, over one group of pairs or several."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.regression.posterior import Posterior, probability
from dissection.sway.basis import told_apart

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
    "discovery",
    "differs",
    "n",
    "groups",
)


def liked(dataset: PairDataset, posteriors: Sequence[Posterior]) -> pd.DataFrame:
    """The judge's properties, the most liked first.

    Args:
        dataset: for the families.
        posteriors: of one judge; those without numbers are left out. One fit, or point estimates of several groups, whose mean is taken.

    Returns:
        One row a property, `LIKED_COLUMNS`: `mean` with `low` to `high` (95 %) in log-odds; the same as how often, in per cent, the answer
        that is better only on this is preferred; `direction`, the probability that the weight is positive; `discovery`, see `told_apart`;
        `differs`, the pairs that differ in it, of the `n` judged in so many `groups`. Ends and directions of point estimates are NaN.

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
    # Ends of point estimates are NaN, and so is their mean.
    mean, low, high, direction = (np.mean([getattr(one, name) for one in known], axis=0) for name in ("mean", "low", "high", "direction"))
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
            "discovery": told_apart(known[0]),
            "differs": np.sum([posterior.differs for posterior in known], axis=0),
            "n": sum(posterior.n for posterior in known),
            "groups": len(known),
        },
        columns=list(LIKED_COLUMNS),
    )
    return table.sort_values("mean", ascending=False, kind="stable", ignore_index=True)
