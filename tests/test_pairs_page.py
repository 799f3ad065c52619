"""The page "Pairs": why a pair was chosen, two judges side by side, what if, and lists that lead to pairs."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from streamlit.testing.v1 import AppTest

from dissection.dataset import FloatArray
from tests import browser as web
from tests.test_pages import MADE_UP, MARKUP, SPECIALS, Open, figures, go, hover, next_button, open_page, rows, run, text, without, write

__all__ = ["open_page"]  # the fixture

LISTS = ("surprising", "contested", "duplicates", "mistakes")


def unfold(at: AppTest) -> AppTest:
    at.session_state["what-if"] = True
    return run(at)


def waterfall(at: AppTest) -> dict[str, object]:
    return next(figure for figure in figures(at) if any(trace["type"] == "bar" for trace in figure["data"]))


def dumbbells(at: AppTest) -> dict[str, object]:
    return next(figure for figure in figures(at) if [trace.get("name") for trace in figure["data"]][:1] == ["before"])


def numbers(packed: dict[str, str]) -> FloatArray:
    """What Plotly sends in base 64."""
    return np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"]).astype(float)


# Why


def test_the_prediction_is_given_with_its_interval_and_n(open_page: Open) -> None:
    at = open_page("pairs", group="Code", judge="human")
    said = text(at)
    assert "Why human would choose" in said
    assert "95 %" in said
    assert "n = 179 pairs of Code" in said
    assert "Shapley" in said
    assert all("95 %" in cell for cell in hover(waterfall(at)))
    table = next(frame.value for frame in at.dataframe if "percent" in frame.value)
    assert len(table) == 14
    assert ((table["low"] < table["percent"]) & (table["percent"] < table["high"])).all()


def test_both_scales_and_the_address(open_page: Open) -> None:
    at = open_page("pairs", group="Code")
    at.button_group(key="scale").set_value("log-odds")
    assert at.query_params.get("scale") is None
    assert "log-odds" in str(waterfall(run(at))["layout"])
    assert at.query_params["scale"] == "log-odds"
    assert "0 log-odds (indifference)" in text(open_page("pairs", group="Code", scale="log-odds"))


def test_two_judges_side_by_side_and_what_parts_them(open_page: Open) -> None:
    at = open_page("pairs", group="Code", judge="human", beside="maple-large")
    assert len([trace for trace in waterfall(at)["data"] if trace["type"] == "bar"]) == 2  # type: ignore[attr-defined]
    said = text(at)
    assert "What parts them most is" in said or "predicted alike" in said
    at.selectbox(key="judge").set_value("maple-large")
    assert run(at).selectbox(key="beside").value == "none", "a judge is not set beside itself"


def test_a_pair_without_a_difference_and_one_judge(open_page: Open, tmp_path: Path) -> None:
    found = rows(judges=["one"])
    for name in found[0]["properties"]:
        found[0]["properties"][name] = {"comparison": 0}
    for row in found:
        row["labels"] = {"one": {"ab": row["labels"]["one"], "ba": row["labels"]["one"]}}
    at = open_page("pairs", write(tmp_path, found), pair="p000")
    assert "differ in no property" in text(at)
    assert at.selectbox(key="beside").disabled
    assert figures(open_page("pairs", write(tmp_path, found), pair="p001"))


# What if


def test_what_if_is_made_when_it_is_opened(open_page: Open) -> None:
    at = open_page("pairs", group="Code")
    assert len(figures(at)) == 1
    assert len(figures(unfold(at))) == 2
    assert "Nothing moves yet" in text(at)


def test_a_click_moves_every_judge_and_reset_takes_it_back(open_page: Open, tmp_path: Path) -> None:
    at = unfold(open_page("pairs", write(tmp_path, rows()), pair="p001"))
    assert at.button_group(key="whatif-0").value == "A more"
    assert at.button(key="what-if-reset").disabled
    at.button_group(key="whatif-0").set_value("B more")
    before, _, after = dumbbells(run(at))["data"]  # type: ignore[misc]
    assert at.query_params["whatif"] == "0~-1"
    moved = numbers(after["x"]) - numbers(before["x"])  # type: ignore[index]
    assert moved[0] < -5, "the first judge likes this property"
    assert moved[1] > 5, "the second does not"
    at.button(key="what-if-reset").click()
    assert "Nothing moves yet" in text(run(at))
    assert at.button_group(key="whatif-0").value == "A more"
    assert "whatif" not in at.query_params


def test_buttons_that_are_right_are_not_set_anew(open_page: Open, tmp_path: Path) -> None:
    """What the page sets would take the place of a click that comes in the meantime."""
    at = unfold(open_page("pairs", write(tmp_path, rows()), pair="p001"))
    at.button_group(key="whatif-0").set_value("B more")
    run(at)
    assert "*(changed)*" in at.button_group(key="whatif-0").label
    assert not any(at.button_group(key=f"whatif-{place}").proto.set_value for place in (0, 1))
    at.button(key="what-if-reset").click()
    run(at)
    assert at.button_group(key="whatif-0").proto.set_value


def test_a_link_holds_the_changes_and_the_next_pair_forgets_them(open_page: Open, tmp_path: Path) -> None:
    at = open_page("pairs", write(tmp_path, rows()), pair="p001", whatif="1~0")
    assert at.button_group(key="whatif-1").value == "equal"
    assert dumbbells(at)
    next_button(at).click()
    run(at)
    assert "whatif" not in at.query_params


@pytest.mark.parametrize("nonsense", ["x", "99~1", "0~7", "~", "-1~1", "0"])
def test_changes_that_mean_nothing_are_passed_over(open_page: Open, tmp_path: Path, nonsense: str) -> None:
    assert open_page("pairs", write(tmp_path, rows()), whatif=nonsense).title


def test_many_properties_are_added_by_name(open_page: Open) -> None:
    at = unfold(open_page("pairs", group="Code"))
    offered = at.multiselect(key="what-if-more").options
    place = next(i for i, name in enumerate(at.session_state["current"][1].property_names) if name == offered[0])
    at.multiselect(key="what-if-more").set_value([offered[0]])
    run(at).button_group(key=f"whatif-{place}").set_value("A more")
    assert f"{place}~1" in run(at).query_params["whatif"]


def test_comparisons_that_are_no_signs_keep_their_value(open_page: Open, tmp_path: Path) -> None:
    found = rows()
    found[1]["properties"]["polite"] = {"comparison": 0.4}
    at = unfold(open_page("pairs", write(tmp_path, found), pair="p001"))
    assert at.button_group(key="whatif-0").value == "as found (0.4)"
    at.button_group(key="whatif-0").set_value("A more")
    assert run(at).query_params["whatif"] == "0~1"
    at.button_group(key="whatif-0").set_value("as found (0.4)")
    assert "whatif" not in run(at).query_params


# Lists


@pytest.mark.parametrize("state", sorted(MADE_UP))
def test_lists_of_a_made_up_file(open_page: Open, tmp_path: Path, state: str) -> None:
    at = unfold(open_page("pairs", write(tmp_path, MADE_UP[state]()), list=LISTS[0]))
    for chosen in LISTS[1:] if state != "no judge" else ():
        assert not go_list(at, chosen).error


@pytest.mark.parametrize("name", ["llmbar.jsonl", "haluquestqa.jsonl"])
def test_lists_of_real_data(open_page: Open, shared: Path, name: str) -> None:
    at = open_page("pairs", shared / name, list=LISTS[0])
    for chosen in LISTS[1:]:
        assert not go_list(at, chosen).error
        assert not at.warning
        assert len(at.caption) > 3


def test_each_list_says_what_it_shows(open_page: Open) -> None:
    at = open_page("pairs", group="Code", judge="human", list="surprising")
    assert "held out" in text(at)
    assert "least expected of 179 verdicts" in text(at)
    assert "divide the 14 judges most" in text(go_list(at, "contested"))
    assert "0.9 alike" in text(go_list(at, "duplicates"))
    assert "false discovery rate" in text(go_list(at, "mistakes"))


def go_list(at: AppTest, name: str) -> AppTest:
    at.button_group(key="list").set_value(name)
    return run(at)


def test_nothing_is_scored_before_a_list_is_chosen(open_page: Open) -> None:
    at = open_page("pairs", group="Code")
    assert len(at.dataframe) == 2
    assert "list" not in at.query_params
    assert len(go_list(at, "surprising").dataframe) == 3


def test_lists_without_texts_judges_or_enough_pairs_say_so(open_page: Open, tmp_path: Path) -> None:
    bare = write(tmp_path, without(rows(), "query", "response_a", "response_b"))
    assert "no pair here has texts" in text(open_page("pairs", bare, list="duplicates"))
    assert "no texts to read words in" in text(open_page("pairs", bare, list="mistakes"))
    alone = write(tmp_path, rows(judges=["one"]), "alone.jsonl")
    assert "one judge only" in text(open_page("pairs", alone, list="contested"))
    few = write(tmp_path, rows(n=8), "few.jsonl")
    assert "own fit" in text(open_page("pairs", few, list="surprising"))
    silent = write(tmp_path, MADE_UP["no verdicts in a group"](), "silent.jsonl")
    assert "nothing was foretold" in text(open_page("pairs", silent, group="Code", judge="two", list="surprising"))


def test_markup_in_lists_is_text(open_page: Open, tmp_path: Path) -> None:
    file = write(tmp_path, rows(n=200, judges=[MARKUP, SPECIALS], properties=[MARKUP, SPECIALS], scenarios=[MARKUP, SPECIALS]))
    for chosen in LISTS:
        at = unfold(open_page("pairs", file, list=chosen, beside=SPECIALS))
        assert MARKUP not in json.dumps(figures(at))
        for kind in ("caption", "markdown", "info"):
            assert not any(SPECIALS in element.value or MARKUP in element.value for element in getattr(at, kind))


def test_published_weights_have_no_pairs_to_list(open_page: Open, published: Path) -> None:
    at = open_page("pairs", published, list="surprising", whatif="0~1")
    assert at.info
    assert not at.dataframe
    assert go(at, "overview").title


# In the browser


@pytest.fixture(scope="module")
def small(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 -- no server where there is no browser
    with web.served(file=write(tmp_path_factory.mktemp("small"), rows(n=80))) as base:
        yield base


@pytest.mark.browser
def test_a_row_of_a_list_leads_to_its_pair(small: str, visitor: Page) -> None:
    web.open_page(visitor, small, "pairs", list="surprising")
    first = web.query(visitor)["pair"]
    box = visitor.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box
    visitor.mouse.click(box["x"] + 200, box["y"] + 130)
    visitor.wait_for_function("first => new URLSearchParams(location.search).get('pair') !== first", arg=first)
    web.settled(visitor)
    assert visitor.locator("strong", has_text=web.query(visitor)["pair"]).is_visible()


@pytest.mark.browser
def test_a_mark_leads_to_the_pairs_that_were_got_wrong(small: str, visitor: Page) -> None:
    web.open_page(visitor, small, "pairs", list="mistakes")
    marks = visitor.locator("[data-testid=stDataFrame]").first
    marks.scroll_into_view_if_needed()
    box = marks.bounding_box()
    assert box
    visitor.mouse.click(box["x"] + 120, box["y"] + 55)
    visitor.get_by_text("that were got wrong, the least expected verdict first").wait_for()
    web.settled(visitor)
    wrong = visitor.locator("[data-testid=stDataFrame]").nth(1)
    wrong.scroll_into_view_if_needed()
    first, box = web.query(visitor)["pair"], wrong.bounding_box()
    assert box
    visitor.mouse.click(box["x"] + 120, box["y"] + 90)
    visitor.wait_for_function("first => new URLSearchParams(location.search).get('pair') !== first", arg=first)


@pytest.mark.browser
def test_what_if_by_a_click(small: str, visitor: Page) -> None:
    web.open_page(visitor, small, "pairs", pair="p001")
    visitor.get_by_text("What if the answers differed otherwise?").click()
    visitor.get_by_text("Nothing moves yet").wait_for()
    visitor.locator(".st-key-whatif-0").get_by_role("radio", name="B more").or_(
        visitor.locator(".st-key-whatif-0").get_by_role("button", name="B more")
    ).first.click()
    visitor.get_by_text("The largest move is").wait_for()
    assert web.query(visitor)["whatif"] == "0~-1"
    visitor.get_by_role("button", name="Reset").click()
    visitor.get_by_text("Nothing moves yet").wait_for()
