"""The page "Similarity" in every view, without a browser."""

import json
from pathlib import Path

import numpy as np
import pytest

from dissection.dashboard import behind
from dissection.figures.trust import of_one_judge
from dissection.likeness.reliability import likeness
from dissection.readers import open_dataset
from tests.test_pages import MADE_UP, MARKUP, SPECIALS, Open, figures, hover, open_page, rows, run, text, write

__all__ = ["open_page"]  # the fixture

VIEWS = ("matrix", "sure", "groups")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again; few resamples, as here only their way to the page is asked."""
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)
    monkeypatch.setattr("dissection.dashboard.likeness.cluster_support.__defaults__", (*_defaults()[:-2], 6, 0))


def _defaults() -> tuple[object, ...]:
    from dissection.dashboard.likeness import cluster_support

    return cluster_support.__defaults__ or ()


def two_kinds(n: int = 150) -> list[dict[str, object]]:
    """Four judges: two of the same taste, and two of its reverse."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(n):
        sides = rng.choice([-1, 1], size=3)
        odds = float(sides @ np.array([1.5, 0.8, -1.0]))
        told = {
            name: "a" if rng.random() < 1 / (1 + np.exp(-sign * odds)) else "b"
            for name, sign in (("x/one", 1), ("x/two", 1), ("y/one", -1), ("y/two", -1))
        }
        names = ("polite", "longer", "funny")
        found.append(
            {
                "pair_id": f"p{i}",
                "query": f"q{i}",
                "response_a": f"a{i}",
                "response_b": f"b{i}",
                "labels": told,
                "properties": {name: {"comparison": int(side)} for name, side in zip(names, sides, strict=True)},
            }
        )
    return found


def test_the_number_of_clusters_is_proposed(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()))
    clusters = at.selectbox(key="clusters")
    assert clusters.value == 0
    assert clusters.options[0] == "2, as proposed"
    assert len(figures(at)) == 2
    coloured = {point["marker"]["color"] for point in figures(at)[1]["data"] if point.get("marker")}
    clusters.select(1).run()
    assert len({point["marker"]["color"] for point in figures(at)[1]["data"] if point.get("marker")}) < len(coloured)


def test_branches_say_their_support(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), support="True")
    assert "2 of 2 branches come back" in text(at)
    assert any("support 100 % of 6 resamples" in str(trace.get("text")) for trace in figures(at)[0]["data"])


def test_intervals_and_ceilings_of_one_judge(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="sure", judge="x/one")
    said = hover(figures(at)[0])
    (twin,) = {words for words in said if "<b>x/two</b>" in words}
    assert "of the tastes" in twin
    assert "noise ceiling" in twin
    assert "n = 150 and 150 pairs, 150 in common" in twin
    assert "95 %" in text(at)


def test_each_pair_of_judges_is_seen_from_both_sides(tmp_path: Path) -> None:
    found = likeness(open_dataset(write(tmp_path, two_kinds())))
    for judge in ("x/one", "x/two", "y/two"):
        mine = of_one_judge(found.pairs, judge)
        assert set(mine["judge"]) == {judge}
        assert set(mine["other"]) == {"x/one", "x/two", "y/one", "y/two"} - {judge}
        assert mine["corrected"].is_monotonic_decreasing


def test_groups_by_the_parts_of_names(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="groups", groupway="names", pattern="llm/prompt")
    ticks = figures(at)[0]["layout"]["yaxis"]["ticktext"]
    assert ticks == ["within x", "within y", "x · y"]
    at.selectbox(key="metadata-column").set_value("prompt")
    run(at)
    assert figures(at)[0]["layout"]["yaxis"]["ticktext"] == ["within one", "within two", "one · two"]
    assert "permutations of the judges" in text(at)


def test_two_ways_to_group_are_set_against_each_other(open_page: Open, tmp_path: Path) -> None:
    """Two tastes are planted by the first part of the names; the second part means nothing."""
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="groups", groupway="names", pattern="llm/prompt")
    said = text(at)
    assert "same llm, different prompt: mean similarity 0." in said
    assert "averaged over 1 scenario:" in said
    crossed = next(frame.value for frame in at.dataframe if "contrast" in frame.value and len(frame.value) == 3)
    assert crossed["pairs"].tolist() == [2, 2, 2]
    assert crossed["mean"].iloc[0] > 0.8
    assert crossed["mean"].iloc[1] < -0.8


def test_groups_of_one_judge_each_have_no_similarity_within(open_page: Open, tmp_path: Path) -> None:
    two = [{**row, "labels": {"a/one": row["labels"]["x/one"], "b/two": row["labels"]["y/one"]}} for row in two_kinds()]  # type: ignore[index]
    at = open_page("similarity", write(tmp_path, two), simview="groups", groupway="names", pattern="llm/prompt")
    assert "none known within a group; between groups -0." in text(at)
    assert "nan" not in text(at).lower()
    assert "No two judges share only their" in text(at)


def test_groups_have_intervals_by_resampling(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="groups", groupway="names", pattern="llm/prompt", support="True")
    assert any("95 %" in words for words in hover(figures(at)[0]))


def test_the_published_groups_by_size(open_page: Open, published: Path) -> None:
    at = open_page("similarity", published, simview="groups", groupby="size")
    words = text(at)
    assert "0.828" in words
    assert "0.883" in words
    assert "0.737" in words
    assert "posterior means only" in json.dumps(figures(at))


def test_without_length(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), nolength="True")
    assert "over 2 properties" in text(at)


@pytest.mark.parametrize("state", sorted(MADE_UP))
@pytest.mark.parametrize("view", VIEWS)
def test_every_state_has_its_words(open_page: Open, tmp_path: Path, state: str, view: str) -> None:
    at = open_page("similarity", write(tmp_path, MADE_UP[state]()), simview=view)
    assert [title.value for title in at.title] == ["Similarity"]
    assert len(text(at)) > 40


@pytest.mark.parametrize("view", VIEWS)
def test_names_are_not_obeyed(open_page: Open, tmp_path: Path, view: str) -> None:
    found = rows(n=60, judges=[MARKUP, SPECIALS], properties=[MARKUP, SPECIALS], scenarios=[MARKUP, SPECIALS])
    at = open_page("similarity", write(tmp_path, found), simview=view)
    assert MARKUP not in json.dumps(figures(at))
    assert SPECIALS not in text(at)
