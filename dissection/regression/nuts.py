"""The same model sampled by PyMC's NUTS: the slow, exact engine against which the fast one is checked.

PyMC is imported where it is used, so that showing a page never loads it.
"""

import numpy as np

from dissection.dataset import FloatArray
from dissection.regression.model import Model


def sample(
    comparisons: FloatArray,
    verdicts: FloatArray,
    model: Model,
    *,
    draws: int = 2000,
    tune: int = 500,
    chains: int = 4,
    cores: int | None = None,
    seed: int = 0,
) -> FloatArray:
    """Posterior draws of one judge's weights in one group.

    Args:
        comparisons: (n × d).
        verdicts: (n,) soft verdicts in [0, 1], none missing, A shown first.
        model: with an intercept, its draws are the last column.
        draws: kept draws of each chain.
        tune: warm-up draws of each chain.
        chains: how many.
        cores: processes; None: PyMC's choice.
        seed: of the sampler.

    Returns:
        (chains·draws × d, or d + 1 with an intercept), in log-odds.
    """
    import pymc as pm

    with pm.Model():
        weights = pm.Laplace("weights", 0.0, model.prior_scale, shape=comparisons.shape[1])
        predictor = pm.math.dot(comparisons, weights)
        if model.intercept_sd is not None:
            predictor = predictor + pm.Normal("intercept", 0.0, model.intercept_sd)
        # y·log σ(f) + (1-y)·log σ(-f) = y·f - log(1 + e^f)
        pm.Potential("verdicts", pm.math.sum(verdicts * predictor - pm.math.log1pexp(predictor)))
        trace = pm.sample(
            draws=draws, tune=tune, chains=chains, cores=cores, random_seed=seed, progressbar=False, compute_convergence_checks=False
        )
    columns = [np.asarray(trace.posterior["weights"]).reshape(-1, comparisons.shape[1])]
    if model.intercept_sd is not None:
        columns.append(np.asarray(trace.posterior["intercept"]).reshape(-1, 1))
    return np.concatenate(columns, axis=1)
