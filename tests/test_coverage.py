"""Weights that are drawn from the model's own prior lie in their 95 % intervals about 95 % of the time."""

import numpy as np
import pytest

from dissection.dataset import BoolArray, FloatArray
from dissection.regression.model import STANDARD
from dissection.regression.observations import Observations
from dissection.regression.propagation import propagate

DESIGNS, JUDGES, PAIRS, PROPERTIES = 12, 20, 236, 29  # a scenario of the demo has 2,600 / 11 = 236 pairs


def correlated_comparisons(rng: np.random.Generator, n: int) -> FloatArray:
    """Comparisons that go together, as annotated ones do (as in `tests/reference/cells.py`)."""
    latent = rng.normal(size=(n, 4)) @ rng.normal(scale=0.6, size=(4, PROPERTIES)) + rng.normal(size=(n, PROPERTIES))
    return np.sign(latent) * (np.abs(latent) > rng.uniform(0.5, 1.8, size=PROPERTIES))


@pytest.fixture(scope="module")
def covered() -> tuple[BoolArray, FloatArray]:
    """(cells × weights) whether the truth is inside, the position bias last; and the mean number of sds that the truth is away."""
    assert STANDARD.intercept_sd is not None
    inside, distance = [], []
    for number in range(DESIGNS):
        rng = np.random.default_rng(number)
        # Each pair is shown in one of the two orders, by lot.
        design = np.column_stack([correlated_comparisons(rng, PAIRS), rng.choice([-1.0, 1.0], size=PAIRS)])
        tastes = rng.laplace(scale=STANDARD.prior_scale, size=(PROPERTIES, JUDGES))
        truth = np.concatenate([tastes, rng.normal(scale=STANDARD.intercept_sd, size=(1, JUDGES))])
        verdicts = (rng.random((PAIRS, JUDGES)) < 1 / (1 + np.exp(-design @ truth))).astype(float)
        found = propagate(Observations(design, verdicts, np.ones_like(verdicts)), STANDARD.prior_scale, STANDARD.intercept_sd)
        assert found.converged.all()
        inside.append((found.low < truth.T) & (found.high > truth.T))
        distance.append((truth.T - found.mean) / found.sd)
    return np.concatenate(inside), np.concatenate(distance)


def test_intervals_cover_what_was_planted(covered: tuple[BoolArray, FloatArray]) -> None:
    inside, _ = covered
    assert len(inside) == DESIGNS * JUDGES >= 200
    assert 0.93 <= inside[:, :PROPERTIES].mean() <= 0.97
    # No single property is covered badly: 240 cells each, so a standard error of 1.4 points.
    assert inside[:, :PROPERTIES].mean(axis=0).min() > 0.89


def test_the_position_bias_is_covered(covered: tuple[BoolArray, FloatArray]) -> None:
    inside, _ = covered
    assert 0.90 <= inside[:, PROPERTIES].mean() <= 0.99


def test_errors_have_the_size_that_the_sds_say(covered: tuple[BoolArray, FloatArray]) -> None:
    _, distance = covered
    assert abs(distance.mean()) < 0.05
    assert np.sqrt((distance**2).mean()) == pytest.approx(1, abs=0.05)
