"""What pairs can't tell apart: correlations, variance inflation, and the properties named for it."""

import dataclasses

import numpy as np
import pytest

from dissection.dataset import FloatArray
from dissection.regression.collinearity import collinearity, confusable, used_comparisons
from tests.conftest import make_dataset


def names(d: int) -> tuple[str, ...]:
    return tuple(f"p{i}" for i in range(d))


def random_comparisons(n: int = 300, d: int = 5, seed: int = 0) -> FloatArray:
    """Correlated comparisons in {-1, 0, 1}."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, d)) + rng.normal(size=(n, 1))
    return np.sign(latent) * (np.abs(latent) > 0.6)


def by_hand(comparisons: FloatArray, column: int) -> float:
    """1/(1 - R²) of the regression of one column on the others and a constant."""
    y = comparisons[:, column]
    x = np.column_stack([np.delete(comparisons, column, axis=1), np.ones(len(y))])
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(((y - y.mean()) ** 2).sum() / (residual**2).sum())


def test_correlations_are_pearsons() -> None:
    comparisons = random_comparisons()
    np.testing.assert_allclose(collinearity(comparisons, names(5)).correlation, np.corrcoef(comparisons.T))


@pytest.mark.parametrize("seed", range(3))
def test_variance_inflation_is_that_of_the_regression_on_the_others(seed: int) -> None:
    comparisons = random_comparisons(d=7, seed=seed)
    found = collinearity(comparisons, names(7))
    np.testing.assert_allclose(found.vif, [by_hand(comparisons, column) for column in range(7)])


def test_variance_inflation_is_what_least_squares_intervals_suffer() -> None:
    """The squared standard error of a weight, with the others in the model and with uncorrelated ones."""
    comparisons = random_comparisons(n=500, d=3)
    centred = comparisons - comparisons.mean(axis=0)
    together = np.diag(np.linalg.inv(centred.T @ centred))
    alone = 1 / (centred**2).sum(axis=0)
    np.testing.assert_allclose(collinearity(comparisons, names(3)).vif, together / alone)


def test_a_property_that_never_varies_has_neither() -> None:
    comparisons = random_comparisons()
    comparisons[:, 2] = 1
    found = collinearity(comparisons, names(5))
    assert np.isnan(found.correlation[2]).all()
    assert np.isnan(found.vif[2])
    assert np.isfinite(np.delete(found.vif, 2)).all()
    np.testing.assert_allclose(np.delete(found.vif, 2), collinearity(np.delete(comparisons, 2, axis=1), names(4)).vif)


def test_exact_mixtures_are_infinite_and_the_rest_are_not() -> None:
    comparisons = np.column_stack([random_comparisons(d=4), np.zeros(300)])
    comparisons[:, 4] = comparisons[:, 0] - comparisons[:, 1]
    found = collinearity(comparisons, names(5))
    assert np.isinf(found.vif[[0, 1, 4]]).all()
    np.testing.assert_allclose(found.vif[[2, 3]], [by_hand(comparisons, 2), by_hand(comparisons, 3)])
    assert "3 properties are exact mixtures" in found.note


def test_fewer_pairs_than_properties_are_said_to_be_too_few() -> None:
    found = collinearity(random_comparisons(n=8, d=20), names(20))
    assert np.isinf(found.vif[~np.isnan(found.vif)]).all()
    assert "too few" in found.note


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_or_one_gives_nothing_but_breaks_nothing(n: int) -> None:
    found = collinearity(np.ones((n, 3)), names(3))
    assert np.isnan(found.vif).all()
    assert confusable(found).empty
    assert found.differs.tolist() == [n] * 3


def test_the_largest_of_numbers_have_correlations() -> None:
    comparisons = random_comparisons()
    np.testing.assert_allclose(collinearity(comparisons * 1e300, names(5)).correlation, np.corrcoef(comparisons.T))


def test_close_properties_are_named_with_the_pairs_that_could_tell_them_apart() -> None:
    rng = np.random.default_rng(0)
    comparisons = rng.integers(-1, 2, size=(200, 4)).astype(float)
    comparisons[:, 1] = comparisons[:, 0]
    comparisons[:7, 1] = -comparisons[:7, 0] + (comparisons[:7, 0] == 0)
    comparisons[:, 3] = -comparisons[:, 2]
    found = collinearity(comparisons, names(4))
    table = confusable(found)
    assert table[["property", "other"]].to_numpy().tolist() == [["p2", "p3"], ["p0", "p1"]]
    opposite, near = table.iloc[0], table.iloc[1]
    assert (opposite["r"], opposite["unlike"], opposite["n"]) == (pytest.approx(-1), 0, 200)
    assert np.isnan(opposite["r_low"])
    assert near["unlike"] == 7
    assert near["r_low"] < near["r"] < near["r_high"]
    assert "|r| ≥ 0.8" in near["why"]
    assert found.differs[0] == (comparisons[:, 0] != 0).sum()


def test_a_mixture_of_several_is_named_with_its_nearest() -> None:
    """No two are close, but the last is nearly the sum of the others."""
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(400, 4))
    comparisons = np.column_stack([parts, parts.sum(axis=1) + 0.1 * rng.normal(size=400)])
    table = confusable(collinearity(comparisons, names(5)))
    assert "p4" in set(table["property"]) | set(table["other"])
    assert table["why"].eq("variance inflation above 10").all()
    assert (table["r"].abs() < 0.8).all()


def test_independent_properties_are_not_named() -> None:
    comparisons = np.random.default_rng(2).integers(-1, 2, size=(400, 6)).astype(float)
    assert confusable(collinearity(comparisons, names(6))).empty


def test_the_pairs_are_those_of_the_judges_fit() -> None:
    data = make_dataset(n=40, d=3)
    comparisons, verdicts = data.comparisons.copy(), data.verdicts.copy()
    comparisons[0, 1] = np.nan
    verdicts[4, 0] = np.nan
    data = dataclasses.replace(data, comparisons=comparisons, verdicts=verdicts)
    used = used_comparisons(data, data.group("Code"), "one")
    np.testing.assert_array_equal(used, comparisons[[i for i in range(0, 40, 2) if i not in (0, 4)]])
