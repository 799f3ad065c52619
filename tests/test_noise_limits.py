"""What two annotations can't tell: unequal annotators, shared mistakes, noise that is not known, fits that don't settle."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from dissection.dataset import FloatArray
from dissection.figures.noise import effects_words, noise_chart
from dissection.noise import effects
from dissection.noise.effects import UNSETTLED, corrected_effects
from dissection.noise.redraw import fit_redraw
from tests.test_noise_effects import world
from tests.test_noise_redraw import table_of


def annotations(n: int, noise: tuple[float, float], seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Two annotations of the same truth by annotators of unequal noise."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(-1, 2, n).astype(float)
    first, second = (np.where(rng.random(n) < epsilon, rng.integers(-1, 2, n), truth) for epsilon in noise)
    return first, second


@pytest.mark.parametrize("noise", [(0.1, 0.3), (0.0, 0.4), (0.05, 0.5)])
def test_of_two_unequal_annotators_the_noise_is_between(noise: tuple[float, float]) -> None:
    found = fit_redraw(table_of(*annotations(100_000, noise)), 1)
    assert found.epsilon == pytest.approx(1 - np.sqrt((1 - noise[0]) * (1 - noise[1])), abs=0.02)
    assert noise[0] < found.epsilon < noise[1]


def test_mistakes_that_both_make_alike_are_not_seen() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(-1, 2, 20_000).astype(float)
    shared = np.where(rng.random(20_000) < 0.3, rng.integers(-1, 2, 20_000), truth)
    found = fit_redraw(table_of(shared, shared), 1)
    assert (shared != truth).mean() > 0.15
    assert found.high < 0.01


def test_noise_that_is_not_known_corrects_nothing_and_the_words_say_so() -> None:
    made = world(0, 0.2, n=200, again=120, judges=1, d=4)
    few = dataclasses.replace(
        made.again,
        pairs=made.again.pairs.iloc[:10],
        comparisons=made.again.comparisons[:10],
        scores=made.again.scores[:10],
        verdicts=made.again.verdicts[:10],
    )
    found = corrected_effects(made.dataset, few, "All", resamples=10)
    np.testing.assert_array_equal(found["corrected"], found["mean"])
    words = effects_words(found, "judge 0", "All")
    assert "no effect is corrected" in words
    assert "Of 3 properties the noise is not known; the table says why" in words
    assert "Most moved" not in words


def test_fits_that_do_not_settle_leave_no_number_without_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(0, 0.2, n=200, again=120, judges=2, d=4)
    times: list[int] = []
    fit_rows = effects.fit_rows

    def unsettled(*given: Any) -> Any:
        times.append(1)
        found = fit_rows(*given)
        return dataclasses.replace(found, converged=np.array([True, len(times) != 3]))

    monkeypatch.setattr(effects, "fit_rows", unsettled)
    found = corrected_effects(made.dataset, made.again, "All", resamples=10)
    settled, lost = (found[found["judge"] == name] for name in ("judge 0", "judge 1"))
    assert settled["corrected"].notna().all()
    assert lost["corrected"].isna().all()
    assert lost["mean"].notna().all()
    assert set(lost["remark"]) == {UNSETTLED}
    assert "no effect is corrected" in effects_words(lost, "judge 1", "All")
    assert all("without the noise: none" in text for text in noise_chart(lost).data[2].hovertext)
