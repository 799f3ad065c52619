"""Journals keep to the room that they have, and a visitor's run is seen and can be cancelled on every page."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import asking_jobs, asking_run
from dissection.endpoint import client
from dissection.endpoint.address import Endpoint
from dissection.endpoint.faults import JournalError
from dissection.endpoint.journal import NAME, Journal
from dissection.endpoint.journals import folder_for, make_room, most_bytes
from dissection.endpoint.limits import Limits
from dissection.errors import InputError
from dissection.settings import JOURNALS_MB
from tests.asking_app import opened
from tests.asking_tools import KEY, ask, laptop, marked_file, mind, press, questions, server, until
from tests.chat_server import ChatServer
from tests.test_endpoint_safety import check_nothing_held
from tests.test_pages import Open, go, open_page, run, text

__all__ = ["laptop", "mind", "open_page", "server"]  # the fixtures


# --- Room -------------------------------------------------------------------------------------------------------------------------


def journal(study: str, age: float, size: int = 400_000) -> Path:
    folder = folder_for(Endpoint("m", "https://host/v1"), "key", study)
    (folder / NAME).write_bytes(b"x" * size)
    os.utime(folder / NAME, (1e9 - age, 1e9 - age))
    return folder


def test_the_oldest_journals_go_first_and_none_that_is_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(JOURNALS_MB.variable, "1")
    oldest, old, new, newest = (journal(study, age) for study, age in (("a", 40), ("b", 30), ("c", 20), ("d", 10)))
    other = tmp_path / "journals" / "somebody's"
    other.mkdir()
    (other / NAME).write_bytes(b"x" * 3_000_000)
    (oldest / NAME).write_bytes(b"")
    with Journal(oldest) as held:
        os.truncate(oldest / NAME, 400_000)
        os.utime(oldest / NAME, (0, 0))
        make_room()
        assert held.folder.exists()
        assert [folder.exists() for folder in (oldest, old, new, newest)] == [True, False, False, True]
    assert (other / NAME).exists(), "what is not of this server is left alone"
    assert (tmp_path / "journals" / "salt").exists()
    make_room()
    assert oldest.exists(), "all that is left has room"
    assert folder_for(Endpoint("m", "https://host/v1"), "key", "b") == old, "who comes back begins anew"


@pytest.mark.parametrize("words", ["0", "-1", "two", "1.5"])
def test_a_size_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, server: ChatServer, words: str) -> None:
    monkeypatch.setenv(JOURNALS_MB.variable, words)
    with pytest.raises(InputError, match=JOURNALS_MB.variable):
        most_bytes()
    at = press(opened(server.url, pairs=2), "start-calls")
    assert JOURNALS_MB.variable in at.error[0].value.replace("\\", "")
    assert server.requests == 0


def test_without_a_setting_there_are_two_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOURNALS_MB.variable, raising=False)
    assert most_bytes() == 2_000_000_000


def test_a_full_journal_ends_the_run_and_keeps_what_it_has(server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda _: "x" * 1000
    endpoint = Endpoint("m", server.url)
    from dissection.endpoint.run import run as run_calls

    with Journal(tmp_path, 3600) as full, pytest.raises(JournalError, match="is full"):
        run_calls(questions(9), client.connect(endpoint, None), endpoint, full, Limits(1))
    assert server.requests == 4, "nobody pays for more than the one that did not fit"
    assert (tmp_path / NAME).stat().st_size <= 3600
    assert ask(server, tmp_path, questions(9)).from_journal == 3


def test_a_server_keeps_a_quarter_of_the_room_for_each_run(server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(JOURNALS_MB.variable, "1")
    server.mind = lambda _: "x" * 50_000
    kept = []
    for study in range(6):
        at = press(opened(server.url, study=f"study {study}", key=KEY, concurrency=1), "start-calls")
        assert "The journal is full" in at.error[0].value
        assert "Go on" in [button.label for button in at.button]
        kept.append(sum(path.stat().st_size for path in (tmp_path / "journals").rglob(NAME)))
    assert kept[0] <= 250_000
    assert max(kept) <= 1_250_000


# --- On every page ----------------------------------------------------------------------------------------------------------------


def asking(at: AppTest) -> bool:
    return any(button.key == "stop-asking" for button in at.button)


def test_a_run_is_seen_behind_other_pages_and_can_be_cancelled_there(
    open_page: Open, server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 0.0)
    server.pause = 0.2
    at = open_page("judges", marked_file(tmp_path, 100))
    assert not asking(at)
    at.text_input(key="address-model").set_value(server.url)
    at.text_input(key="model-model").set_value("m")
    run(at)
    press(at, "start-judges")
    until(lambda: server.requests > 4)
    assert asking(go(at, "overview"))
    assert "Verdicts of 1 judge on 100 pairs of marked.jsonl" in text(at).replace("\\", "")
    assert "of 200 calls" in text(at)
    press(at, "stop-asking")
    until(lambda: not asking_jobs.runs()._running)
    assert not asking(run(at))
    assert "The run stopped: cancelled" in text(go(at, "judges"))
    assert 4 < len(server.answered) < 200


def test_another_visitor_does_not_see_it(open_page: Open, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 0.0)
    server.pause = 0.3
    mine = press(opened(server.url, key=KEY), "start-calls")
    assert asking(run(mine))
    assert not asking(opened(server.url, key="sk-another-visitors"))
    assert not asking(open_page("overview"))
    press(mine, "stop-asking")
    until(lambda: not asking_jobs.runs()._running)


# --- Keys -------------------------------------------------------------------------------------------------------------------------


def test_a_run_that_is_over_holds_on_to_no_key(server: ChatServer) -> None:
    server.faults = ["echo", "500", "500", "rubbish", "refusal", "400", "400", "400"]
    at = press(opened(server.url, key=KEY, concurrency=1), "start-calls")
    over = at.session_state["asking-run-calls"]
    assert len(over.result.failures) == 4
    check_nothing_held(over)
    server.always = "401"
    at = press(opened(server.url, key=KEY, study="another"), "start-calls")
    check_nothing_held(at.session_state["asking-run-calls"])


def test_the_session_has_the_key_in_its_field_and_its_connection_alone(server: ChatServer) -> None:
    server.faults = ["echo"]
    at = press(opened(server.url, key=KEY), "start-calls")
    held = {name for name, value in at.session_state._state.filtered_state.items() if KEY in repr(value) or KEY in str(value)}
    assert held == {"key-here"}
