"""Scores of two answers → a comparison, by sign, as in Li et al., Dissecting Human and LLM Preferences (ACL 2024, arXiv 2402.11296)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def compare_scores(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Which of two answers has more of a property: the sign of the difference of their scores (Li et al. 2024).

    Args:
        a: scores of answer A, in any unit and of any shape; NaN (or None) where missing.
        b: scores of answer B, of the same shape.

    Returns:
        An array of that shape: +1 where A has the higher score, -1 where B has, 0 where they are equal, NaN where either is missing.

    Raises:
        ValueError: the shapes differ; they are never stretched to fit, since a score belongs to one answer only.
    """
    scores_a, scores_b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if scores_a.shape != scores_b.shape:
        raise ValueError(f"The scores of A have shape {scores_a.shape}, those of B {scores_b.shape}; both must be the same.")
    # Not sign(a - b): the difference of two equal infinities is NaN and would read as missing.
    comparison = (scores_a > scores_b).astype(float) - (scores_a < scores_b)
    return np.where(np.isnan(scores_a) | np.isnan(scores_b), np.nan, comparison)
