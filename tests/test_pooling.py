"""Partial pooling in the fast engine: against NUTS, against what was planted, and what must hold exactly."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from dissection.dataset import ALL_PAIRS, Group
from dissection.errors import DatasetError
from dissection.regression.fit import fit
from dissection.regression.model import POOLED, POOLED_REACH, STANDARD, choose_model
from dissection.regression.observations import Observations
from dissection.regression.pooling import propagate_pooled
from dissection.regression.propagation import Approximation, propagate
from tests.conftest import make_dataset
from tests.reference.pooled import KINDS, PROPERTIES, REFERENCE, SIZES, case

STORED: dict[str, dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))
# Means and ends in posterior sds, sds as a share: those of the unpooled engine, but where properties go together. As no correlation between
# scenarios is kept, the sds of such weights come out too small there, those of what is shared most.
LIMITS = {"mean": 0.05, "sd": 0.06, "ends": 0.2, "direction": 0.02}
COLLINEAR_LIMITS = {"mean": 0.1, "sd": 0.15, "ends": 0.35, "direction": 0.03}
COLLINEAR_SHARED_LIMITS = {"mean": 0.12, "sd": 0.3, "ends": 0.6, "direction": 0.05}


def _distances(found: Approximation, stored: dict[str, Any]) -> dict[str, float]:
    sd = np.array(stored["sd"])
    ends = np.abs(np.stack([found.low[0] - stored["low"], found.high[0] - stored["high"]])) / sd
    return {
        "mean": float((np.abs(found.mean[0] - stored["mean"]) / sd).max()),
        "sd": float(np.abs(found.sd[0] / sd - 1).max()),
        "ends": float(ends.max()),
        "direction": float(np.abs(found.direction[0] - stored["direction"]).max()),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_engine_agrees_with_nuts(kind: str) -> None:
    found = propagate_pooled(case(kind), POOLED.prior_scale, POOLED.intercept_sd)
    assert found.shared.converged.all()
    for place, approximation in enumerate(found.scenarios):
        for what, distance in _distances(approximation, STORED[f"{kind}/{place}"]).items():
            assert distance < (COLLINEAR_LIMITS if kind == "collinear" else LIMITS)[what], f"{what} in scenario {place}: {distance:.3f}"
    for what, distance in _distances(found.shared, STORED[f"{kind}/shared"]).items():
        assert distance < (COLLINEAR_SHARED_LIMITS if kind == "collinear" else LIMITS)[what], f"{what} of what is shared: {distance:.3f}"
    assert np.abs(found.spread[0] - STORED[f"{kind}/spread"]["mean"]).max() < 0.01


def _worlds(seed: int, scenarios: int = 6, judges: int = 30, d: int = 8) -> tuple[list[Observations], np.ndarray, np.ndarray]:
    """Scenarios of 40 to 240 pairs; tastes from the model's prior, (scenarios × judges × d + 1), and those that are shared."""
    rng = np.random.default_rng(seed)
    shared = np.concatenate([rng.laplace(scale=0.1, size=(judges, d)), rng.normal(size=(judges, 1))], axis=1)
    spread = np.abs(rng.normal(scale=0.1, size=(judges, d + 1)))
    tastes = shared + spread * rng.normal(size=(scenarios, judges, d + 1))
    parts = []
    for n, weights in zip(np.linspace(40, 240, scenarios).astype(int), tastes, strict=True):
        design = np.column_stack([rng.integers(-1, 2, size=(n, d)), np.ones(n)]).astype(float)
        verdicts = (rng.random((n, judges)) < 1 / (1 + np.exp(-design @ weights.T))).astype(float)
        parts.append(Observations(design, verdicts, np.ones_like(verdicts)))
    return parts, tastes, shared


def test_intervals_hold_what_the_prior_planted_and_pooling_is_nearer_to_it() -> None:
    inside, inside_shared, near, alone_near = [], [], [], []
    for seed in range(12):
        parts, tastes, shared = _worlds(seed)
        found = propagate_pooled(parts, 0.1, 1.0)
        assert found.shared.converged.all()
        for approximation, rows, truth in zip(found.scenarios, parts, tastes, strict=True):
            inside.append((approximation.low < truth) & (truth < approximation.high))
            near.append((approximation.mean - truth)[:, :-1] ** 2)
            alone_near.append((propagate(rows, 0.1, 1.0).mean - truth)[:, :-1] ** 2)
        inside_shared.append((found.shared.low < shared) & (shared < found.shared.high))
    covered, covered_shared = np.mean(inside), np.mean(inside_shared)
    # 12 × 30 judges × 6 scenarios × 9 weights; the weights of a judge are not independent.
    assert 0.93 < covered < 0.965
    assert 0.92 < covered_shared < 0.97
    assert np.mean(near) < 0.9 * np.mean(alone_near), "what is borrowed makes the estimates better"


def test_a_small_scenario_borrows_and_a_large_one_hardly_does() -> None:
    parts, _, _ = _worlds(3)
    found = propagate_pooled(parts, 0.1, 1.0)
    moved = [
        float(np.abs(pooled.mean - propagate(rows, 0.1, 1.0).mean)[:, :-1].mean())
        for pooled, rows in zip(found.scenarios, parts, strict=True)
    ]
    narrower = [
        float((pooled.likelihood_sd / propagate(rows, 0.1, 1.0).likelihood_sd)[:, :-1].mean())
        for pooled, rows in zip(found.scenarios, parts, strict=True)
    ]
    assert moved[0] > moved[-1]
    assert max(abs(share - 1) for share in narrower) < 0.2, "what the verdicts say hardly depends on the prior"


def test_a_scenario_without_verdicts_gets_what_the_others_share() -> None:
    parts, _, _ = _worlds(5, judges=2)
    silent = [parts[0]._replace(verdicts=np.full_like(parts[0].verdicts, np.nan)), *parts[1:]]
    found = propagate_pooled(silent, 0.1, 1.0)
    assert found.shared.converged.all()
    np.testing.assert_allclose(found.scenarios[0].mean, found.shared.mean, atol=0.02)
    assert (found.scenarios[0].sd > found.shared.sd).all(), "and is less sure of its own"


def test_turning_the_verdicts_turns_the_weights() -> None:
    parts, _, _ = _worlds(7, judges=2)
    one = propagate_pooled(parts, 0.1, 1.0)
    other = propagate_pooled([part._replace(verdicts=1 - part.verdicts) for part in parts], 0.1, 1.0)
    for here, there in zip((one.shared, *one.scenarios), (other.shared, *other.scenarios), strict=True):
        np.testing.assert_allclose(here.mean, -there.mean, atol=1e-6)
        np.testing.assert_allclose(here.low, -there.high, atol=1e-6)
        np.testing.assert_allclose(here.direction, 1 - there.direction, atol=1e-6)


def test_without_an_intercept() -> None:
    parts, _, _ = _worlds(9, judges=2)
    found = propagate_pooled([part._replace(design=part.design[:, :-1]) for part in parts], 0.1, None)
    assert found.shared.converged.all()
    assert found.shared.mean.shape == (2, 8)


# --- through fit -------------------------------------------------------------------------------------------------------------------


def test_fit_gives_scenarios_and_what_they_share() -> None:
    dataset = make_dataset(n=300, both_orders=True)
    found = fit(dataset, POOLED)
    assert [(p.group.name, p.judge) for p in found] == [
        (group, judge) for group in ("Code", "Advice", ALL_PAIRS) for judge in ("one", "two")
    ]
    assert [p.n for p in found] == [150] * 4 + [300] * 2
    assert all(p.status == "fitted" and p.position_bias is not None for p in found)
    shared = found[4]
    assert shared.group == Group(ALL_PAIRS, "all")
    assert shared.mean[0] > 0.2, "a weight of 1 was planted in both scenarios"
    assert (shared.differs == found[0].differs + found[2].differs).all()


def test_conditions_are_not_pooled_and_say_so() -> None:
    dataset = make_dataset(conditions={"w_stances": np.arange(60) % 3 == 0})
    found = fit(dataset, POOLED, groups=["w_stances", "Code"])
    assert [p.status for p in found] == ["not pooled"] * 2 + ["fitted"] * 2
    assert np.isnan(found[0].mean).all()


def test_one_scenario_can_not_be_pooled() -> None:
    with pytest.raises(DatasetError, match=r"only one.*at least two scenarios"):
        fit(make_dataset(scenarios=("All",)), POOLED)


def test_judges_asked_once_and_twice_keep_their_order() -> None:
    dataset = make_dataset(n=120, both_orders=True)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0, 1] = np.nan
    mixed = dataclasses.replace(dataset, verdicts=verdicts)
    found = fit(mixed, POOLED, judges=["two", "one"], groups=["Code"])
    assert [p.judge for p in found] == ["two", "one"]
    for posterior in found:
        (alone,) = fit(mixed, POOLED, judges=[posterior.judge], groups=["Code"])
        np.testing.assert_allclose(posterior.mean, alone.mean, atol=1e-3)


def test_overflow_takes_its_judge_alone() -> None:
    parts, _, _ = _worlds(2, judges=2)
    broken = parts[0].design.copy()
    broken[0, 0] = 1e200
    verdicts = parts[0].verdicts.copy()
    verdicts[0, 1] = np.nan  # the second judge has no verdict on that pair
    found = propagate_pooled([Observations(broken, verdicts, parts[0].weights), *parts[1:]], 0.1, 1.0)
    assert not found.shared.converged[0]


def test_the_prior_s_own_interval() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.laplace(size=2_000_000) + np.abs(rng.normal(size=2_000_000)) * rng.normal(size=2_000_000)
    assert np.quantile(np.abs(drawn), 0.95) == pytest.approx(POOLED_REACH, abs=0.01)
    assert choose_model("pooled", 0.2).prior_reach == pytest.approx(0.2 * POOLED_REACH)
    assert STANDARD.prior_reach == pytest.approx(0.29957, abs=1e-4)
    for kind in KINDS:
        assert [part.design.shape for part in case(kind)][-1][1] == PROPERTIES[kind] + 1
        assert len(case(kind)) == len(SIZES[kind])
