"""The figures and readings of the scores page, as data."""

import dataclasses
import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dissection.agreement import Z_95
from dissection.dataset import PairDataset
from dissection.figures.evidence import EVIDENCE_LABELS, correlation_chart, correlation_frame, evidence_frame, order_correlated
from dissection.figures.score_sentences import (
    calibration_reading,
    confusable_sentences,
    correlation_reading,
    few_pairs_sentence,
    length_sentence,
    score_reading,
    smallest_sentence,
    unscored_sentence,
)
from dissection.figures.scores import LOOKS, calibration_chart, order_rows, score_chart
from dissection.figures.style import PREFERRED
from dissection.properties import Property
from dissection.regression.calibration import calibration, calibration_error
from dissection.regression.collinearity import Collinearity, collinearity, confusable, used_comparisons
from dissection.regression.fit import fit
from dissection.regression.metrics import METRICS
from dissection.regression.scores import PREDICTORS, Score, score, scores_frame
from tests.conftest import make_dataset

TASTES = {"tasteful": [1.5, 0.0, 0.0, 0.3], "long <b>": [0.0, 0.0, 0.0, 1.0], "silent": [0.0, 0.0, 0.0, 0.0]}


@pytest.fixture(scope="module")
def data() -> PairDataset:
    """Three judges asked in both orders, the last without a verdict; p1 is p0 but for eight pairs, p2 differs on six, p3 is the length."""
    dataset = make_dataset(n=500, d=4, weights=TASTES, scenarios=("All",), both_orders=True)
    comparisons, verdicts = dataset.comparisons.copy(), dataset.verdicts.copy()
    comparisons[:, 1] = comparisons[:, 0]
    comparisons[:8, 1] = -1
    comparisons[:8, 0] = 0
    comparisons[6:, 2] = 0
    comparisons[:6, 2] = 1
    verdicts[:, 2] = np.nan
    names = ("good", "good too", "rare", "longer")
    return dataclasses.replace(dataset, comparisons=comparisons, verdicts=verdicts, properties=tuple(Property(name) for name in names))


@pytest.fixture(scope="module")
def cells(data: PairDataset) -> list[Score]:
    return score(data)


@pytest.fixture(scope="module")
def frame(cells: list[Score]) -> pd.DataFrame:
    return scores_frame(cells)


@pytest.fixture(scope="module")
def found(data: PairDataset) -> Collinearity:
    return collinearity(used_comparisons(data, data.group("All"), "tasteful"), data.property_names)


def cell(frame: pd.DataFrame, judge: str, predictor: str) -> "pd.Series[float]":
    return frame[(frame["judge"] == judge) & (frame["predictor"] == predictor)].iloc[0]


# Scores


@pytest.mark.parametrize("metric", METRICS)
def test_every_predictor_is_a_trace_with_its_values_and_intervals(frame: pd.DataFrame, metric: str) -> None:
    rows = order_rows(frame, metric, "judge")
    figure = score_chart(frame, metric, rows)
    drawn = {trace.name: trace for trace in figure.data}
    expected = [name for name in PREDICTORS if name != "ceiling" or metric == "accuracy"]
    assert list(drawn) == [LOOKS[name][0] for name in expected]
    for name in expected:
        trace = drawn[LOOKS[name][0]]
        np.testing.assert_allclose(trace.x, [cell(frame, judge, name)[metric] for judge in rows])
        errors = [cell(frame, judge, name)[f"{metric}_se"] for judge in rows]
        np.testing.assert_allclose(trace.error_x.array, Z_95 * np.nan_to_num(errors))
    assert drawn["explanation"].marker.color == PREFERRED


def test_rows_go_from_the_best_explained_down_and_leave_out_the_unscored(frame: pd.DataFrame) -> None:
    assert order_rows(frame, "log_loss", "judge") == ["tasteful", "long <b>"]
    assert order_rows(frame, "accuracy", "judge") == ["tasteful", "long <b>"]


def test_dots_of_one_row_do_not_lie_on_each_other(frame: pd.DataFrame) -> None:
    figure = score_chart(frame, "accuracy", order_rows(frame, "accuracy", "judge"))
    heights = [trace.y[0] for trace in figure.data]
    assert len(set(heights)) == len(heights)
    assert max(np.abs(heights)) < 0.5


def test_the_pointer_is_told_value_interval_error_and_n(frame: pd.DataFrame) -> None:
    figure = score_chart(frame, "accuracy", ["tasteful", "long <b>"])
    row = cell(frame, "tasteful", "explanation")
    words = figure.data[0].hovertext[0]
    assert f"{100 * row['accuracy']:.1f} %" in words
    assert "95 %:" in words
    assert f"standard error {100 * row['accuracy_se']:.2f} %" in words
    assert "n = 500 pairs of 500 queries" in words


def test_names_are_text(frame: pd.DataFrame) -> None:
    figure = score_chart(frame, "brier", ["long <b>"], own=["long <b>"])
    assert figure.layout.yaxis.ticktext == ("long &lt;b&gt; (yours)",)
    assert "<b>long &lt;b&gt;</b>" in figure.data[0].hovertext[0]


def test_the_coin_toss_is_marked(frame: pd.DataFrame) -> None:
    lines = [score_chart(frame, metric, ["tasteful"]).layout.shapes[0].x0 for metric in METRICS]
    assert lines == pytest.approx([math.log(2), 0.5, 0.25])


def test_groups_of_one_judge() -> None:
    dataset = make_dataset(n=200, d=2, scenarios=("Code", "Advice"))
    frame = scores_frame(score(dataset, judges=["one"]))
    rows = order_rows(frame, "log_loss", "group")
    figure = score_chart(frame, "log_loss", rows, "group")
    assert set(figure.layout.yaxis.ticktext) == {"Code", "Advice"}
    assert figure.data[0].x[0] <= figure.data[0].x[1]


# Readings of scores


def test_the_reading_has_this_charts_own_numbers(frame: pd.DataFrame) -> None:
    words = score_reading(frame, "log_loss", "All")
    row, length = cell(frame, "tasteful", "explanation"), cell(frame, "tasteful", "length alone")
    assert f"tasteful, {row['log_loss']:.3f} (standard error {row['log_loss_se']:.4f}), n = 500" in words
    assert f"length alone {length['log_loss']:.3f}" in words
    assert "Own agreement" not in words
    assert "Own agreement" in score_reading(frame, "accuracy", "All")


def test_who_does_not_beat_length_is_named(frame: pd.DataFrame) -> None:
    words = length_sentence(frame)
    assert "doesn't beat length alone** for 1 of 2: long \\<b\\>" in words
    assert f"{cell(frame, 'long <b>', 'explanation')['difference']:+.4f} nats" in words
    assert "tasteful" not in words
    assert "(1 of 1)" in length_sentence(frame[frame["judge"] == "tasteful"])


def test_unknown_length_is_said() -> None:
    frame = scores_frame(score(make_dataset(n=200, d=2, scenarios=("All",))))
    assert "no property is named for length" in length_sentence(frame)


def test_who_has_no_score_is_named_with_the_reason(frame: pd.DataFrame) -> None:
    assert unscored_sentence(frame) == "Not scored: silent (the judge has no verdict on these pairs)."
    assert not unscored_sentence(frame[frame["judge"] == "tasteful"])
    nothing = frame[frame["judge"] == "silent"]
    assert "nothing could be scored" in score_reading(nothing, "log_loss", "All")


# Calibration


def test_calibration_is_drawn_in_per_cent_with_its_intervals(cells: list[Score]) -> None:
    table = calibration(cells[0])
    figure = calibration_chart(table)
    (points,) = figure.data
    np.testing.assert_allclose(points.x, 100 * table["predicted"])
    np.testing.assert_allclose(points.y + points.error_y.array, 100 * table["high"])
    np.testing.assert_allclose(points.y - points.error_y.arrayminus, 100 * table["low"])
    assert f"n = {table['n'].iloc[0]:g} pairs" in points.hovertext[0]
    assert figure.layout.xaxis.range == figure.layout.yaxis.range


def test_the_calibration_reading_says_whether_chance_would_do(cells: list[Score]) -> None:
    table, error = calibration(cells[0]), calibration_error(cells[0])
    assert error is not None
    worst = (table["observed"] - table["predicted"]).abs().idxmax()
    words = calibration_reading(table, error, "tasteful").replace("\u00a0", " ")
    assert f"{100 * table['predicted'][worst]:.0f} % foretold" in words
    assert f"{100 * error.value:.1f} points, n = 500" in words
    assert "more than chance gives" in calibration_reading(table, error._replace(chance_high=0.0), "tasteful")
    assert "no more than chance gives" in calibration_reading(table, error._replace(chance_high=1.0), "tasteful")


# Correlations and evidence


def test_the_chart_of_correlations_has_like_beside_like(found: Collinearity) -> None:
    order = order_correlated(found)
    assert abs(order.index(0) - order.index(1)) == 1
    figure = correlation_chart(found)
    (cells_drawn,) = figure.data
    assert isinstance(cells_drawn, go.Heatmap)
    assert (cells_drawn.zmin, cells_drawn.zmax) == (-1, 1)
    for i, row in enumerate(order):
        for j, column in enumerate(order):
            expected = np.nan if i == j else found.correlation[row, column]
            np.testing.assert_allclose(cells_drawn.z[i][j], expected)
    words = cells_drawn.text[order.index(0)][order.index(1)]
    assert "8 pairs could tell them apart" in words
    assert "n = 500" in words


def test_a_property_that_never_varies_is_last_and_says_why() -> None:
    comparisons = np.random.default_rng(0).integers(-1, 2, size=(50, 4)).astype(float)
    comparisons[:, 1] = 0
    flat = collinearity(comparisons, ("a", "b", "c", "d"))
    assert order_correlated(flat)[-1] == 1
    assert "the same on all 50 pairs" in correlation_chart(flat).data[0].text[0][3]
    assert correlation_frame(flat)["r"].isna().sum() == 3
    assert correlation_frame(flat)["r"].iloc[-1] != correlation_frame(flat)["r"].iloc[-1]


def test_the_reading_names_the_strongest_and_the_list_those_alike(found: Collinearity) -> None:
    table, close = correlation_frame(found), confusable(found)
    words = correlation_reading(found, table, close, "tasteful")
    assert "*good* and *good too*" in words
    assert "on 8 of 500 pairs" in words
    assert "1 pair of properties can hardly" in words
    (sentence,) = confusable_sentences(close)
    assert "8 of 500 pairs could tell them apart" in sentence
    assert "95\u00a0%: +0.9" in sentence


def test_evidence_has_the_numbers_of_the_fit(data: PairDataset, found: Collinearity) -> None:
    posterior = fit(data, judges=["tasteful"])[0]
    evidence = evidence_frame(found, posterior, 0.1)
    assert list(evidence.columns) == list(EVIDENCE_LABELS)
    np.testing.assert_array_equal(evidence["differs"], posterior.differs)
    assert evidence.set_index("property")["smallest"].idxmax() == "rare"
    assert evidence["smallest"].gt(50).all()
    few, smallest = few_pairs_sentence(evidence, "All"), smallest_sentence(evidence, "All")
    assert "*rare* on 6 of 500 pairs" in few
    assert "on *rare* (6)" in smallest
    assert "n = 500 pairs" in smallest


def test_evidence_of_a_judge_without_a_fit_is_empty_and_said_so(data: PairDataset, found: Collinearity) -> None:
    evidence = evidence_frame(found, fit(data, judges=["silent"])[0], 0.1)
    assert evidence["smallest"].isna().all()
    assert not evidence["discovery"].any()
    assert "no fit" in smallest_sentence(evidence, "All")
