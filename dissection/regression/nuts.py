"""The same models sampled by NUTS: PyMC states the model, nutpie compiles it once and is given each cell's data.

PyMC and nutpie are imported where they are used, so that showing a page never loads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dissection.dataset import FloatArray
from dissection.errors import InputError
from dissection.regression.model import Model
from dissection.regression.observations import Observations

if TYPE_CHECKING:
    import xarray

MOST_DRAWS = 20_000


@dataclass(frozen=True)
class Settings:
    """Settings of the sampler.

    Attributes:
        draws: kept draws of each chain.
        tune: warm-up draws of each chain.
        chains: at least 2, as R-hat compares chains.
        seed: of the sampler.

    Raises:
        InputError: a number is out of its range.
    """

    draws: int = 2000
    tune: int = 500
    chains: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {"draws": (self.draws, 100, MOST_DRAWS), "tune": (self.tune, 100, MOST_DRAWS), "chains": (self.chains, 2, 16)}
        for name, (value, low, high) in {**ranges, "seed": (self.seed, 0, 2**31 - 1)}.items():
            if not low <= value <= high:
                raise InputError(f"The sampler's {name} is {value}.", accepted=f"a whole number from {low} to {high}")


@dataclass(frozen=True, eq=False)
class Draws:
    """What a sampler gave.

    Attributes:
        posterior: `weights` (chain × draw × d, or × scenario × d if pooled), `position_bias` (… × 1 less) where the model has an
            intercept, and for pooled models `shared`, `shared_bias` and `spread`; all in log-odds.
        sample_stats: `diverging`, `energy`, `depth` and others for each draw.
    """

    posterior: "xarray.Dataset"
    sample_stats: "xarray.Dataset"

    def matrix(self) -> FloatArray:
        """(chains·draws × d) of a model without pooling, the position bias last where there is one."""
        weights = np.asarray(self.posterior["weights"], dtype=float)
        columns = [weights.reshape(-1, weights.shape[-1])]
        if "position_bias" in self.posterior:
            columns.append(np.asarray(self.posterior["position_bias"], dtype=float).reshape(-1, 1))
        return np.concatenate(columns, axis=1)


def sample(observations: Sequence[Observations], model: Model, settings: Settings) -> Draws:
    """Draw from the posterior of one judge.

    Args:
        observations: of one judge; one for a model without pooling, one a scenario for a pooled one.
        model: its settings of the prior are handed to the compiled model as data.
        settings: of the sampler.
    """
    import nutpie

    data = _data(observations, model)
    compiled = _compiled(observations[0].design.shape[1], len(observations), model.intercept_sd is not None, model.pooled)
    trace = nutpie.sample(
        compiled.with_data(**data),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        seed=settings.seed,
        cores=1,  # cells run side by side, not chains
        progress_bar=False,
        save_warmup=False,
    )
    return Draws(_plain(trace.posterior), _plain(trace.sample_stats))


def _plain(node: Any) -> "xarray.Dataset":
    """A data set, whether the sampler gives one (ArviZ 0.x) or a node of a tree (ArviZ 1.x)."""
    return node.to_dataset() if hasattr(node, "to_dataset") else node  # type: ignore[no-any-return]


def _data(observations: Sequence[Observations], model: Model) -> dict[str, FloatArray]:
    rows = [~np.isnan(part.verdicts[:, 0]) for part in observations]
    data = {
        "design": np.concatenate([part.design[keep] for part, keep in zip(observations, rows, strict=True)]),
        "verdicts": np.concatenate([part.verdicts[keep, 0] for part, keep in zip(observations, rows, strict=True)]),
        "powers": np.concatenate([part.weights[keep, 0] for part, keep in zip(observations, rows, strict=True)]),
        "prior_scale": np.array(model.prior_scale),
    }
    if model.intercept_sd is not None:
        data["intercept_sd"] = np.array(model.intercept_sd)
    if model.pooled:
        data["scenario"] = np.concatenate([np.full(int(keep.sum()), place) for place, keep in enumerate(rows)])
    return data


@lru_cache(maxsize=8)
def _compiled(d: int, scenarios: int, intercept: bool, pooled: bool) -> Any:  # noqa: FBT001 (lru_cache keys by position)
    import nutpie

    return nutpie.compile_pymc_model(_pymc_model(d, scenarios, intercept=intercept, pooled=pooled))


def _pymc_model(d: int, scenarios: int, *, intercept: bool, pooled: bool) -> Any:
    """The model with its data left open; `d` counts the intercept, if there is one, which then comes last."""
    import pymc as pm

    laplace = d - intercept
    with pm.Model() as model:
        design, verdicts = pm.Data("design", np.zeros((1, d))), pm.Data("verdicts", np.zeros(1))
        powers, scale = pm.Data("powers", np.ones(1)), pm.Data("prior_scale", np.array(0.1))
        sd = pm.Data("intercept_sd", np.array(1.0)) if intercept else None
        weights = pm.Laplace("shared" if pooled else "weights", 0.0, scale, shape=laplace)
        if sd is not None:
            bias = pm.Normal("shared_bias" if pooled else "position_bias", 0.0, sd)
            weights = pm.math.concatenate([weights, bias[None]])
        if pooled:
            scenario = pm.Data("scenario", np.zeros(1, dtype=np.int64))
            spread = pm.HalfNormal("spread", scale, shape=d)
            offset = pm.Normal("offset", 0.0, 1.0, shape=(scenarios, d))
            weights = weights + spread * offset
            pm.Deterministic("weights", weights[:, :laplace])
            if intercept:
                pm.Deterministic("position_bias", weights[:, laplace])
            predictor = pm.math.sum(design * weights[scenario], axis=1)
        else:
            predictor = pm.math.dot(design, weights)
        # y·log σ(f) + (1-y)·log σ(-f) = y·f - log(1 + e^f)
        pm.Potential("likelihood", pm.math.sum(powers * (verdicts * predictor - pm.math.log1pexp(predictor))))
    return model
