"""Scores of two answers become a comparison by sign."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, mutually_broadcastable_shapes

from dissection.comparisons import compare_scores


def test_the_higher_score_wins() -> None:
    assert compare_scores([3, 0, 2], [1, 0.5, 2]).tolist() == [1, -1, 0]


def test_the_size_of_the_difference_does_not_matter() -> None:
    assert compare_scores([3, 3, 3], [2, 0, -2]).tolist() == [1, 1, 1]


def test_a_missing_score_makes_no_comparison() -> None:
    comparison = compare_scores(np.array([np.nan, 1, np.nan, 1]), np.array([1, np.nan, np.nan, 1]))
    assert np.isnan(comparison).tolist() == [True, True, True, False]
    assert np.isnan(compare_scores(np.array([None, 1], dtype=object), [1, 1])).tolist() == [True, False]


def test_equal_infinities_are_equal() -> None:
    assert compare_scores([np.inf, -np.inf, np.inf], [np.inf, -np.inf, 0]).tolist() == [0, 0, 1]


def test_any_shape_also_none_at_all() -> None:
    assert compare_scores(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0, 4)
    assert compare_scores(2, 1).shape == ()
    assert compare_scores(np.ones((2, 3, 4)), np.zeros((2, 3, 4))).sum() == 24


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3))
def test_scores_are_never_stretched(shapes: object) -> None:
    shape_a, shape_b = shapes.input_shapes  # type: ignore[attr-defined]
    if shape_a == shape_b:
        assert compare_scores(np.zeros(shape_a), np.zeros(shape_b)).shape == shape_a
    else:
        with pytest.raises(ValueError, match="both must be the same"):
            compare_scores(np.zeros(shape_a), np.zeros(shape_b))


@given(arrays(float, (2, 7), elements=st.floats()))
def test_swapping_the_answers_negates(scores: np.ndarray) -> None:
    there, back = compare_scores(scores[0], scores[1]), compare_scores(scores[1], scores[0])
    assert np.array_equal(there, -back, equal_nan=True)
    assert set(there[~np.isnan(there)]) <= {-1, 0, 1}
    assert np.array_equal(np.isnan(there), np.isnan(scores).any(axis=0))
