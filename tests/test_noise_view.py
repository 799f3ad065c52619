"""The view of trust in annotations, without a browser, and its figures as data."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import behind, session
from dissection.dataset import PairDataset
from dissection.figures.noise import MEASURES, agreement_words, by_agreement, effects_words, measure_chart, noise_chart, position_words
from dissection.noise.agreement import agreement_of_annotations
from dissection.noise.effects import corrected_effects
from dissection.regression.model import STANDARD
from dissection.regression.posterior import probability
from tests.test_noise_effects import World, world
from tests.test_pages import figures, run, text

SCRIPT = """
import streamlit as st
from dissection.dashboard.trust_view import trust

trust(*st.session_state["case"])
"""
SPECIAL = "*_[x](y)`$ <b>x</b>"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again; there is no side bar to choose a model in."""
    monkeypatch.setattr(session, "model", lambda: STANDARD)
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)


@pytest.fixture(scope="module")
def made() -> World:
    return world(0, 0.2, n=200, again=120, judges=2, d=4)


def visit(first: PairDataset, second: PairDataset, *, swapped: bool, **state: Any) -> AppTest:
    """The view alone, as a page draws it."""
    at = AppTest.from_string(SCRIPT, default_timeout=90)
    at.session_state["case"] = (first, second, swapped)
    for key, value in state.items():
        at.session_state[key] = value
    return run(at)


def test_the_view_shows_agreement_positions_and_effects(made: World) -> None:
    at = visit(made.dataset, made.again, swapped=True)
    agreement, positions, effects = figures(at)
    assert sorted(agreement["layout"]["yaxis"]["ticktext"]) == ["longer", "p1", "p2", "p3"]
    assert "rated higher because shown first" in positions["layout"]["xaxis"]["title"]["text"]
    assert [trace.get("name") for trace in effects["data"][1:]] == ["as annotated", "without the noise"]
    words = text(at)
    assert "n = 120 pairs annotated twice" in words
    assert "n = 200 pairs judged, 120 annotated twice" in words
    assert "judge 0 in All" in words.replace("\\", "")


def test_a_second_annotator_has_no_position_effect(made: World) -> None:
    at = visit(made.dataset, made.again, swapped=False, trustas="epsilon", judge="judge 1")
    agreement, effects = figures(at)
    assert "drawn anew" in agreement["layout"]["xaxis"]["title"]["text"]
    assert all("judge 1" in text for text in effects["data"][1]["hovertext"])
    assert "Position effect" not in text(at)


def test_without_judges_there_are_no_effects_and_strangers_are_refused(made: World) -> None:
    at = visit(made.again, made.dataset, swapped=True)
    assert len(figures(at)) == 2
    assert "has no judge yet" in text(at)
    stranger = dataclasses.replace(made.again, pairs=made.again.pairs.set_axis("x" + made.again.pairs.index))
    at = visit(made.dataset, stranger, swapped=True)
    assert not figures(at)
    assert "no pair in common" in text(at)


def test_a_judge_without_verdicts_has_no_effects_and_the_view_says_why(made: World) -> None:
    silent = made.dataset.verdicts.copy()
    silent[:, 0] = np.nan
    at = visit(dataclasses.replace(made.dataset, verdicts=silent), made.again, swapped=False, judge="judge 0")
    assert len(figures(at)) == 1
    assert "judge 0 has no numbers here: no verdicts" in text(at).replace("\\", "")


def test_every_measure_is_drawn_with_its_numbers(made: World) -> None:
    frame = agreement_of_annotations(made.dataset, made.again, swapped=True, resamples=50)
    for name in MEASURES:
        rows = by_agreement(frame, name)
        dots = measure_chart(rows, name).data[0]
        np.testing.assert_array_equal(np.asarray(dots.x, dtype=float), rows[name])
        np.testing.assert_allclose(np.asarray(dots.error_x.array), np.nan_to_num(rows[f"{name}_high"] - rows[name]))
        assert all("n = 120 pairs" in text for text in dots.hovertext)
        assert "n = 120" in agreement_words(rows, name)
    assert by_agreement(frame, "alpha")["property"].iloc[0] == "longer"
    assert "leaves out 0" in position_words(frame)


def test_effects_are_drawn_as_percentages(made: World) -> None:
    frame = corrected_effects(made.dataset, made.again, "All", judges=["judge 0"], resamples=10)
    links, plain, corrected = noise_chart(frame).data
    np.testing.assert_allclose(plain.x, probability(frame["mean"].to_numpy()))
    np.testing.assert_allclose(np.asarray(corrected.x) + corrected.error_x.array, probability(frame["corrected_high"].to_numpy()))
    assert (np.asarray(corrected.y) > np.asarray(plain.y)).all()
    assert links.x[0] == plain.x[0]
    assert all("annotated twice" in text and "95 %" in text for text in corrected.hovertext)
    words = effects_words(frame, "judge 0", "All")
    assert "Computed properties (1 of 4)" in words
    assert "median of 3 properties" in words
    assert "is not known" not in words
    assert "Of 3 properties the noise is not known" in effects_words(frame.assign(epsilon=[0, np.nan, np.nan, np.nan]), "judge 0", "All")


def test_names_are_no_markup(made: World) -> None:
    frame = corrected_effects(made.dataset, made.again, "All", judges=["judge 0"], resamples=10)
    frame["property"] = SPECIAL
    agreement = agreement_of_annotations(made.dataset, made.again, swapped=True, resamples=50).assign(property=SPECIAL)
    words = effects_words(frame, SPECIAL, SPECIAL) + agreement_words(agreement, "alpha") + position_words(agreement)
    assert SPECIAL not in words
    charts = json.dumps([noise_chart(frame.assign(judge=SPECIAL)).to_dict(), measure_chart(agreement, "alpha").to_dict()], default=str)
    assert "<b>x</b>" not in charts.replace("<b>*", "")


def test_numbers_that_are_missing_draw_nothing(made: World) -> None:
    frame = agreement_of_annotations(made.dataset, made.again, swapped=False, resamples=50).assign(alpha=np.nan, alpha_low=np.nan)
    assert "No annotated property has this number" in agreement_words(frame, "alpha")
    assert set(measure_chart(frame, "alpha").data[0].marker.symbol) == {"circle-open"}
