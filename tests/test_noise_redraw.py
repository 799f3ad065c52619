"""The noise model of annotations: planted noise is found, its intervals hold, and tables that say nothing are refused."""

import numpy as np
import pytest

from dissection.dataset import FloatArray
from dissection.noise.redraw import MIN_PAIRS, fit_redraw, lacking


def table_of(first: FloatArray, second: FloatArray) -> FloatArray:
    """(3 × 3) counts."""
    return np.bincount(((first + 1) * 3 + second + 1).astype(int), minlength=9).reshape(3, 3).astype(float)


def planted(rng: np.random.Generator, n: int, ties: float, epsilon: float, drawn_ties: float) -> FloatArray:
    """The table of two annotations of n pairs, of the model."""

    def draw(zero: float) -> FloatArray:
        return rng.choice([-1.0, 0.0, 1.0], n, p=[(1 - zero) / 2, zero, (1 - zero) / 2])

    truth = draw(ties)
    first, second = (np.where(rng.random(n) < epsilon, draw(drawn_ties), truth) for _ in range(2))
    return table_of(first, second)


@pytest.mark.parametrize(("ties", "epsilon", "drawn_ties"), [(0.6, 0.2, 0.4), (0.3, 0.1, 0.3), (0.5, 0.5, 0.2), (0.0, 0.25, 0.5)])
def test_much_data_gives_the_planted_noise(ties: float, epsilon: float, drawn_ties: float) -> None:
    found = fit_redraw(planted(np.random.default_rng(0), 200_000, ties, epsilon, drawn_ties), 500)
    assert found.epsilon == pytest.approx(epsilon, abs=0.02)
    assert found.draws[:, 0].mean() == pytest.approx(found.epsilon, abs=0.005)
    assert found.draws[:, 1].mean() == pytest.approx(epsilon * (1 - drawn_ties), abs=0.02)


def test_the_closed_form_is_the_limit() -> None:
    ties, epsilon, drawn = 0.55, 0.15, 0.35
    kept, side = (1 - epsilon) * np.eye(3), (1 - drawn) / 2
    chance = kept + epsilon * np.array([side, drawn, side])
    table = 1e6 * chance.T @ np.diag([(1 - ties) / 2, ties, (1 - ties) / 2]) @ chance
    both, same = table[1, 1] / 1e6, (table[0, 0] + table[2, 2]) / 1e6
    opposite = 2 * table[0, 2] / 1e6
    tie_share = both + (1 - both - same - opposite) / 2
    solved = (both - tie_share**2) / (same - opposite)
    assert solved == pytest.approx(ties)
    assert 1 - np.sqrt((same - opposite) / (1 - solved)) == pytest.approx(epsilon)
    assert fit_redraw(table, 2).epsilon == pytest.approx(epsilon, abs=1e-3)


def test_intervals_hold_at_their_rate() -> None:
    rng = np.random.default_rng(1)
    cases = [(ties, epsilon, drawn) for ties in (0.3, 0.7, 0.9) for epsilon in (0.0, 0.1, 0.25) for drawn in (1 / 3, ties)]
    held = dict.fromkeys(cases, 0)
    for _ in range(25):
        for case in cases:
            found = fit_redraw(planted(rng, 200, *case), 1)
            held[case] += found.low <= case[1] <= found.high
    assert sum(held.values()) / (25 * len(cases)) >= 0.93
    assert min(held.values()) >= 18


def test_no_noise_reaches_zero() -> None:
    found = fit_redraw(np.diag([60.0, 80.0, 60.0]), 200)
    assert found.low == 0
    assert found.high < 0.03
    assert found.draws.max() < 0.06


def test_pure_noise_is_no_certainty() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.choice([-1.0, 0.0, 1.0], (2, 400))
    found = fit_redraw(table_of(first, second), 100)
    assert found.high > 0.8
    assert (found.draws[:, 1] <= found.draws[:, 0]).all()


def test_edges_have_numbers() -> None:
    for table in (
        np.diag([10.0, 0, 10.0]),
        np.array([[0.0, 0, 10], [0, 0, 0], [10, 0, 0]]),
        np.array([[0.0, 5, 0], [5, 20, 5], [0, 5, 0]]),
    ):
        found = fit_redraw(table, 50)
        assert 0 <= found.low <= found.epsilon <= found.high <= 1
        assert np.isfinite(found.draws).all()
        assert ((found.draws >= 0) & (found.draws <= 1)).all()


def test_exchanging_sides_or_annotations_changes_nothing() -> None:
    table = np.array([[20.0, 3, 1], [5, 60, 2], [2, 6, 30]])
    found = [fit_redraw(one, 1).epsilon for one in (table, table.T, table[::-1, ::-1])]
    assert found == pytest.approx([found[0]] * 3)


def test_too_little_is_refused() -> None:
    assert f"({MIN_PAIRS} are needed)" in lacking(np.diag([3.0, 3, 3]))
    assert "differ in only 2 of 100 pairs" in lacking(np.diag([1.0, 98, 1]))
    assert lacking(np.diag([10.0, 80, 10])) == ""
