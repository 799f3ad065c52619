"""What is known of one judge's weights in one group of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.regression.diagnostics import Diagnostics
from dissection.regression.model import Model
from dissection.regression.propagation import Approximation

Engine = Literal["fast", "nuts"]
Status = Literal["fitted", "not converged", "no verdicts", "point estimate", "not pooled"]

EFFECT_COLUMNS = ("judge", "group", "kind", "property", "mean", "sd", "low", "high", "probability", "direction", "n", "converged")


@dataclass(frozen=True, eq=False)
class PositionBias:
    """The weight of being shown first, in log-odds; positive: what is shown first wins more often between equals."""

    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Posterior:
    """One judge in one group.

    Attributes:
        mean, sd, low, high: (properties,) in log-odds; the ends hold 95 %. NaN where there is none.
        direction: (properties,) probability that the weight is positive.
        covariance: (properties × properties) of the Gaussian approximation, in squared log-odds; empty where there is none.
        n: pairs with a verdict of this judge and all properties assessed; 0 where unknown (point estimates).
        differs: (properties,) among those, pairs on which the two answers differ in the property.
        status: "fitted"; "not converged" (no numbers are given then); "no verdicts"; "point estimate" (a mean without an interval);
            "not pooled" (a condition, for which the pooled model has no place).
        position_bias: None for models without an intercept.
        engine: "fast" or "nuts".
        diagnostics: of the sampler's draws; None for the fast engine.
        likelihood_sd: (properties,) sd of each weight as the verdicts alone have it, without its prior; empty where unknown.
    """

    judge: str
    group: Group
    properties: tuple[str, ...]
    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    direction: FloatArray
    covariance: FloatArray
    n: int
    differs: FloatArray
    status: Status
    position_bias: PositionBias | None = None
    engine: Engine = "fast"
    diagnostics: Diagnostics | None = None
    likelihood_sd: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def converged(self) -> bool:
        return self.status in ("fitted", "point estimate")

    @property
    def decided(self) -> np.ndarray:
        """(properties,) True where the 95 % interval leaves out 0 log-odds, that is 50 %."""
        return (self.low > 0) | (self.high < 0)


def probability(log_odds: FloatArray | float) -> FloatArray:
    """100·σ(log-odds): how often, in per cent, the answer is preferred that is better only on this property."""
    return np.asarray(100 * expit(np.asarray(log_odds, dtype=float)))


def unknown_posterior(judge: str, group: Group, dataset: PairDataset, status: Status, n: int = 0) -> Posterior:
    """A cell without numbers, with the reason as its status."""
    nothing = np.full(len(dataset.properties), np.nan)
    return Posterior(
        judge, group, dataset.property_names, nothing, nothing, nothing, nothing, nothing, np.empty((0, 0)), n, nothing, status
    )


def posterior_of(
    dataset: PairDataset, group: Group, judge: int, comparisons: FloatArray, batch: Approximation, place: int, model: Model
) -> Posterior:
    """The posterior of the `place`th judge of a batch.

    Args:
        dataset: for the names.
        group: that was fitted.
        judge: its column in the dataset.
        comparisons: (n × d) of the pairs on which the judge has a verdict.
        batch: of the fast engine; the intercept, if any, comes last.
        place: of the judge in the batch.
        model: that was fitted.
    """
    name, n, d = dataset.judge_names[judge], len(comparisons), len(dataset.properties)
    if n == 0:
        return unknown_posterior(name, group, dataset, "no verdicts")
    if not batch.converged[place]:
        return unknown_posterior(name, group, dataset, "not converged", n)
    bias = None
    if model.intercept_sd is not None:
        bias = PositionBias(*(float(part[place, d]) for part in (batch.mean, batch.sd, batch.low, batch.high)))
    return Posterior(
        judge=name,
        group=group,
        properties=dataset.property_names,
        mean=batch.mean[place, :d],
        sd=batch.sd[place, :d],
        low=batch.low[place, :d],
        high=batch.high[place, :d],
        direction=batch.direction[place, :d],
        covariance=batch.covariance[place, :d, :d],
        n=n,
        differs=(comparisons != 0).sum(axis=0).astype(float),
        status="fitted",
        position_bias=bias,
        likelihood_sd=batch.likelihood_sd[place, :d],
    )


def effects_frame(posteriors: Sequence[Posterior]) -> pd.DataFrame:
    """One row a judge × group × property: `EFFECT_COLUMNS`, then `differs`, `decided`, `status` and `engine`."""
    if not posteriors:
        return pd.DataFrame(columns=[*EFFECT_COLUMNS, "differs", "decided", "status", "engine"])
    lengths = [len(p.properties) for p in posteriors]

    def spread(values: list[Any]) -> NDArray[Any]:
        return np.repeat(np.array(values, dtype=object), lengths)

    def join(field: str) -> FloatArray:
        return np.concatenate([getattr(p, field) for p in posteriors])

    mean = join("mean")
    return pd.DataFrame(
        {
            "judge": spread([p.judge for p in posteriors]),
            "group": spread([p.group.name for p in posteriors]),
            "kind": spread([p.group.kind for p in posteriors]),
            "property": np.array([name for p in posteriors for name in p.properties], dtype=object),
            "mean": mean,
            "sd": join("sd"),
            "low": join("low"),
            "high": join("high"),
            "probability": probability(mean),
            "direction": join("direction"),
            "n": np.repeat([p.n for p in posteriors], lengths),
            "converged": np.repeat([p.converged for p in posteriors], lengths),
            "differs": join("differs"),
            "decided": join("decided"),
            "status": spread([p.status for p in posteriors]),
            "engine": spread([p.engine for p in posteriors]),
        }
    )
