"""Work behind a page: begun once, shown with its progress, cancelled, given up for another, and shared by those who ask the same."""

import logging
import time
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import behind, kept, tasks
from tests import behind_work

SCRIPT = """
import streamlit as st
from dissection.dashboard import behind
from tests.behind_work import work

name = st.session_state.get("name", "one")
found = behind.result("place", ("data", name), "Counting", work(name))
st.text(f"found: {found}")
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(behind, "WAITED_SECONDS", 0.05)
    behind_work.reset()
    tasks.tasks.clear()
    kept.kept.clear()
    yield
    behind_work.reset()


def visit(name: str = "one", at: AppTest | None = None) -> AppTest:
    page = at or AppTest.from_string(SCRIPT)
    page.session_state["name"] = name
    page.run(timeout=20)
    assert not page.exception
    return page


def until(done: "object", seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def finish(name: str) -> None:
    behind_work.gate(name).set()
    until(lambda: name in behind_work.ended)


def said(at: AppTest) -> str:
    return "\n".join(str(element.value) for kind in ("text", "caption", "info", "error") for element in getattr(at, kind))


def test_quick_work_is_shown_at_once() -> None:
    behind_work.gate("one").set()
    monkey = visit()
    assert "found: result of one" in said(monkey)
    assert not monkey.button


def test_long_work_shows_that_it_goes_on_and_then_its_result() -> None:
    at = visit()
    assert "found: None" in said(at)
    assert [button.key for button in at.button] == ["cancel-place"]
    at.run()
    assert behind_work.begun == ["one"], "a rerun begins nothing anew"
    finish("one")
    time.sleep(0.05)
    assert "found: result of one" in said(visit(at=at))


def test_cancelled_work_ends_and_can_be_begun_again() -> None:
    at = visit()
    at.button(key="cancel-place").click().run()
    until(lambda: behind_work.ended == ["one"])
    at.run()
    assert "Counting: cancelled." in said(at)
    assert "found: None" in said(at)
    behind_work.gate("one").set()
    at.button(key="again-place").click().run()
    assert behind_work.begun == ["one", "one"]
    assert "found: result of one" in said(at)


def test_work_for_another_key_gives_up_the_one_before() -> None:
    at = visit()
    behind_work.gate("two").set()
    visit("two", at)
    assert "found: result of two" in said(at)
    until(lambda: "one" in behind_work.ended)
    at.run()
    assert "found: result of two" in said(at), "what was given up leaves no result"
    assert tasks.tasks().result(("place", "one")) is None


def test_two_visitors_who_ask_the_same_share_the_result() -> None:
    behind_work.gate("one").set()
    visit()
    friend = visit()
    assert "found: result of one" in said(friend)
    assert behind_work.begun == ["one"]


def test_what_can_not_be_done_is_said_in_words() -> None:
    behind_work.gate("refused").set()
    at = visit("refused")
    assert "It can't be done." in said(at)
    assert "choose that" in said(at)
    at.run()
    assert behind_work.begun == ["refused"], "a refusal is not asked for again at each rerun"


def test_a_fault_is_told_and_logged_without_the_data(caplog: pytest.LogCaptureFixture) -> None:
    behind_work.gate("broken").set()
    with caplog.at_level(logging.ERROR, logger=tasks.__name__):
        at = visit("broken")
    assert "ZeroDivisionError" in said(at)
    assert "a secret" not in said(at)
    assert "ZeroDivisionError" in caplog.text
    assert "a secret" not in caplog.text


def test_a_result_that_others_pushed_out_is_made_again() -> None:
    at = visit()
    finish("one")
    time.sleep(0.05)
    kept.kept().drop("data")
    behind_work.gate("one").set()
    visit(at=at)
    assert "found: result of one" in said(at)
    assert behind_work.begun == ["one", "one"]


def test_a_fault_can_be_tried_again_and_a_refusal_not() -> None:
    behind_work.gate("broken").set()
    at = visit("broken")
    at.button(key="again-place").click().run()
    assert behind_work.begun == ["broken", "broken"]
    behind_work.gate("refused").set()
    assert not visit("refused").button


def test_two_visitors_who_wait_for_the_same_share_the_work() -> None:
    at = visit()
    friend = visit()
    assert behind_work.begun == ["one"]
    at.button(key="cancel-place").click().run()
    assert "Counting: cancelled." in said(at.run())
    assert behind_work.ended == [], "the friend still waits"
    finish("one")
    time.sleep(0.05)
    assert "found: result of one" in said(visit(at=friend))


def test_many_visitors_take_turns_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.tasks().turns, "places", 1)
    at = visit()
    assert "take turns" not in progress(at)
    visit("two")
    until(lambda: tasks.tasks().turns.tasks == 2)
    assert "2 tasks take turns on this server, 1 at a time" in progress(at.run())
    finish("one")
    finish("two")


def test_work_that_nobody_waited_for_is_begun_again_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "GONE_SECONDS", 0.1)
    monkeypatch.setattr(tasks, "LOOK_SECONDS", 0.02)
    at = visit()
    until(lambda: behind_work.ended == ["one"])  # between two runs of a test there is no tab
    monkeypatch.undo()
    monkeypatch.setattr(behind, "WAITED_SECONDS", 0.05)
    time.sleep(0.05)
    visit(at=at)
    assert behind_work.begun == ["one", "one"]
    assert "cancelled" not in said(at)


def progress(at: AppTest) -> str:
    """What stands at the progress bar."""
    return " ".join(element.proto.text for element in at.get("progress"))
