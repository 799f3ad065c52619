"""Why this pair: what each property adds to a judge's predicted log-odds."""

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray
from dissection.regression.posterior import Posterior

POSITION = "shown first"


def contributions(posterior: Posterior, comparison: FloatArray, order: float = 0.0) -> pd.DataFrame:
    """Each property's α_i·φ_i for one pair, in log-odds that A is preferred; they sum exactly to the predicted log-odds.

    Args:
        posterior: with numbers (`posterior.converged`).
        comparison: (properties,) of the pair; NaN (not assessed) adds nothing and is marked by its comparison.
        order: +1 if A was shown first, -1 if B was, 0 if both orders were asked or the order should not count.

    Returns:
        One row a property, and one for the position where it counts: `property`, `comparison`, `contribution`, `low`, `high` (95 %).
        `low` and `high` are NaN for point estimates.
    """
    ends = np.stack([posterior.low * comparison, posterior.high * comparison])
    frame = pd.DataFrame(
        {
            "property": posterior.properties,
            "comparison": comparison,
            "contribution": np.nan_to_num(posterior.mean * comparison),
            "low": ends.min(axis=0),
            "high": ends.max(axis=0),
        }
    )
    bias = posterior.position_bias
    if bias is None or order == 0.0:
        return frame
    low, high = sorted((bias.low * order, bias.high * order))
    row = {"property": POSITION, "comparison": order, "contribution": bias.mean * order, "low": low, "high": high}
    return pd.concat([frame, pd.DataFrame([row])], ignore_index=True)


def predicted_log_odds(frame: pd.DataFrame) -> float:
    """The log-odds that A is preferred, from `contributions`."""
    return float(frame["contribution"].sum())


def predicted_interval(posterior: Posterior, comparison: FloatArray) -> tuple[float, float]:
    """95 % interval of Σ α_i φ_i in log-odds (Gaussian, with the weights' covariance; the position is not in it); NaN without one."""
    if not posterior.covariance.size:
        return float("nan"), float("nan")
    known = np.nan_to_num(comparison)
    centre, sd = float(known @ posterior.mean), float(np.sqrt(known @ posterior.covariance @ known))
    return centre - 1.959964 * sd, centre + 1.959964 * sd
