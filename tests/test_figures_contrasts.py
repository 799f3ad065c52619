"""Charts of differences, strength and rounds: what is drawn is what the table says, and names are never markup."""

import numpy as np
import pandas as pd
import pytest

from dissection.contrasts.moments import moments
from dissection.contrasts.paired import contrast
from dissection.contrasts.rounds import rounds
from dissection.contrasts.sides import Side
from dissection.contrasts.strength import relation, relation_table, strengths
from dissection.contrasts.table import difference_table
from dissection.dataset import PairDataset
from dissection.figures.compare import difference_words, differences_chart, percent_columns
from dissection.figures.parts import interval, joined, label_width, row_axis
from dissection.figures.strength import direction_chart, rounds_chart, strength_chart
from dissection.figures.style import FADED
from dissection.readers import open_dataset
from tests.conftest import make_dataset

MARKUP = "<b>bold</b>"
COLOURS = {"one": "#111111", "two": "#222222"}


@pytest.fixture(scope="module")
def dataset() -> PairDataset:
    return make_dataset(n=300)


@pytest.fixture(scope="module")
def table(dataset: PairDataset) -> pd.DataFrame:
    group = dataset.selectable_groups[0].name
    found = difference_table([contrast(dataset, Side("one", group), Side("two", group))])
    return percent_columns(found).assign(shown=found["discovery"])


# --- what charts have in common ------------------------------------------------------------------------------------------------------


def test_error_bars_reach_from_low_to_high_and_are_none_without_ends() -> None:
    bars = interval([1.0, 2.0], [0.5, np.nan], [2.5, np.nan])
    assert bars["array"].tolist() == [1.5, 0.0]
    assert bars["arrayminus"].tolist() == [0.5, 0.0]


def test_rows_go_from_the_top_and_names_have_room() -> None:
    axis = row_axis(["first", "second", "third"])
    assert axis["ticktext"] == ["first", "second", "third"]
    assert axis["tickvals"] == [0, 1, 2]
    assert axis["range"][0] > axis["range"][1], "the first row is at the top"
    assert label_width(["a" * 30]) > label_width(["a" * 10]) > 0
    assert label_width([]) > 0


def test_lines_are_parted() -> None:
    lines = joined([(0, 0, 1, 0), (2, 1, 3, 1)], dotted=True)
    assert lines["x"] == [0, 1, None, 2, 3, None]
    assert lines["y"] == [0, 0, None, 1, 1, None]
    assert lines["line"]["dash"] == "dot"


# --- differences ---------------------------------------------------------------------------------------------------------------------


def test_a_difference_is_drawn_with_its_interval(table: pd.DataFrame) -> None:
    links, first, second, *forest = differences_chart(table, ("one", "two"), ("#111111", "#222222")).data
    assert np.allclose(first.x, table["first_percent"])
    assert np.allclose(second.x, table["second_percent"])
    assert [x for x in links.x if x is not None] == [end for pair in zip(first.x, second.x, strict=True) for end in pair]
    drawn = {int(row): (x, x - minus, x + plus) for part in forest for row, x, minus, plus in
             zip(part.y, part.x, part.error_x.arrayminus, part.error_x.array, strict=True)}  # fmt: skip
    assert len(drawn) == len(table)
    for row, (value, low, high) in drawn.items():
        assert np.allclose((value, low, high), table.iloc[row][["difference", "low", "high"]].astype(float))


def test_undecided_differences_are_faded_and_say_so(table: pd.DataFrame) -> None:
    mixed = table.assign(shown=[row == 0 for row in range(len(table))])
    _, first, _, *forest = differences_chart(mixed, ("one", "two"), ("#111111", "#222222")).data
    assert list(first.marker.opacity) == [1.0, *[FADED] * (len(table) - 1)]
    assert [len(part.x) for part in forest] == [1, len(table) - 1]
    assert "not told apart" not in forest[0].hovertext[0]
    assert all("not told apart from no difference" in said for said in forest[1].hovertext)
    assert all("300 in common" in said for part in forest for said in part.hovertext)


def test_the_axis_of_differences_is_symmetric_and_holds_every_end(table: pd.DataFrame) -> None:
    low, high = differences_chart(table, ("one", "two"), ("#111111", "#222222")).layout.xaxis2.range
    assert low == -high
    assert high >= table[["low", "high"]].abs().max(axis=None)


def test_names_in_charts_of_differences_are_no_markup(table: pd.DataFrame) -> None:
    drawn = differences_chart(table.assign(property=MARKUP, first=MARKUP), (MARKUP, "two"), ("#111111", "#222222"))
    said = [
        *drawn.layout.yaxis.ticktext,
        *(trace.name for trace in drawn.data),
        *(text for trace in drawn.data for text in trace.hovertext or ()),
    ]
    assert not any(text and MARKUP in text for text in said)
    assert sum("&lt;b&gt;bold" in text for text in said if text) > len(table)


def test_a_difference_in_words() -> None:
    row = {"note": "", "sd": 0.1, "difference": 0.412, "low": 0.121, "high": 0.703, "real": 0.9962}
    assert difference_words(row) == "+0.41 log-odds (95 %: +0.12 to +0.70), this way round with probability 99.6 %"
    assert difference_words({**row, "real": 0.91}).endswith("probability 91 %")
    assert difference_words({**row, "real": 0.99991}).endswith("over 99.9 %")
    assert difference_words({**row, "sd": 0.0, "note": "the same verdicts"}) == "no difference: the same verdicts"


# --- strength, direction, rounds -----------------------------------------------------------------------------------------------------


def test_twins_are_joined_where_both_are_there(dataset: PairDataset) -> None:
    frame = strengths(moments(dataset, dataset.judge_names))
    links, dots = strength_chart(frame, COLOURS, [("one", "two"), ("one", "absent")]).data
    values = dict(zip(frame["judge"], frame["strength"], strict=True))
    assert [x for x in links.x if x is not None] == [values["one"], values["two"]]
    assert np.allclose(dots.x, frame["strength"])
    assert np.allclose(np.asarray(dots.x) + dots.error_x.array, frame["high"])
    assert all("n = 300 pairs" in said for said in dots.hovertext)


def test_another_judge_stands_by_its_strength_and_direction() -> None:
    larger = make_dataset(n=1500)
    frame = relation_table([relation(moments(larger, larger.judge_names), "one", "two")])
    drawn = direction_chart(frame, COLOURS)
    (dots,) = drawn.data
    assert (dots.x[0], dots.y[0]) == (frame["ratio"][0], frame["cosine"][0])
    assert dots.x[0] + dots.error_x.array[0] == pytest.approx(frame["ratio_high"][0])
    assert "n = 1,500 and 1,500 pairs" in dots.hovertext[0]
    low, high = drawn.layout.yaxis.range
    assert low < np.nanmin(frame[["cosine", "cosine_low"]]) < high
    assert next(shape.x0 for shape in drawn.layout.shapes) == 1, "the reference is at 1"


def test_paths_are_percentages_with_their_intervals(dataset: PairDataset) -> None:
    found = rounds(dataset, ["one", "two"], dataset.selectable_groups[0].name)
    effects = found.effects()
    names = list(dataset.property_names[:2])
    paths = rounds_chart(effects, names).data
    assert [path.name for path in paths] == names
    part = effects[effects["property"] == names[0]]
    assert np.allclose(paths[0].y, 100 / (1 + np.exp(-part["mean"].to_numpy(dtype=float))))
    assert np.allclose(np.asarray(paths[0].y) + paths[0].error_y.array, 100 / (1 + np.exp(-part["high"].to_numpy(dtype=float))))
    assert [round(x) for x in paths[0].x] == [1, 2]
    assert all("n = 300" in said for said in paths[0].hovertext)


def test_weights_without_pairs_say_why_they_have_no_interval(published: object) -> None:
    weights = open_dataset(published)  # type: ignore[arg-type]
    frame = strengths(moments(weights, weights.judge_names[:3]))
    _, dots = strength_chart(frame, dict.fromkeys(frame["judge"], "#111111"), []).data
    assert not any(dots.error_x.array)
    assert all("95 %" not in said for said in dots.hovertext)
