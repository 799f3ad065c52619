"""Runs of calls behind the pages: tried, started, cancelled, gone on with, found again, killed, and kept apart by their keys."""

import logging
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import asking_jobs, asking_run
from dissection.endpoint.address import Endpoint
from dissection.endpoint.faults import JournalError
from dissection.endpoint.journal import NAME
from dissection.endpoint.journals import finished_keys, folder_for, journals_folder
from dissection.endpoint.run import Run
from tests.asking_app import everything, labels, opened
from tests.asking_tools import KEY, laptop, mind, press, server, until
from tests.browser import ROOT
from tests.chat_server import ChatServer
from tests.test_pages import text

__all__ = ["laptop", "mind", "server"]  # the fixtures


def result(at: AppTest) -> Run:
    found = at.session_state["result"]
    assert isinstance(found, Run)
    return found


def test_a_dry_run_shows_five_pairs_whole_and_is_not_paid_twice(server: ChatServer) -> None:
    at = opened(server.url, price_in=1000.0, price_out=2000.0)
    assert "60 calls; about" in text(at)
    assert labels(at)[0] == "Dry run on the first five (10 calls)"
    assert labels(at)[1].startswith("Start: 60 calls, at most about ")
    assert server.requests == 0
    press(at, "try-calls")
    assert server.requests == 10
    shown = [code.value for code in at.get("code")]  # type: ignore[attr-defined]
    assert len(shown) == 30, "system, user and reply of each call"
    assert any("question 4" in words and "<answer_b>" in words for words in shown)
    assert {"A", "B"} >= set(shown[2::3])
    assert "Likeliest first tokens" in text(at)
    assert "(10 more are in the journal)" in text(at).replace("\\", "")
    press(at, "start-calls")
    assert server.requests == 60
    assert set(server.answered.values()) == {1}
    assert len(result(at).outcomes) == 60
    assert "60 calls, 10 from the journal; spent on them: 60 requests" in text(at).replace("\\", "")
    assert "Go on" not in labels(at)


def test_failures_are_counted_with_their_reasons(server: ChatServer) -> None:
    server.faults = ["500", "500", "rubbish", "refusal", "429", "429"]
    at = press(opened(server.url, concurrency=1), "start-calls")
    said = text(at).replace("\\", "")
    assert "of 60 without a usable answer" in said
    assert "1 call: The endpoint failed with error 500. (pair p1, ab)" in said
    assert "What came back is no answer of the chat protocol" in said
    assert "The model refuses to answer" in said
    assert "The run stopped: The endpoint has had too many requests" in said
    assert "Not asked" in said
    before = server.requests
    press(at, "go-on-calls")
    assert len(result(at).failures) == 1, "a refusal is an answer, and is not asked for again"
    assert server.requests == before + 59
    assert set(server.answered.values()) == {1}
    assert "Go on" not in labels(at)


def test_cancelled_and_gone_on_with(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 0.0)
    server.pause = 0.05
    at = press(opened(server.url, concurrency=2, price_in=1.0, price_out=1.0), "start-calls")
    until(lambda: server.requests > 10)
    at.run()
    said = text(at)
    assert "running" in said
    assert "of 60 calls" in said
    assert "cost so far" in said
    assert all(at.button(key=key).disabled for key in ("try-calls", "start-calls"))
    press(at, "cancel-calls")
    until(lambda: not at.session_state["asking-run-calls"].running)
    at.run()
    made = result(at)
    assert made.stopped == "cancelled"
    assert 0 < len(made.outcomes) - len(made.failures) < 60
    server.pause = 0.0
    press(at, "go-on-calls")
    until(lambda: not at.session_state["asking-run-calls"].running)
    assert not result(at.run()).failures
    assert set(server.answered.values()) == {1}, "no call is made twice"
    assert len(server.answered) == 60


def test_a_budget_holds_and_is_said(server: ChatServer) -> None:
    at = press(opened(server.url, calls=20), "start-calls")
    assert server.requests == 20
    assert "the budget does not cover one more request" in text(at)
    assert "Go on" in labels(at)


def test_two_tabs_and_a_closed_one(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 0.0)
    server.pause = 0.3
    press(opened(server.url, key=KEY), "start-calls")
    second = opened(server.url, key=KEY)
    assert "running" in text(second), "the tab that began it is not needed"
    assert second.button(key="start-calls").disabled
    stranger = opened(server.url)
    assert "running" not in text(stranger)
    press(second, "cancel-calls")
    until(lambda: not second.session_state["asking-run-calls"].running)
    second.run()
    assert result(second).stopped == "cancelled"


def test_the_same_study_without_a_key_and_one_run_a_visitor(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 0.0)
    server.pause = 0.3
    first = press(opened(server.url), "start-calls")
    other = opened(server.url)
    press(other, "start-calls")
    assert "being asked in another tab or by someone else" in "".join(info.value for info in other.info)
    first.text_input(key="model-here").set_value("another").run()
    assert first.button(key="start-calls").disabled, "one run at a time"
    assert "running" in text(first), "and it is shown, as it can be cancelled here"
    press(first, "stop-asking")
    until(lambda: not asking_jobs.runs()._running)
    press(first.run(), "start-calls")
    assert server.requests > 0
    press(first, "cancel-calls")
    until(lambda: not asking_jobs.runs()._running)


def test_a_full_server_says_so(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_run, "WAITED_SECONDS", 0.0)
    monkeypatch.setattr(asking_jobs, "MOST_RUNS", 2)
    server.pause = 0.5
    busy = [press(opened(server.url, study=f"study {number}"), "start-calls") for number in range(2)]
    third = press(opened(server.url, study="study 3"), "start-calls")
    assert "asks for 2 visitors at a time" in "".join(info.value for info in third.info)
    for at in busy:
        press(at, "cancel-calls")
    until(lambda: not asking_jobs.runs()._running)
    press(third, "start-calls")
    assert not third.info
    press(third, "cancel-calls")
    until(lambda: not asking_jobs.runs()._running)


def test_a_killed_server_pays_for_no_call_twice(server: ChatServer, tmp_path: Path) -> None:
    server.pause = 0.03
    command = [sys.executable, "-m", "tests.asking_app", server.url, KEY]
    killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: len(server.answered) >= 20 or killed.poll() is not None)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(0.2)
    server.pause = 0.0
    (folder,) = (path for path in (tmp_path / "journals").iterdir() if path.is_dir())
    kept = len(finished_keys(folder))
    assert 20 - 4 <= kept < 60
    answered = len(server.answered)
    at = opened(server.url, key=KEY)
    assert f"({kept} more are in the journal)" in text(at).replace("\\", "")
    press(at, "start-calls")
    assert not result(at).failures
    # What was under way when it was killed, at most as many as are asked at a time, came too late for the journal.
    assert sum(times - 1 for times in server.answered.values()) == answered - kept <= 4
    assert len(server.answered) == 60


def test_the_key_is_in_no_file_and_opens_its_own_journal_alone(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults = ["echo"]
    at = press(opened(server.url, key=KEY), "start-calls")
    assert {heads.get("authorization") for heads in server.heads} == {f"Bearer {KEY}"}
    written = list((tmp_path / "journals").rglob("*"))
    assert not any(KEY.encode() in path.read_bytes() or KEY in path.name for path in written if path.is_file())
    assert not any(KEY in str(path) for path in written)
    assert KEY not in everything(at) + caplog.text
    assert len(everything(at)) > 1000
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in [tmp_path / "journals", *written] if path.is_dir())
    other = opened(server.url, key="sk-another")
    assert "more are in the journal" not in text(other)
    server.always = "401"
    press(other, "start-calls")
    assert "does not accept the key" in text(other)


def test_folders_are_of_endpoint_key_and_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Endpoint("m", "https://host/v1"), Endpoint("n", "https://host/v1")
    found = [
        folder_for(one, "k", "s"),
        folder_for(one, "l", "s"),
        folder_for(one, None, "s"),
        folder_for(one, "k", "t"),
        folder_for(two, "k", "s"),
    ]
    assert len(set(found)) == 5
    assert folder_for(one, "k", "s") == found[0]
    # Another server has another salt, so its folders tell nothing about the keys of this one.
    monkeypatch.setenv("DISSECTION_JOURNALS", str(tmp_path / "elsewhere"))
    assert folder_for(one, "k", "s").name != found[0].name
    assert stat.S_IMODE((tmp_path / "elsewhere" / "salt").stat().st_mode) == 0o600


def test_without_a_setting_journals_are_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISSECTION_JOURNALS")
    monkeypatch.setenv("DISSECTION_CACHE", str(tmp_path))
    assert journals_folder() == tmp_path / "journals"


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISSECTION_JOURNALS", str(tmp_path / "file"))
    with pytest.raises(JournalError, match="DISSECTION_JOURNALS"):
        folder_for(Endpoint("m", server.url), None, "s")
    assert "no place for the journal" in opened(server.url).error[0].value


def test_a_journal_that_was_changed_is_said(server: ChatServer, tmp_path: Path) -> None:
    at = press(opened(server.url, pairs=2), "start-calls")
    (path,) = (tmp_path / "journals").rglob(NAME)
    path.write_text("something else\n")
    press(at, "start-calls")
    assert "is no journal of this version" in at.error[0].value
    assert "Go on" in labels(at)
