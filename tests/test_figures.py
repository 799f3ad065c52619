"""Figures as data: what is drawn where, what is faded, what the pointer is told."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissection.clusters import cluster, map_judges
from dissection.dataset import PairDataset
from dissection.errors import UnknownNameError
from dissection.figures.dots import dot_plot
from dissection.figures.effects import PROPERTY_ORDERS, order_judges, order_properties, percent_frame
from dissection.figures.heatmap import PERCENT, half_range, heatmap
from dissection.figures.likeness import COLOURINGS, colour_groups, group_colours, long_frame, matrix, scatter_map
from dissection.figures.sentences import cell_words, dots_reading, headline, heatmap_reading, likes_and_dislikes
from dissection.figures.style import PALETTE, SYMBOLS, judge_colours, judge_symbols, plain
from dissection.judges import Judge
from dissection.properties import FAMILIES, Property, paper_properties
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.posterior import Posterior
from dissection.similarity import similarity_matrix
from tests.conftest import make_dataset

TASTES = {"one": [1.5, 0.0, -0.8, 0.3], "two": [-1.2, 0.1, 0.9, 0.0], "three": [1.4, 0.2, -0.9, 0.1], "four": [0.0, 0.0, 0.0, 0.0]}


@pytest.fixture(scope="module")
def data() -> PairDataset:
    """Four judges, two scenarios; "four" has no taste and no verdict in Advice."""
    dataset = make_dataset(n=400, d=4, weights=TASTES)
    verdicts = dataset.verdicts.copy()
    verdicts[(dataset.pairs["scenario"] == "Advice").to_numpy(), 3] = np.nan
    four = dataset.without_judges({"four"})
    return four.with_judge(Judge("four"), verdicts[:, 3])


@pytest.fixture(scope="module")
def posteriors(data: PairDataset) -> list[Posterior]:
    return list(fit(data))


@pytest.fixture(scope="module")
def frame(posteriors: list[Posterior]) -> pd.DataFrame:
    return percent_frame(posteriors)


@pytest.fixture(scope="module")
def code(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["group"] == "Code"]


def drawn(figure: go.Figure) -> tuple[np.ndarray, np.ndarray]:
    """The values of a heatmap's full and of its faded layer."""
    full, faded = (trace for trace in figure.data if isinstance(trace, go.Heatmap))
    assert full.opacity > faded.opacity
    return np.asarray(full.z, dtype=float), np.asarray(faded.z, dtype=float)


def of_code(code: pd.DataFrame, data: PairDataset, judges: Sequence[str] = tuple(TASTES)) -> go.Figure:
    return heatmap(code, judges, data.property_names, row_field="judge", column_field="property")


# Percentages and the colour scale


def test_percentages_are_of_the_logistic_function(frame: pd.DataFrame) -> None:
    fitted = frame[frame["status"] == "fitted"]
    np.testing.assert_allclose(fitted["percent"], 100 / (1 + np.exp(-fitted["mean"].to_numpy(dtype=float))))
    assert (fitted["percent_low"] < fitted["percent"]).all()
    assert (fitted["percent"] < fitted["percent_high"]).all()


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        ([50.0], 5.0),
        ([50.4, 49.0], 5.0),
        ([57.0], 10.0),
        ([31.0, 50.0], 20.0),
        ([99.0], 35.0),
        ([np.nan], 5.0),
        ([], 5.0),
        ([np.nan, 61.0], 15.0),
    ],
)
def test_half_range(percent: list[float], expected: float) -> None:
    assert half_range(pd.DataFrame({"percent": pd.Series(percent, dtype=float)})) == expected


@given(st.lists(st.floats(0, 100) | st.just(float("nan")), max_size=30))
def test_half_range_is_a_multiple_of_5_within_its_bounds(percent: list[float]) -> None:
    found = half_range(pd.DataFrame({"percent": pd.Series(percent, dtype=float)}))
    assert PERCENT.least <= found <= PERCENT.most
    assert found % 5 == 0


def test_the_colours_are_centred_on_50(code: pd.DataFrame, data: PairDataset) -> None:
    for trace in of_code(code, data).data[:2]:
        assert (trace.zmin + trace.zmax) / 2 == 50
        assert trace.zmax - 50 == half_range(code)


# Orders


@pytest.mark.parametrize("by", PROPERTY_ORDERS)
def test_every_order_holds_every_property_once(code: pd.DataFrame, data: PairDataset, by: str) -> None:
    assert sorted(order_properties(code, data.properties, by)) == sorted(data.property_names)


def test_order_by_value_and_name(code: pd.DataFrame, data: PairDataset) -> None:
    means = code.groupby("property")["mean"].mean()
    by_value = order_properties(code, data.properties, "value")
    assert list(means[by_value]) == sorted(means, reverse=True)
    assert order_properties(code, data.properties[::-1], "name") == ["p0", "p1", "p2", "p3"]


def test_order_by_family_keeps_families_together_and_in_their_order() -> None:
    properties = paper_properties()
    names = [property_.name for property_ in properties]
    rows = pd.DataFrame({"judge": "j", "group": "g", "property": names, "mean": np.linspace(-1, 1, len(names))})
    found = order_properties(rows, properties, "family")
    family = {property_.name: FAMILIES.index(property_.family) for property_ in properties}
    assert [family[name] for name in found] == sorted(family.values())
    value = dict(zip(names, rows["mean"], strict=True))
    for number in set(family.values()):
        inside = [value[name] for name in found if family[name] == number]
        assert inside == sorted(inside, reverse=True)


def test_order_by_cluster_puts_what_is_alike_side_by_side() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 12))
    values = {"a1": one, "b1": other, "a2": one + 0.01 * rng.normal(size=12), "b2": other + 0.01 * rng.normal(size=12)}
    rows = pd.DataFrame([{"judge": f"j{i}", "group": "g", "property": name, "mean": v[i]} for name, v in values.items() for i in range(12)])
    found = order_properties(rows, [Property(name) for name in values], "cluster")
    assert abs(found.index("a1") - found.index("a2")) == 1
    assert abs(found.index("b1") - found.index("b2")) == 1


def test_an_order_that_does_not_exist_is_refused(code: pd.DataFrame, data: PairDataset) -> None:
    with pytest.raises(UnknownNameError, match="family, value, cluster, name"):
        order_properties(code, data.properties, "size")


def test_judges_in_cluster_order(code: pd.DataFrame, frame: pd.DataFrame) -> None:
    found = order_judges(code, "cluster")
    assert sorted(found) == sorted(TASTES)
    assert abs(found.index("one") - found.index("three")) == 1
    assert order_judges(code, "data") == list(TASTES)
    advice = frame[frame["group"] == "Advice"]
    assert sorted(order_judges(advice, "cluster")) == sorted(TASTES), "a judge without numbers is still there"


# Heatmap


def test_each_cell_is_in_the_full_layer_if_decided_else_in_the_faded_one(code: pd.DataFrame, data: PairDataset) -> None:
    full, faded = drawn(of_code(code, data))
    assert full.shape == faded.shape == (4, 4)
    assert (np.isnan(full) != np.isnan(faded)).all()
    table = code.set_index(["judge", "property"])
    for row, judge in enumerate(TASTES):
        for column, property_ in enumerate(data.property_names):
            cell = table.loc[(judge, property_)]
            assert np.isnan(full[row, column]) == (not cell["decided"])
            assert (full if cell["decided"] else faded)[row, column] == pytest.approx(cell["percent"])
    assert not np.isnan(full[0, 0])
    assert np.isnan(full[0, 1])


def test_decided_means_that_the_interval_leaves_out_50(frame: pd.DataFrame) -> None:
    fitted = frame[frame["status"] == "fitted"]
    outside = (fitted["percent_low"] > 50) | (fitted["percent_high"] < 50)
    assert (outside == fitted["decided"]).all()
    assert fitted["decided"].any()
    assert not fitted["decided"].all()


def test_what_has_no_numbers_is_crossed_and_says_why(frame: pd.DataFrame, data: PairDataset) -> None:
    advice = frame[frame["group"] == "Advice"]
    figure = of_code(advice, data)
    full, faded = drawn(figure)
    assert np.isnan(full[3]).all()
    assert np.isnan(faded[3]).all()
    markers = figure.data[-1]
    for symbol, opacity, (judge, *_), said in zip(
        markers.marker.symbol, markers.marker.opacity, markers.customdata, markers.hovertext, strict=True
    ):
        assert symbol.startswith("x") == (judge == "four")
        assert (opacity > 0) == (judge == "four")
        assert ("no verdicts" in said) == (judge == "four")


def test_the_pointer_is_told_value_interval_and_n(code: pd.DataFrame, data: PairDataset) -> None:
    markers = of_code(code, data).data[-1]
    table = code.set_index(["judge", "group", "property"])
    assert len(markers.hovertext) == len(markers.customdata) == 16
    for x, y, key, said in zip(markers.x, markers.y, markers.customdata, markers.hovertext, strict=True):
        cell = table.loc[tuple(key)]
        assert (list(TASTES)[y], data.property_names[x]) == (key[0], key[2])
        assert f"{cell['percent']:.0f} %" in said
        assert f"{cell['percent_low']:.0f}–{cell['percent_high']:.0f}" in said
        assert f"n = {cell['n']:,}" in said
        assert ("not told apart" in said) == (not cell["decided"])


def test_scenarios_as_columns(frame: pd.DataFrame, data: PairDataset) -> None:
    one = frame[frame["judge"] == "one"]
    figure = heatmap(one, data.property_names, ["Code", "Advice"], row_field="property", column_field="group")
    full, faded = drawn(figure)
    assert full.shape == (4, 2)
    assert len(figure.data[-1].hovertext) == 8
    both = np.where(np.isnan(full), faded, full)
    expected = one.set_index(["property", "group"])["percent"].unstack().loc[list(data.property_names), ["Code", "Advice"]]
    np.testing.assert_allclose(both, expected.to_numpy())


def test_families_have_headings_and_lines_between(code: pd.DataFrame, data: PairDataset) -> None:
    families = [Property("p0", family="substance"), Property("p1", family="substance"), Property("p2", family="style"), Property("p3")]
    figure = heatmap(code, list(TASTES), data.property_names, row_field="judge", column_field="property", families=families)
    assert [note.text for note in figure.layout.annotations] == ["<b>substance</b>", "<b>style</b>", "<b>other</b>"]
    assert [line.x0 for line in figure.layout.shapes] == [1.5, 2.5]
    assert not of_code(code, data).layout.annotations


def test_point_estimates_are_not_faded_and_say_that_they_have_no_interval(published: object) -> None:
    dataset = open_dataset(published)  # type: ignore[arg-type]
    group = dataset.groups[0]
    cells = percent_frame(list(fit(dataset, groups=[group.name])))
    full, faded = drawn(heatmap(cells, dataset.judge_names, dataset.property_names, row_field="judge", column_field="property"))
    assert full.shape == (33, 29)
    assert not np.isnan(full).any()
    assert np.isnan(faded).all()
    markers = heatmap(cells, dataset.judge_names, dataset.property_names, row_field="judge", column_field="property").data[-1]
    assert all("no interval" in said for said in markers.hovertext)
    assert "No intervals" in heatmap_reading(cells, group.label)
    assert "no intervals" in headline(cells, "human")
    assert "n = " not in headline(cells, "human")


# Dot plot


def test_dots_have_intervals_and_are_hollow_where_undecided(code: pd.DataFrame, data: PairDataset) -> None:
    figure = dot_plot(code, data.property_names, ["one", "two"], data.judge_names)
    assert [trace.name for trace in figure.data] == ["one", "two"]
    for trace in figure.data:
        part = code[code["judge"] == trace.name].set_index("property").loc[list(data.property_names)]
        np.testing.assert_allclose(trace.x, part["percent"])
        np.testing.assert_allclose(trace.error_x.array, part["percent_high"] - part["percent"])
        np.testing.assert_allclose(trace.error_x.arrayminus, part["percent"] - part["percent_low"])
        assert [symbol.endswith("-open") for symbol in trace.marker.symbol] == list(~part["decided"].astype(bool))
        assert [tuple(key) for key in trace.customdata] == [(trace.name, "Code", name) for name in data.property_names]
        assert trace.marker.color == judge_colours(data.judge_names)[trace.name]
    first, second = (np.asarray(trace.y) for trace in figure.data)
    assert (np.abs(first - second) > 0.1).all(), "judges lie side by side"


def test_dots_of_a_judge_without_verdicts_are_left_out(frame: pd.DataFrame, data: PairDataset) -> None:
    (trace,) = dot_plot(frame[frame["group"] == "Advice"], data.property_names, ["four"], data.judge_names).data
    assert np.isnan(np.asarray(trace.x, dtype=float)).all()
    assert set(trace.hovertext) == {""}


def test_planted_tastes_are_marked_where_they_lie(code: pd.DataFrame, data: PairDataset) -> None:
    truth = {judge: dict(zip(data.property_names, taste, strict=True)) for judge, taste in TASTES.items()}
    without = dot_plot(code, data.property_names, ["one"], data.judge_names)
    figure = dot_plot(code, data.property_names, ["one"], data.judge_names, truth)
    assert len(figure.data) == len(without.data) + 1
    (planted,) = (trace for trace in figure.data if trace.name not in {other.name for other in without.data})
    np.testing.assert_allclose(np.asarray(planted.x, dtype=float), 100 / (1 + np.exp(-np.array(TASTES["one"]))))


def test_a_visitors_own_judge_is_marked(code: pd.DataFrame, data: PairDataset) -> None:
    figure = heatmap(code, list(TASTES), data.property_names, row_field="judge", column_field="property", own=["two"])
    names = list(figure.layout.yaxis.ticktext)
    assert "yours" in names[1]
    assert not any("yours" in name for name in (names[0], *names[2:]))


# Similarity


@pytest.fixture(scope="module")
def likeness(posteriors: list[Posterior]) -> pd.DataFrame:
    return similarity_matrix(posteriors)


def test_the_matrix_is_in_leaf_order_with_its_tree(likeness: pd.DataFrame, data: PairDataset) -> None:
    tree = cluster(likeness)
    groups = colour_groups(data.judges, "cluster", tree.cut(2))
    figure = matrix(likeness, tree, groups, 2)
    (heat,) = (trace for trace in figure.data if isinstance(trace, go.Heatmap))
    order = [*tree.order, *tree.left_out]
    np.testing.assert_allclose(np.asarray(heat.z, dtype=float), likeness.loc[order, order].to_numpy())
    assert heat.zmin <= np.nanmin(likeness.to_numpy())
    assert f"{likeness.loc[order[0], order[1]]:.3f}" in heat.text[0][1]
    assert sum(isinstance(trace, go.Scatter) for trace in figure.data) == len(tree.judges) - 1
    strips = [trace for trace in figure.data if isinstance(trace, go.Bar)]
    assert sorted(place for trace in strips for place in trace.y) == list(range(4))
    for trace in strips:
        assert {groups[order[place]] for place in trace.y} == {trace.name}
    assert groups["one"] == groups["three"] != groups["two"]


def test_pairs_of_judges_from_the_most_alike(likeness: pd.DataFrame) -> None:
    pairs = long_frame(likeness)
    assert len(pairs) == 6
    assert set(pairs.loc[0, ["judge", "other"]]) == {"one", "three"}
    known = pairs["similarity"].dropna()
    assert list(known) == sorted(known, reverse=True)


def test_the_map_has_every_judge_where_it_lies(likeness: pd.DataFrame, data: PairDataset) -> None:
    places, shown = map_judges(likeness)
    assert 0 < shown <= 1
    groups = colour_groups(data.judges, "cluster", cluster(likeness).cut(2))
    figure = scatter_map(places, groups)
    at = {name: (x, y) for trace in figure.data for name, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    assert set(at) == set(TASTES)
    for name, place in at.items():
        assert place == pytest.approx(tuple(places.loc[name]))
    assert np.hypot(*np.subtract(at["one"], at["three"])) < np.hypot(*np.subtract(at["one"], at["two"]))


@pytest.mark.parametrize("by", COLOURINGS)
def test_every_judge_has_a_colour(data: PairDataset, likeness: pd.DataFrame, by: str) -> None:
    groups = colour_groups((*data.judges, Judge("x", family="qwen", size=7, aligned=True)), by, cluster(likeness).cut(2))
    assert set(groups) == {*TASTES, "x"}
    assert set(group_colours(groups)) == set(groups.values())
    if by != "cluster":
        assert groups["x"] == {"size": "≤ 14 B", "family": "qwen", "base or aligned": "aligned"}[by]


# Sentences


def test_the_headline_names_what_is_wanted_and_shunned(frame: pd.DataFrame) -> None:
    said = headline(frame[frame["judge"] == "one"], "one")
    assert "one" in said
    assert "*p0* (in 2 of 2)" in said
    assert "*p2* (in 2)" in said
    assert said.index("p0") < said.index("avoids") < said.index("p2")


def test_the_headline_of_a_judge_without_taste_or_verdicts(frame: pd.DataFrame) -> None:
    four = frame[frame["judge"] == "four"].copy()
    assert "no verdicts" in headline(four[four["group"] == "Advice"], "four")
    four["decided"] = False
    assert "no property" in headline(four, "four")


def test_likes_and_dislikes_stay_on_their_side(code: pd.DataFrame) -> None:
    one = code[code["judge"] == "one"]
    likes, dislikes = likes_and_dislikes(one, top=2)
    assert likes.iloc[0]["property"] == "p0"
    assert dislikes.iloc[0]["property"] == "p2"
    assert (likes["percent"] > 50).all()
    assert (dislikes["percent"] < 50).all()
    cell = likes.iloc[0]
    said = cell_words(cell)
    assert said.startswith("p0")
    assert f"{cell['percent']:.0f}\u00a0%" in said
    assert f"{cell['percent_low']:.0f}–{cell['percent_high']:.0f}" in said


def test_readings_have_their_charts_own_numbers(code: pd.DataFrame, frame: pd.DataFrame) -> None:
    top = code.loc[(code["percent"] - 50).abs().idxmax()]
    said = heatmap_reading(code, "Code")
    assert top["judge"] in said
    assert top["property"] in said
    assert f"{top['percent']:.0f}\u00a0%" in said
    assert f"n = {top['n']:,}" in said
    assert f"{100 * (~code['decided']).mean():.0f} %" in said
    dots = dots_reading(code[code["judge"] == "two"], "Code")
    assert f"two n = {code['n'].iloc[0]:,}" in dots
    empty = frame[(frame["judge"] == "four") & (frame["group"] == "Advice")]
    assert "no cell has numbers" in heatmap_reading(empty, "Advice")


# Style


@given(st.text(max_size=60), st.integers(0, 30))
def test_plain_text_holds_no_markup(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert "<" not in shown
    assert ">" not in shown


@pytest.mark.parametrize(("text", "shown"), [("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("R&D", "R&amp;D"), ('"quoted"', '"quoted"'), (7, "7")])
def test_plain_shows_what_was_meant(text: object, shown: str) -> None:
    assert plain(text) == shown


def test_plain_cuts_before_it_escapes() -> None:
    assert plain("<<<<<<", 4) == "&lt;&lt;&lt;…"
    assert plain("abcd", 4) == "abcd"


def test_no_two_judges_look_the_same() -> None:
    names = [f"judge {i}" for i in range(len(PALETTE) * len(SYMBOLS))]
    colours, symbols = judge_colours(names), judge_symbols(names)
    assert len({(colours[name], symbols[name]) for name in names}) == len(names)
    assert judge_colours(names[:5]) == {name: colours[name] for name in names[:5]}, "the same on every page"


def test_names_with_markup_in_every_figure() -> None:
    dataset = make_dataset(n=60, d=2, weights={"<b>x</b>": [1, 0], "<i>y</i>": [0, 1], "z": [1, 1]}, scenarios=["<u>s</u>"])
    cells = list(fit(dataset))
    rows = percent_frame(cells)
    likeness = similarity_matrix(cells)
    tree = cluster(likeness)
    groups = dict.fromkeys(dataset.judge_names, "<b>g</b>")
    figures = [
        heatmap(rows, dataset.judge_names, dataset.property_names, row_field="judge", column_field="property"),
        dot_plot(rows, dataset.property_names, dataset.judge_names, dataset.judge_names),
        matrix(likeness, tree, groups, 1),
        scatter_map(map_judges(likeness)[0], groups),
    ]
    for figure in figures:
        for trace in figure.data:
            texts = [trace.name, *np.ravel(trace.text if trace.text is not None else []), *(trace.hovertext or [])]
            for text in texts:
                assert not any(tag in str(text) for tag in ("<b>x", "<i>y", "<u>s", "<b>g")), (trace.type, text)
