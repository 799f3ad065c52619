"""From a cell to posteriors by the sampler, and these posteriors as JSON for the worker's pipe and the store."""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from dissection.dataset import ALL_PAIRS, FloatArray, Group
from dissection.regression.cells import Cell
from dissection.regression.diagnostics import Diagnostics, diagnose
from dissection.regression.nuts import Draws, sample
from dissection.regression.posterior import PositionBias, Posterior

TAILS = (0.025, 0.975)
_ARRAYS = ("mean", "sd", "low", "high", "direction", "covariance", "differs", "likelihood_sd")


class Sampled(NamedTuple):
    """One cell's result: the draws and what they say of each group."""

    draws: Draws
    posteriors: list[Posterior]


def run(cell: Cell) -> Sampled:
    """Sample a cell. Draws that fail a diagnostic give posteriors without numbers, "not converged", with the diagnostics in them."""
    started = time.perf_counter()
    draws = sample(cell.rows, cell.model, cell.settings)
    found = diagnose(draws.posterior, draws.sample_stats, time.perf_counter() - started)
    return Sampled(draws, summarise(cell, draws, found))


def summarise(cell: Cell, draws: Draws, diagnostics: Diagnostics) -> list[Posterior]:
    """One posterior a group; for a pooled cell a last one, "All pairs", of the taste that the scenarios share."""
    weights, bias = (_stack(draws, name) for name in ("weights", "position_bias"))
    assert weights is not None
    if not cell.model.pooled:
        return [_posterior(cell, cell.groups[0], weights, bias, cell.n[0], cell.differs[0], diagnostics)]
    posteriors = [
        _posterior(cell, group, weights[:, place], bias[:, place] if bias is not None else None, n, differs, diagnostics)
        for place, (group, n, differs) in enumerate(zip(cell.groups, cell.n, cell.differs, strict=True))
    ]
    shared, shared_bias = (_stack(draws, name) for name in ("shared", "shared_bias"))
    assert shared is not None
    everything = Group(ALL_PAIRS, "all")
    total = np.sum(cell.differs, axis=0)
    return [*posteriors, _posterior(cell, everything, shared, shared_bias, sum(cell.n), total, diagnostics)]


def _stack(draws: Draws, name: str) -> FloatArray | None:
    """(draws of all chains × …), None where the model has no such variable."""
    if name not in draws.posterior:
        return None
    values = np.asarray(draws.posterior[name], dtype=float)
    return values.reshape(-1, *values.shape[2:])


def _posterior(
    cell: Cell, group: Group, weights: FloatArray, bias: FloatArray | None, n: int, differs: FloatArray, diagnostics: Diagnostics
) -> Posterior:
    low, high = np.quantile(weights, TAILS, axis=0)
    found = Posterior(
        judge=cell.judge,
        group=group,
        properties=cell.properties,
        mean=weights.mean(axis=0),
        sd=weights.std(axis=0, ddof=1),
        low=low,
        high=high,
        direction=(weights > 0).mean(axis=0),
        covariance=np.atleast_2d(np.cov(weights, rowvar=False)),
        n=n,
        differs=differs,
        status="fitted" if n else "no verdicts",
        position_bias=_bias(bias) if bias is not None else None,
        engine="nuts",
        diagnostics=diagnostics,
    )
    return found if diagnostics.passed and n else without_numbers(found, "not converged" if n else "no verdicts")


def _bias(draws: FloatArray) -> PositionBias:
    low, high = np.quantile(draws, TAILS)
    return PositionBias(float(draws.mean()), float(draws.std(ddof=1)), float(low), float(high))


def without_numbers(posterior: Posterior, status: Any) -> Posterior:
    """The same cell, with its numbers taken away."""
    nothing = np.full(len(posterior.properties), np.nan)
    return replace(
        posterior,
        mean=nothing,
        sd=nothing,
        low=nothing,
        high=nothing,
        direction=nothing,
        covariance=np.empty((0, 0)),
        status=status,
        position_bias=None,
    )


def posterior_to_json(posterior: Posterior) -> dict[str, Any]:
    """For `json.dumps`; NaN stays NaN, which Python's own reader takes."""
    facts: dict[str, Any] = {name: np.asarray(getattr(posterior, name)).tolist() for name in _ARRAYS}
    bias, found = posterior.position_bias, posterior.diagnostics
    return facts | {
        "judge": posterior.judge,
        "group": asdict(posterior.group),
        "properties": list(posterior.properties),
        "n": posterior.n,
        "status": posterior.status,
        "engine": posterior.engine,
        "position_bias": asdict(bias) if bias else None,
        "diagnostics": found.to_dict() if found else None,
    }


def posterior_from_json(facts: Mapping[str, Any]) -> Posterior:
    """From `posterior_to_json`."""
    arrays = {name: np.array(facts[name], dtype=float) for name in _ARRAYS}
    bias, found = facts["position_bias"], facts["diagnostics"]
    d = len(facts["properties"])
    arrays["covariance"] = arrays["covariance"].reshape((d, d) if arrays["covariance"].size else (0, 0))
    return Posterior(
        judge=facts["judge"],
        group=Group(**facts["group"]),
        properties=tuple(facts["properties"]),
        n=int(facts["n"]),
        status=facts["status"],
        engine=facts["engine"],
        position_bias=PositionBias(**bias) if bias else None,
        diagnostics=Diagnostics.from_dict(found) if found else None,
        **arrays,
    )
