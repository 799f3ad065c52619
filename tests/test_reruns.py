"""Runs of fragments wait until the page's last run is passed on to the browser."""

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ClientState_pb2 import ClientState

from dissection.dashboard import reruns


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[ClientState | None]:
    """The requests that reach Streamlit."""
    found: list[ClientState | None] = []
    monkeypatch.setattr(reruns, "_request_rerun", lambda _, state: found.append(state))
    return found


def session(runner: object) -> Any:
    later: list[tuple[Any, ...]] = []
    loop = SimpleNamespace(call_later=lambda _, *call: later.append(call))
    return SimpleNamespace(_scriptrunner=runner, _event_loop=loop, later=later)


@pytest.mark.parametrize("state", [None, ClientState(), ClientState(query_string="a=b")])
def test_runs_of_the_page_begin_at_once(passed_on: list[ClientState | None], state: ClientState | None) -> None:
    reruns._patient(session(object()), state)
    assert passed_on == [state]


def test_fragments_run_where_the_page_is_at_rest(passed_on: list[ClientState | None]) -> None:
    state = ClientState(fragment_id="f", is_auto_rerun=True)
    reruns._patient(session(None), state)
    assert passed_on == [state]


def test_what_asks_by_the_clock_is_passed_over_while_the_page_is_busy(passed_on: list[ClientState | None]) -> None:
    busy = session(object())
    reruns._patient(busy, ClientState(fragment_id="f", is_auto_rerun=True))
    assert passed_on == busy.later == []


def test_a_click_waits_and_is_not_lost(passed_on: list[ClientState | None]) -> None:
    busy, state = session(object()), ClientState(fragment_id="f")
    reruns._patient(busy, state)
    assert passed_on == []
    ((again, *arguments),) = busy.later
    busy._scriptrunner = None
    again(*arguments)
    assert passed_on == [state]
