"""Which effects of a whole view to believe, and how small an effect these pairs could have shown."""

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import false_discovery_control

from dissection.dataset import BoolArray, FloatArray
from dissection.errors import InputError
from dissection.regression.laplace import MAX_CAVITY_SD, tilted_direction

LEVEL = 0.05
POWER = 0.8
CERTAIN = 0.975  # P(weight > 0) from which the 95 % interval leaves out 0
HALVINGS = 60


def discoveries(frame: pd.DataFrame, level: float = LEVEL) -> BoolArray:
    """The cells that stay when many are looked at: of those marked, at most `level` are wrong on average.

    The procedure of Benjamini & Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x) on two-sided posterior tail probabilities,
    2·min(P(weight > 0), P(weight < 0)). These are not p values: the prior draws weights to zero, which makes them larger than p values
    where nothing is there. The bound is proved for cells that are independent or positively dependent; weights of properties that go
    together are neither, for which it is tried by simulation only.

    Args:
        frame: of `effects_frame`: the cells of one view.
        level: the false discovery rate, between 0 and 1.

    Returns:
        (rows,) True for discoveries; False for cells without a fit.

    Raises:
        InputError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"The false discovery rate is {level}.", accepted="a number between 0 and 1", remedy="use 0.05")
    direction = frame["direction"].to_numpy(dtype=float)
    fitted = (frame["status"] == "fitted").to_numpy(dtype=bool) & np.isfinite(direction)
    found = np.zeros(len(frame), dtype=bool)
    if fitted.any():
        tail = np.clip(2 * np.minimum(direction[fitted], 1 - direction[fitted]), 0, 1)
        found[fitted] = false_discovery_control(tail, method="bh") <= level
    return found


def smallest_effect(likelihood_sd: FloatArray, prior_scale: float, power: float = POWER) -> FloatArray:
    """The size of a true weight that these pairs would have shown as decided with probability `power`.

    What the verdicts alone say of a weight w scatters as N(w, likelihood_sd²). The 95 % interval leaves out 0 where the posterior of that
    with the Laplace prior has P(weight > 0) ≥ 0.975, which is so from some m* on; so w = m* + Φ⁻¹(power)·likelihood_sd. A wrong sign is
    not counted. The scatter is that at the weights that were found; at larger ones each pair says a little less.

    Args:
        likelihood_sd: any shape, in log-odds, as in `Posterior`.
        prior_scale: b of the Laplace prior, in log-odds.
        power: between 0 and 1.

    Returns:
        The same shape, in log-odds, positive; infinite where the pairs say nothing of the weight, NaN where the scatter is unknown.

    Raises:
        InputError: the power is not between 0 and 1.
    """
    if not 0 < power < 1:
        raise InputError(f"The power is {power}.", accepted="a number between 0 and 1", remedy="use 0.8")
    sd = np.asarray(likelihood_sd, dtype=float)
    silent = sd >= 0.99 * MAX_CAVITY_SD * prior_scale
    known = np.isfinite(sd) & (sd > 0) & ~silent
    spread = np.where(known, sd, 1.0)
    # At v/b + 4 sd the negative side of the posterior holds next to nothing.
    low, high = np.zeros_like(spread), 4 * spread + spread**2 / prior_scale
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = tilted_direction(middle, spread**2, prior_scale) >= CERTAIN
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(known, high + float(ndtri(power)) * spread, np.where(silent, np.inf, np.nan))
