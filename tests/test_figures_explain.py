"""The waterfall, two judges side by side, and the dumbbells of what-if, tested as data."""

import dataclasses

import numpy as np
import pytest

from dissection.explanation import POSITION, Explanation, explain, turning_point, what_if
from dissection.figures.explain import (
    START,
    TOTAL,
    Scale,
    step_order,
    turn_sentence,
    waterfall_chart,
    waterfall_frame,
    waterfall_reading,
)
from dissection.figures.what_if import what_if_chart, what_if_reading
from dissection.regression.fit import fit
from dissection.regression.posterior import Posterior
from tests.conftest import make_dataset

PHI = np.array([1.0, -1.0, 0.0, 1.0])
SCALES_: tuple[Scale, ...] = ("probability", "log-odds")


@pytest.fixture(scope="module")
def posteriors() -> list[Posterior]:
    return fit(make_dataset(n=300, d=4, scenarios=("All",)))


@pytest.fixture(scope="module")
def explained(posteriors: list[Posterior]) -> list[Explanation]:
    return [explain(posteriors[0], PHI, 1.0), explain(posteriors[1], PHI)]


@pytest.mark.parametrize("scale", SCALES_)
def test_steps_lead_from_indifference_to_the_prediction(explained: list[Explanation], scale: Scale) -> None:
    frame = waterfall_frame(explained[0], scale)
    assert frame["start"][0] == pytest.approx(START[scale])
    np.testing.assert_allclose(frame["start"][1:-1], frame["end"][:-2])
    total, low, high = explained[0].percent if scale == "probability" else explained[0].log_odds
    assert frame["end"].iloc[-2] == pytest.approx(total)
    assert frame.iloc[-1][["property", "start"]].tolist() == [TOTAL, START[scale]]
    assert [float(frame[name].iloc[-1]) for name in ("end", "low", "high")] == pytest.approx([total, low, high])
    sizes = frame["value"][:-1].abs()
    assert sizes.is_monotonic_decreasing
    assert "p2" not in list(frame["property"]), "the answers don't differ in it"
    assert POSITION in list(frame["property"])


@pytest.mark.parametrize("scale", SCALES_)
def test_two_judges_share_the_order_of_steps(explained: list[Explanation], scale: Scale) -> None:
    figure = waterfall_chart(explained, scale)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == 2
    order = step_order(explained, scale)
    assert list(figure.layout.yaxis.ticktext) == [*order, f"<b>{TOTAL}</b>"]
    for bar, one in zip(bars, explained, strict=True):
        totals = one.percent[0] if scale == "probability" else one.log_odds[0]
        assert sum(bar.x[:-1]) == pytest.approx(totals - START[scale])
        assert bar.x[-1] == pytest.approx(totals - START[scale])
        base, x = (np.array(part, dtype=float) for part in (bar.base, bar.x))
        np.testing.assert_allclose(base[1:-1], base[:-2] + x[:-2])
    place = order.index(POSITION)
    assert bars[1].x[place] == pytest.approx(0), "this judge saw both orders"
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    assert [note.text for note in figure.layout.annotations] == ["<b>one</b>", "<b>two</b>"]


def test_every_bar_says_its_interval_and_undecided_ones_are_faded(explained: list[Explanation]) -> None:
    bar = next(trace for trace in waterfall_chart(explained[:1], "probability").data if trace.type == "bar")
    frame = waterfall_frame(explained[0], "probability")
    for row, opacity, said in zip(frame.to_dict("records"), bar.marker.opacity, bar.hovertext, strict=True):
        assert (opacity > 0.5) == row["decided"]
        assert "95 %" in said
    np.testing.assert_allclose(bar.error_x.array[:-1], frame["high"][:-1] - frame["value"][:-1])
    assert f"n = {explained[0].n}" in bar.hovertext[-1]


def test_point_estimates_are_drawn_without_intervals(posteriors: list[Posterior]) -> None:
    nothing = np.full(4, np.nan)
    bare = dataclasses.replace(
        posteriors[0], low=nothing, high=nothing, covariance=np.empty((0, 0)), status="point estimate", position_bias=None
    )
    one = explain(bare, PHI)
    bar = next(trace for trace in waterfall_chart([one], "log-odds").data if trace.type == "bar")
    assert all("no interval" in said for said in bar.hovertext)
    assert set(bar.marker.opacity) == {0.9}
    assert "no interval" in waterfall_reading([one], "probability")


def test_markup_in_names_is_text(posteriors: list[Posterior]) -> None:
    odd = dataclasses.replace(posteriors[0], judge="<b>x</b>", properties=("<i>p</i>", "*_[x](y)`$", TOTAL, "p3"))
    one, other = explain(odd, np.ones(4)), explain(dataclasses.replace(odd, judge="[x](y)"), -np.ones(4))
    figure = waterfall_chart([one, other], "probability").to_json()
    assert "<i>p" not in figure
    assert "<b>x</b>" not in figure.replace("<b>&lt;", "")
    words = waterfall_reading([one, other], "log-odds") + turn_sentence(turning_point(one, other), one, other)
    assert "[x](y)" not in words
    assert list(waterfall_frame(one, "probability")["property"]).count(TOTAL) == 2, "a property of this name keeps its step"


def test_the_sentence_names_the_property_and_whether_it_turned_the_verdict(explained: list[Explanation]) -> None:
    turn = turning_point(*explained)
    said = turn_sentence(turn, *explained)
    assert turn.property == "p0"
    assert "**p0**" in said
    assert "one leans to A, two to B" in said
    assert ("It turned the verdict" in said) == turn.turns
    assert "95 %" in said
    assert "no interval here" in said
    assert "predicted alike" in turn_sentence(turning_point(explained[0], explained[0]), explained[0], explained[0])


def test_the_reading_has_the_numbers_of_both_judges(explained: list[Explanation]) -> None:
    said = waterfall_reading(explained, "probability")
    for one in explained:
        assert f"{one.percent[0]:.0f} %" in said
        assert f"n = {one.n}" in said


def test_dumbbells_show_before_and_after(posteriors: list[Posterior]) -> None:
    frame = what_if(posteriors, PHI, -PHI, [0.0, 0.0])
    before, links, after = what_if_chart(frame).data
    assert list(before.x) == frame["before"].tolist()
    assert list(after.x) == frame["after"].tolist()
    assert list(links.x[:2]) == [frame["before"][0], frame["after"][0]]
    assert all("n = 300" in said and "95 %" in said for said in after.hovertext)
    said = what_if_reading(frame, "All")
    assert "2 of 2 would change sides" in said
    assert "Nothing moves yet" in what_if_reading(what_if(posteriors, PHI, PHI, [0.0, 0.0]), "All")
