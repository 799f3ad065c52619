"""Shapley values of a logistic function of a sum, against enumeration of all sets and of all orders."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from dissection.dataset import FloatArray
from dissection.shapley import shapley


def enumerated(terms: FloatArray) -> FloatArray:
    """The definition: a weighted mean of gains over all sets of the others."""
    d = len(terms)
    sets = (np.arange(2**d)[:, None] >> np.arange(d)) & 1
    value, size = expit(sets @ terms), sets.sum(axis=1)
    weight = np.array([math.factorial(k) * math.factorial(d - k - 1) / math.factorial(d) for k in range(d)])
    found = np.empty(d)
    for i in range(d):
        without = np.flatnonzero(sets[:, i] == 0)
        found[i] = (weight[size[without]] * (value[without + 2**i] - value[without])).sum()
    return found


def by_size(terms: FloatArray, steps: int = 2000) -> FloatArray:
    """Another way for many terms that are multiples of one unit: counts of sets by their size and sum."""
    unit = 0.01
    whole = np.round(terms / unit).astype(int)
    d, reach = len(whole), int(np.abs(whole).sum())
    assert reach <= steps
    found = np.empty(d)
    for i in range(d):
        ways = np.zeros((d, 2 * reach + 1))
        ways[0, reach] = 1.0
        for j, shift in enumerate(whole):
            if j != i:
                ways[1:] += np.roll(ways[:-1], shift, axis=1)
        sums = unit * (np.arange(2 * reach + 1) - reach)
        gain = expit(sums + unit * whole[i]) - expit(sums)
        found[i] = sum((ways[k] @ gain) / (d * math.comb(d - 1, k)) for k in range(d))
    return found


@pytest.mark.parametrize("d", range(1, 13))
@pytest.mark.parametrize("scale", [0.05, 0.5, 3.0])
def test_equal_to_enumeration(d: int, scale: float) -> None:
    terms = scale * np.random.default_rng(d).normal(size=d)
    np.testing.assert_allclose(shapley(terms), enumerated(terms), atol=1e-13)


def test_29_terms_are_equal_to_another_method() -> None:
    terms = np.round(np.random.default_rng(1).normal(size=29) * 0.4, 2)
    np.testing.assert_allclose(shapley(terms), by_size(terms), atol=1e-12)


def test_equal_to_the_mean_over_all_orders() -> None:
    terms = np.array([0.7, -1.2, 0.3, 2.0])
    gains = np.zeros(4)
    for order in permutations(range(4)):
        total = 0.0
        for place in order:
            gains[place] += expit(total + terms[place]) - expit(total)
            total += terms[place]
    np.testing.assert_allclose(shapley(terms), gains / 24, atol=1e-14)


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=40))
def test_they_sum_to_the_prediction_and_keep_their_signs(terms: list[float]) -> None:
    x = np.array(terms)
    found = shapley(x)
    assert found.sum() == pytest.approx(expit(x.sum()) - 0.5, abs=1e-13)
    assert (found[x == 0] == 0).all()
    sure = np.abs(x) > 1e-9
    assert (np.sign(found[sure]) == np.sign(x[sure])).all()


def test_equal_terms_have_equal_values_and_the_mirror_image_the_opposite() -> None:
    x = np.array([0.4, 0.4, -0.9, 0.4])
    found = shapley(x)
    np.testing.assert_allclose(found[[0, 1]], found[3], atol=1e-15)
    np.testing.assert_allclose(shapley(-x), -found, atol=1e-15)


def test_rows_are_taken_on_their_own_and_terms_of_0_change_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 6))
    rows[::2, 3] = 0.0
    together = shapley(np.insert(rows, 2, 0.0, axis=1))
    np.testing.assert_allclose(np.delete(together, 2, axis=1), [shapley(row) for row in rows], atol=1e-14)
    assert (together[:, 2] == 0).all()
    assert (shapley(np.zeros((2, 3))) == 0).all()
    assert shapley(np.empty(0)).shape == (0,)


def test_many_rows_are_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5))
    whole = shapley(rows)
    monkeypatch.setattr("dissection.shapley.MOST_AT_ONCE", 1)
    np.testing.assert_allclose(shapley(rows), whole, atol=1e-14)


@pytest.mark.parametrize("accuracy", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("scale", [0.3, 5.0, 60.0])
def test_the_error_stays_below_what_is_asked(accuracy: float, scale: float) -> None:
    rows = scale * np.random.default_rng(2).normal(size=(20, 8))
    error = np.abs(shapley(rows, accuracy) - np.array([enumerated(row) for row in rows])).max()
    assert error < accuracy


def test_terms_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        shapley(np.array([0.0, np.nan]))
