"""What the closer look at one effect and the Diagnostics page draw, as data."""

from dataclasses import replace

import numpy as np
import pytest

from dissection.agreement import Z_95
from dissection.dataset import ALL_PAIRS
from dissection.figures.closer import COLUMNS, bias_frame, interval_chart, pooling_frame, sensitivity_frame
from dissection.figures.diagnostics import RANK_BINS, engines_chart, engines_frame, predictive_chart, rank_chart, rank_counts, trace_chart
from dissection.figures.dots import dot_plot
from dissection.figures.effects import percent_frame
from dissection.regression.cells import cells
from dissection.regression.fit import fit
from dissection.regression.model import PAPER, POOLED, STANDARD, choose_model
from dissection.regression.nuts import Settings
from dissection.regression.posterior import probability
from dissection.regression.predictive import predictive_check
from tests.conftest import make_dataset


def test_a_wider_prior_gives_a_wider_row_and_its_own_interval_behind() -> None:
    dataset = make_dataset(n=100, scenarios=("All",))
    models = [choose_model("standard", scale) for scale in (0.05, 0.5)]
    frame = sensitivity_frame([(model, fit(dataset, model, judges=["one"])[0]) for model in models], "p0")
    assert list(frame.columns) == COLUMNS
    assert frame["row"].tolist() == ["b = 0.05", "b = 0.5"]
    assert frame["percent"].is_monotonic_increasing
    np.testing.assert_allclose(frame["prior_high"], probability(np.array([0.05, 0.5]) * np.log(20)))
    figure = interval_chart(frame, "x", {"posterior": "#000"})
    assert figure.data[0].name == "the prior's 95 %"
    assert figure.data[0].x[:2] == pytest.approx((frame["prior_low"][0], frame["prior_high"][0]))
    assert "n = 100 pairs" in figure.data[1].hovertext[0]


def test_scenarios_alone_and_pooled_the_smallest_first() -> None:
    dataset = make_dataset(n=90, scenarios=("Code", "Code", "Advice"))
    alone = fit(dataset, STANDARD, judges=["one"])
    pooled = fit(dataset, POOLED, judges=["one"])
    frame = pooling_frame(alone, pooled, "p0", 0.1)
    assert frame["row"].tolist() == ["Advice (n = 30)"] * 2 + ["Code (n = 60)"] * 2 + ["shared by all"]
    by_cell = {
        (posterior.group.name, kind): posterior for kind, found in (("fitted alone", alone), ("pooled", pooled)) for posterior in found
    }
    for row in frame.to_dict("records"):
        group = str(row["row"]).split(" (")[0]
        posterior = by_cell[ALL_PAIRS if group == "shared by all" else group, str(row["series"])]
        assert row["percent"] == pytest.approx(float(probability(posterior.mean[0])))
        assert row["low"] == pytest.approx(float(probability(posterior.low[0])))
    assert frame["prior_high"][1] > frame["prior_high"][0], "a pooled weight may lie farther from 50 %"
    figure = interval_chart(frame, "x", {"fitted alone": "#000", "pooled": "#111"})
    assert [trace.name for trace in figure.data[1:]] == ["fitted alone", "pooled"]
    assert set(figure.data[1].y).isdisjoint(figure.data[2].y), "the two series lie beside each other"


def test_position_bias_as_a_probability() -> None:
    dataset = make_dataset(n=400, scenarios=("All",), both_orders=True, position_bias=1.0)
    frame = bias_frame(fit(dataset, STANDARD), 1.0)
    assert frame["row"].tolist() == ["one", "two"]
    assert (frame["low"] < 73.1).all(), "100·σ(1) was planted"
    assert (frame["high"] > 73.1).all()
    np.testing.assert_allclose(frame["prior_high"], float(probability(Z_95)))
    assert bias_frame(fit(dataset, PAPER), 1.0).empty


def test_undecided_rows_are_hollow() -> None:
    dataset = make_dataset(n=400, scenarios=("All",), weights={"one": [2.0, 0.0, 0.0]})
    (posterior,) = fit(dataset)
    symbols = [
        interval_chart(sensitivity_frame([(STANDARD, posterior)], name), "x", {"posterior": "#000"}).data[1].marker.symbol[0]
        for name in ("p0", "p1")
    ]
    assert symbols == ["circle", "circle-open"]


def test_the_prior_is_behind_dots() -> None:
    dataset = make_dataset(n=100, scenarios=("All",))
    (posterior,) = fit(dataset, judges=["one"])
    figure = dot_plot(percent_frame([posterior]), dataset.property_names, ["one"], dataset.judge_names, prior_reach=STANDARD.prior_reach)
    assert figure.data[0].fill == "toself"
    assert sorted(set(figure.data[0].x)) == pytest.approx(probability(np.array([-1, 1]) * STANDARD.prior_reach).tolist())


def test_engines_side_by_side() -> None:
    dataset = make_dataset(n=80)
    fast = fit(dataset)
    sampled = [replace(posterior, engine="nuts", mean=posterior.mean + 0.1 * posterior.sd) for posterior in fast[:2]]
    frame = engines_frame(fast, [*sampled, replace(fast[2], status="not converged")])
    assert len(frame) == 2 * 3
    np.testing.assert_allclose(frame["apart"], -0.1)
    np.testing.assert_allclose(frame["sd_ratio"], 1)
    np.testing.assert_allclose(frame["ends_apart"], 0, atol=1e-12)
    line, dots = engines_chart(frame).data
    assert tuple(line.x) == tuple(line.y)
    assert len(dots.hovertext) == 6
    assert engines_frame(fast, []).empty


def test_ranks_are_flat_where_chains_mix_and_not_where_they_don_t() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4, 2000))
    counts = rank_counts(draws)
    assert counts.shape == (4, RANK_BINS)
    assert (counts.sum(axis=1) == 2000).all()
    assert (counts.sum(axis=0) == 400).all()
    assert np.abs(counts - 100).max() < 45
    draws[0] += 2
    assert rank_counts(draws)[0, 0] < 20
    assert len(rank_chart(draws).data) == 4


def test_long_traces_are_thinned() -> None:
    draws = np.random.default_rng(1).normal(size=(2, 2000))
    trace = trace_chart(draws, "<b>polite</b>")
    assert [len(chain.x) for chain in trace.data] == [500, 500]
    np.testing.assert_array_equal(trace.data[1].y, draws[1, ::4])
    assert "every 4th" in trace.layout.xaxis.title.text
    assert "<b>" not in trace.layout.yaxis.title.text


def test_shares_outside_their_predictive_interval_stand_out() -> None:
    (cell,) = cells(make_dataset(n=400, weights={"one": [1.5, 0.0, 0.0]}, scenarios=("All",)), PAPER, Settings())
    check = predictive_check(cell.rows[0], np.zeros((5, 3)), cell.properties)
    colours = predictive_chart(check).data[1].marker.color
    assert colours[0] != colours[1]
    assert list(predictive_chart(check).layout.yaxis.ticktext) == ["p0", "p1", "p2"]
