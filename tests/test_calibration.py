"""Whether the fast engine's probabilities are what they say, and whether the tests that judge this would notice if they were not.

Simulation-based calibration as in `benchmarks/calibration.py`, where the two tests are explained, on fewer and smaller datasets. Seeds are
fixed, so these tests never fail by chance; a right engine has p below `SMALLEST_P` for one seed in a hundred.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from benchmarks.calibration import SMALLEST_P, all_weights_test, narrowed, one_weight_test, shares
from benchmarks.coverage import share
from benchmarks.planted import Planted, covered, fit_planted, places, plant_from_prior
from dissection.dataset import FloatArray
from dissection.regression.laplace import MAX_CAVITY_SD, tilted_cdf, tilted_direction, tilted_moments, tilted_quantile
from dissection.regression.model import PAPER, STANDARD, Model
from dissection.regression.propagation import Approximation

DATASETS, PAIRS = 240, (60, 100, 200)


def _fits(model: Model) -> list[tuple[Planted, Approximation]]:
    # One judge a dataset, so that datasets share nothing.
    planted = [plant_from_prior(PAIRS[i % len(PAIRS)], 1, model, np.random.default_rng([i, 5])) for i in range(DATASETS)]
    return [(cells, fit_planted(cells, model)) for cells in planted]


@pytest.fixture(scope="module")
def standard() -> list[tuple[Planted, Approximation]]:
    return _fits(STANDARD)


@pytest.fixture(scope="module")
def standard_places(standard: list[tuple[Planted, Approximation]]) -> FloatArray:
    """(datasets × weights), the position bias last."""
    assert all(found.converged.all() for _, found in standard)
    return np.concatenate([places(found, cells.truth, STANDARD) for cells, found in standard])


# --- simulation-based calibration --------------------------------------------------------------------------------------------------


def test_planted_weights_fall_anywhere_in_their_posteriors(standard_places: FloatArray) -> None:
    assert one_weight_test(standard_places) > SMALLEST_P
    assert all_weights_test(standard_places) > SMALLEST_P


def test_so_they_do_without_a_position_bias() -> None:
    found = np.concatenate([places(found, cells.truth, PAPER) for cells, found in _fits(PAPER)])
    assert one_weight_test(found) > SMALLEST_P
    assert all_weights_test(found) > SMALLEST_P


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_intervals_hold_the_truth_as_often_as_they_say(standard_places: FloatArray, level: float) -> None:
    found = share(covered(standard_places, level))
    assert found.error < 0.015
    assert abs(found.value - level) < 3 * found.error


def test_the_engine_s_own_ends_are_those_of_its_marginals(standard: list[tuple[Planted, Approximation]]) -> None:
    for cells, found in standard:
        inside = (found.low < cells.truth) & (cells.truth < found.high)
        assert np.array_equal(inside, covered(places(found, cells.truth, STANDARD), 0.95) == 1)
        assert places(found, np.zeros_like(cells.truth), STANDARD) == pytest.approx(1 - found.direction, abs=1e-9)


# --- a wrong engine is noticed -----------------------------------------------------------------------------------------------------


def _wrong_places(standard: list[tuple[Planted, Approximation]], factor: float) -> FloatArray:
    """With likelihoods whose sds are multiplied by the factor."""
    wrong = [(cells, replace(found, likelihood_sd=factor * found.likelihood_sd, sd=factor * found.sd)) for cells, found in standard]
    return np.concatenate([places(found, cells.truth, STANDARD) for cells, found in wrong])


def test_halved_sds_are_noticed(standard: list[tuple[Planted, Approximation]]) -> None:
    assert all_weights_test(_wrong_places(standard, 0.5)) < 1e-6
    found = share(covered(_wrong_places(standard, 0.5), 0.95))
    assert found.value < 0.95 - 3 * found.error


def test_an_engine_that_ignores_the_verdicts_is_not_noticed(standard: list[tuple[Planted, Approximation]]) -> None:
    """The known blind spot of these tests: the prior itself is calibrated. Agreement with NUTS (`test_nuts_reference.py`) is the cure."""
    ignorant = [(cells, replace(found, likelihood_mean=0 * found.mean, likelihood_sd=30 + 0 * found.sd)) for cells, found in standard]
    found = np.concatenate([places(found, cells.truth, STANDARD)[:, :-1] for cells, found in ignorant])
    assert all_weights_test(found) > SMALLEST_P


def test_a_prior_of_another_scale_is_noticed() -> None:
    wide = replace(STANDARD, prior_scale=0.2)
    cells = [plant_from_prior(100, 1, STANDARD, np.random.default_rng(i)) for i in range(100)]
    found = np.concatenate([places(fit_planted(cell, wide), cell.truth, wide) for cell in cells])
    assert all_weights_test(found) < 1e-6


@pytest.mark.parametrize(("factor", "test"), [(0.5, one_weight_test), (0.85, all_weights_test), (1.2, all_weights_test)])
def test_narrowed_and_widened_posteriors_are_noticed(
    standard_places: FloatArray, factor: float, test: Callable[[FloatArray], float]
) -> None:
    assert test(narrowed(standard_places, factor)) < SMALLEST_P


def test_shifted_posteriors_are_noticed(standard_places: FloatArray) -> None:
    assert one_weight_test(standard_places**1.5) < SMALLEST_P
    assert all_weights_test(standard_places**1.15) < SMALLEST_P


def test_both_tests_let_right_engines_pass() -> None:
    """Uniform places that depend on each other within a dataset, as those of one fit do: p below 0.05 in about one of 20."""
    rng = np.random.default_rng(0)
    right = ndtr(np.sqrt(0.4) * rng.normal(size=(200, 100, 1)) + np.sqrt(0.6) * rng.normal(size=(200, 100, 29)))
    for test in (one_weight_test, all_weights_test):
        rejected = np.mean([test(place) < 0.05 for place in right])
        assert 0.01 < rejected < 0.12


def test_shares_count_every_weight_once() -> None:
    found = shares(np.array([[0.0, 0.05, 0.49, 1.0]]), 10)
    assert found[0].tolist() == [0.5, 0, 0, 0, 0.25, 0, 0, 0, 0, 0.25]


def test_the_error_of_a_share_counts_clusters() -> None:
    rng = np.random.default_rng(0)
    alike = np.repeat((rng.random((400, 1)) < 0.8).astype(float), 50, axis=1)
    assert share(alike).error == pytest.approx(np.sqrt(0.8 * 0.2 / 400), rel=0.1)
    apart = (rng.random((400, 50)) < 0.8).astype(float)
    assert share(apart).error == pytest.approx(np.sqrt(0.8 * 0.2 / 20_000), rel=0.1)
    assert np.isnan(share(apart, np.zeros_like(apart)).value)


# --- the distribution function of a tilted marginal --------------------------------------------------------------------------------


@given(st.floats(-50, 50), st.floats(1e-4, MAX_CAVITY_SD * 0.1), st.sampled_from([0.03, 0.1, 1.0, 10.0]), st.floats(1e-6, 1 - 1e-6))
def test_cdf_undoes_the_quantile(mean: float, sd: float, scale: float, probability: float) -> None:
    at, variance = np.array([mean]), np.array([sd**2])
    quantile = tilted_quantile(at, variance, scale, probability)
    # A quantile has a rounding error, so many sds away that the density turns it into one of the probability.
    rounding = 1e-7 + 4 * np.spacing(np.abs(quantile[0])) / min(sd, scale)
    assert tilted_cdf(at, variance, scale, quantile)[0] == pytest.approx(probability, abs=rounding)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.1), (0.3, 0.1), (-2.0, 0.5), (0.02, 3.0)])
def test_cdf_against_integration(mean: float, sd: float) -> None:
    x = np.linspace(-6, 6, 600_001)
    log_density = -0.5 * ((x - mean) / sd) ** 2 - np.abs(x) / 0.1
    density = np.exp(log_density - log_density.max())
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    at = np.linspace(-3, 3, 61)
    found = tilted_cdf(np.full_like(at, mean), np.full_like(at, sd**2), 0.1, at)
    assert found == pytest.approx(np.interp(at, x, cumulative / cumulative[-1]), abs=1e-6)
    assert (np.diff(found) >= 0).all()


@given(st.floats(-50, 50), st.floats(1e-4, 30), st.floats(-100, 100))
def test_cdf_is_mirrored_and_agrees_with_the_direction(mean: float, sd: float, at: float) -> None:
    centre, variance, where = np.array([mean]), np.array([sd**2]), np.array([at])
    found = tilted_cdf(centre, variance, 0.1, where)[0]
    assert 0 <= found <= 1
    assert tilted_cdf(-centre, variance, 0.1, -where)[0] == pytest.approx(1 - found, abs=1e-7)
    assert tilted_cdf(centre, variance, 0.1, np.zeros(1))[0] == pytest.approx(1 - tilted_direction(centre, variance, 0.1)[0], abs=1e-7)


def test_cdf_reaches_its_ends_and_keeps_the_shape() -> None:
    mean, variance = np.array([[0.3], [-40.0]]), np.array([[0.01], [1e-8]])
    at = np.array([[-1e3, 0.0, 1e3]])
    found = tilted_cdf(mean, variance, 0.1, at)
    assert found.shape == (2, 3)
    assert found[:, 0].tolist() == [0, 0]
    assert found[:, 2].tolist() == [1, 1]
    assert tilted_moments(mean, variance, 0.1).mean.shape == (2, 1)
