"""Win rates and their chart: planted rates are covered, and where there is no interval it is said why."""

import dataclasses
import math

import numpy as np
import pytest

from dissection.asking.creating import Creation, name_authors
from dissection.asking.online import WinRate, win_rates
from dissection.asking.outcome import order_table
from dissection.asking.queries import from_lines
from dissection.asking.verdicts import Verdicts
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.figures.win_rates import win_rate_chart, win_rate_table
from dissection.judges import Judge
from tests.asking_tools import marked


def judged(values: FloatArray, models: tuple[str, str] = ("x", "y")) -> PairDataset:
    """A judge "j" with these P(A preferred) in the first order, on pairs of the two models."""
    data = marked(len(values))
    pairs = data.pairs.copy()
    pairs["model_a"], pairs["model_b"] = models
    return dataclasses.replace(data, pairs=pairs).with_judge(Judge("j"), np.column_stack([values, np.full(len(values), np.nan)]))


def rate_of(values: list[float]) -> WinRate:
    return win_rates(judged(np.array(values)), "j")[0]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([0.9] * 12, "all verdicts are equal"),
        ([0.5] * 12, "all verdicts are equal"),
        ([0.1 + 0.2, 0.3], "all verdicts are equal"),
        ([0.7], "one verdict"),
        ([0.7, math.nan], "one verdict"),
    ],
)
def test_equal_soft_verdicts_have_no_interval_and_it_is_said_why(values: list[float], why: str) -> None:
    rate = rate_of(values)
    assert rate.rate == pytest.approx(values[0])
    assert math.isnan(rate.low)
    assert math.isnan(rate.high)
    assert f"(no interval: {why}; n = " in rate.words()
    chart = win_rate_chart([rate])
    assert chart.data[0].error_x.array[0] == 0
    assert chart.data[0].marker.symbol == ("circle-open",), "nothing is decided"
    assert win_rate_table([rate])["interval"].tolist() == [f"none: {why}"]


def test_equal_sides_have_wilsons() -> None:
    rate = rate_of([1.0] * 12)
    assert rate.interval == "Wilson"
    assert (rate.low, rate.high) == pytest.approx((0.7575, 1.0), abs=1e-4)


def test_the_bootstrap_covers_a_planted_rate() -> None:
    """95 % of the intervals are to hold the mean of the law that soft verdicts are drawn from: 180 of 200 or more, with 1 - 0.9988."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        rate = rate_of(rng.beta(2.0, 1.0, size=60).tolist())
        assert rate.interval == "bootstrap"
        inside += rate.low <= 2 / 3 <= rate.high
    assert inside >= 180


def test_the_two_directions_are_mirror_images() -> None:
    values = np.random.default_rng(1).random(40)
    one, other = win_rates(judged(values), "j")
    assert (one.model, one.other, other.model, other.other) == ("x", "y", "y", "x")
    assert one.rate == pytest.approx(values.mean())
    assert (other.rate, other.low, other.high) == pytest.approx((1 - one.rate, 1 - one.high, 1 - one.low))
    turned = win_rates(judged(values, ("y", "x")), "j")
    assert turned[1].rate == pytest.approx(one.rate), "whichever stands on the side A"


def test_many_models_are_apart_from_each_other() -> None:
    data = judged(np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0]))
    pairs = data.pairs.copy()
    pairs["model_a"], pairs["model_b"] = ["x", "y", "x", "y", "z", "x"], ["y", "x", "z", "z", "z", None]
    rates = {(rate.model, rate.other): (rate.rate, rate.n) for rate in win_rates(dataclasses.replace(data, pairs=pairs), "j")}
    assert rates == {
        ("x", "y"): (1.0, 2),
        ("y", "x"): (0.0, 2),
        ("x", "z"): (1.0, 1),
        ("z", "x"): (0.0, 1),
        ("y", "z"): (1.0, 1),
        ("z", "y"): (0.0, 1),
    }


def test_the_chart_says_rate_interval_and_number() -> None:
    strong, weak = WinRate("a<b>", "c", 0.8, 0.7, 0.9, 50, "Wilson"), WinRate("d", "c", 0.55, 0.4, 0.7, 20, "bootstrap")
    chart = win_rate_chart([weak, strong, WinRate("e", "c", math.nan, math.nan, math.nan, 0, "none: no verdict")])
    (dots,) = chart.data
    assert list(dots.x) == [80.0, 55.00000000000001]
    assert list(dots.marker.symbol) == ["circle", "circle-open"]
    np.testing.assert_allclose(dots.error_x.array, [10, 15])
    np.testing.assert_allclose(dots.error_x.arrayminus, [10, 15])
    assert "80.0 % (95 %: 70.0–90.0; n = 50 pairs)" in dots.hovertext[0]
    assert "<b>" not in dots.hovertext[0]
    assert win_rate_table([strong]).to_dict("records")[0]["percent"] == 80.0


def test_the_position_bias_of_a_judge_without_one_has_no_interval() -> None:
    steady = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    leaning = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    found = {name: Verdicts(values, 0, 2 * len(values), (), ()) for name, values in (("steady", steady), ("leaning", leaning))}
    table = order_table(found).set_index("judge")
    assert table.loc["steady", "first"] == 50
    assert math.isnan(table.loc["steady", "first_low"])
    assert table.loc["steady", "same_low"] < 100 == table.loc["steady", "same"]
    assert table.loc["leaning", "first"] == 75
    assert 50 <= table.loc["leaning", "first_low"] < 75 < table.loc["leaning", "first_high"] <= 100


def test_only_ends_of_lines_part_queries() -> None:
    text = "one\u2028still one\r\ntwo\x0band more\rthree\x85\n"
    assert from_lines(text, "x").texts == ("one\u2028still one", "two\x0band more", "three")
    assert from_lines(text, "x").notes == ()


@pytest.mark.parametrize("temperature", [math.nan, -0.1, 2.1, math.inf])
def test_temperatures_that_are_none(temperature: float) -> None:
    with pytest.raises(InputError, match="temperature"):
        Creation(("q",), name_authors([("m", "")]), 2, "m", temperature=temperature)


def test_instructions_that_differ_in_their_ends_alone_are_the_same() -> None:
    with pytest.raises(InputError, match="same model"):
        name_authors([("m", "Be short."), ("m", " Be short.\n")])
