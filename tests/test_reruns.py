"""Runs of fragments wait until the page's last run is passed on to the browser."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ClientState_pb2 import ClientState

from benchmarks.load_client import Page
from dissection.dashboard import reruns
from tests.browser import served
from tests.conftest import ended


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[ClientState | None]:
    """The requests that reach Streamlit."""
    found: list[ClientState | None] = []
    monkeypatch.setattr(reruns, "_request_rerun", lambda _, state: found.append(state))
    return found


class Session(SimpleNamespace):
    """As Streamlit's, a key of dictionaries."""

    __hash__ = object.__hash__


def session(runner: object) -> Any:
    later: list[tuple[Any, ...]] = []
    loop = SimpleNamespace(call_later=lambda _, *call: later.append(call))
    return Session(_scriptrunner=runner, _event_loop=loop, later=later)


@pytest.mark.parametrize("state", [None, ClientState(), ClientState(query_string="a=b")])
def test_runs_of_the_page_begin_at_once(passed_on: list[ClientState | None], state: ClientState | None) -> None:
    reruns._patient(session(object()), state)
    assert passed_on == [state]


def test_fragments_run_where_the_page_is_at_rest(passed_on: list[ClientState | None]) -> None:
    state = ClientState(fragment_id="f", is_auto_rerun=True)
    reruns._patient(session(None), state)
    assert passed_on == [state]


def clock(fragment: str, query: str = "") -> ClientState:
    return ClientState(fragment_id=fragment, is_auto_rerun=True, query_string=query)


def test_what_asks_by_the_clock_waits_once_with_its_last_words(passed_on: list[ClientState | None]) -> None:
    busy = session(object())
    for state in (clock("f", "old"), clock("g"), clock("f", "new")):
        reruns._patient(busy, state)
    assert passed_on == []
    assert len(busy.later) == 2, "one for each, however often they ask"
    again = busy.later.copy()
    busy.later.clear()
    (first, *of_first), (second, *of_second) = again
    first(*of_first)
    assert passed_on == [], "the page is still busy"
    assert len(busy.later) == 1, "it looks again"
    busy._scriptrunner = None
    second(*of_second)
    busy.later[0][0](*busy.later[0][1:])
    assert passed_on == [clock("g"), clock("f", "new")]


@pytest.mark.parametrize("what", [ClientState(), None, ClientState(fragment_id="button")])
def test_what_asked_by_the_clock_is_passed_over_once_the_visitor_does_something(
    passed_on: list[ClientState | None], what: ClientState | None
) -> None:
    """Its words of the widgets are older, and would undo what was chosen."""
    busy = session(object())
    reruns._patient(busy, clock("f"))
    ((again, *arguments),) = busy.later
    reruns._patient(busy, what)
    passed_on.clear()
    busy._scriptrunner = None
    again(*arguments)
    assert passed_on == []
    reruns._patient(busy, clock("f"))
    assert passed_on == [clock("f")], "it asks again"


CLOCKS = """
import time
import streamlit as st
from dissection.dashboard import reruns
reruns.mend()
def count(name):
    time.sleep(0.1)
    st.session_state[name] = st.session_state.get(name, 0) + 1
    st.markdown(f"{name} {st.session_state[name]}")
st.fragment(count, run_every=0.4)("first")
st.fragment(count, run_every=0.4)("second")
st.navigation([st.Page(lambda: None, title="Page", url_path="page")], position="hidden").run()
"""


def test_two_with_the_same_clock_both_run(tmp_path: Path) -> None:
    """On a page that is always asked for both at the same moment."""
    script = tmp_path / "script.py"
    script.write_text(CLOCKS)

    async def visit(address: str) -> list[int]:
        page = Page(address)
        await page.open()
        async with asyncio.timeout(60):
            while len(page.reruns) < 12:
                await asyncio.sleep(0.05)
        await page.close()
        return [int(text.split()[1]) for text in page.texts("markdown")]

    with served(script) as address:
        first, second = ended(visit(address))
    assert first + second >= 12
    assert abs(first - second) <= 2, "neither takes the other's turns"


def test_a_click_waits_and_is_not_lost(passed_on: list[ClientState | None]) -> None:
    busy, state = session(object()), ClientState(fragment_id="f")
    reruns._patient(busy, state)
    assert passed_on == []
    ((again, *arguments),) = busy.later
    busy._scriptrunner = None
    again(*arguments)
    assert passed_on == [state]
