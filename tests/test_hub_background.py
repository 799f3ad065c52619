"""A download behind the pages: followed, given up, and gone with the visitor who asked for it."""

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from streamlit.testing.v1 import AppTest

from dissection.errors import InputError
from dissection.hub import open_hub
from dissection.hub.background import Background, Report
from dissection.hub.client import Progress
from tests.hub_faults_server import SlowHubServer
from tests.hub_fixtures import MEMBER, SET, pairs, parquet, stand_in
from tests.test_pages import Open, go, open_page

__all__ = ["open_page"]  # the fixture

BIG = parquet([{**row, "response_a": os.urandom(20_000).hex()} for row in pairs(30)])


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SlowHubServer]:
    with SlowHubServer() as server:
        stand_in(server, monkeypatch, tmp_path)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", 30)
        server.tokens = server.members = {MEMBER}
        server.add(SET, {"train.parquet": BIG})
        yield server
        server.pause = 0
        server.go_on()


def until(what: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hub"]


@pytest.fixture
def under_way(slow: SlowHubServer, open_page: Open) -> AppTest:
    """The Upload page of a visitor whose download has come as far as 300,000 bytes."""
    slow.stop_at(300_000)
    at = open_page("upload", kind="hub")
    at.text_input(key="hub_address").set_value(SET)
    at.run()
    at.button(key="hub_look").click().run()
    at.button(key="hub_download").click().run()
    work = at.session_state["hub_current"].work
    until(lambda: work.progress is not None and work.progress.bytes_done >= 300_000)
    return at.run()


def shown(at: AppTest) -> str:
    assert not at.exception, [exception.message for exception in at.exception]
    return "\n".join(str(element.value) for element in (*at.markdown, *at.caption))


def test_the_page_goes_on_while_a_download_does(under_way: AppTest, slow: SlowHubServer) -> None:
    assert "downloading" in shown(under_way)
    assert f"File 1 of 1 · 0.3 of {len(BIG) / 1e6:.1f} MB" in shown(under_way)
    assert under_way.button(key="hub_download").disabled, "one at a time"
    other = go(under_way, "similarity")
    assert other.title[0].value == "Similarity"
    back = go(other, "upload")
    assert back.text_input(key="hub_address").value == ""
    assert "downloading" in shown(back), "the download goes on without the form it came from"
    slow.go_on()
    back.session_state["hub_current"].work.wait(30)
    back.run()
    assert "30 pairs" in shown(back)
    back.button(key="hub_open").click().run()
    assert f"{SET} (yours)" in back.selectbox(key="data").options


def test_cancelling_takes_effect_at_once_and_the_rest_is_asked_for_later(under_way: AppTest, slow: SlowHubServer) -> None:
    under_way.button(key="hub_cancel").click().run()
    assert "cancelled" in shown(under_way), "though not one byte has come since"
    assert not under_way.button(key="hub_download").disabled
    slow.go_on()
    until(lambda: not threads())
    slow.asked.clear()
    under_way.button(key="hub_download").click().run()
    under_way.session_state["hub_current"].work.wait(30)
    under_way.run()
    assert "30 pairs" in shown(under_way)
    (asked,) = slow.bodies()
    assert int(asked.headers["range"].removeprefix("bytes=").rstrip("-")) >= 300_000
    under_way.button(key="hub_put_away").click().run()
    assert "30 pairs" not in shown(under_way)


def test_a_running_transfer_stops_when_it_is_cancelled(slow: SlowHubServer) -> None:
    slow.pause = 0.1
    work = Background(lambda report: open_hub(SET, progress=report))
    until(lambda: work.progress is not None and work.progress.bytes_done > 0)
    work.cancel()
    began = time.monotonic()
    until(lambda: not threads(), 2)
    assert time.monotonic() - began < 2
    assert (work.state, work.result, work.error) == ("cancelled", None, None)
    until(slow.gone.is_set)


def test_it_is_given_up_when_nobody_holds_it(slow: SlowHubServer) -> None:
    slow.pause = 0.05
    held = [Background(lambda report: open_hub(SET, progress=report))]
    until(lambda: held[0].progress is not None and held[0].progress.bytes_done > 0)
    held.clear()
    gc.collect()
    until(lambda: not threads(), 10)


def test_an_error_comes_without_the_frames_that_had_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def refuse(_: Report) -> int:
        token = MEMBER
        try:
            raise KeyError(token)
        except KeyError as error:
            raise InputError("No.") from error

    def fail(_: Report) -> int:
        raise RuntimeError(MEMBER)

    for work, words in ((Background(refuse), "No."), (Background(fail), "RuntimeError")):
        work.wait(10)
        assert work.state == "failed"
        assert work.error is not None
        assert words in work.error.problem
        assert (work.error.__traceback__, work.error.__context__, work.error.__cause__) == (None, None, None)
        assert MEMBER not in str(vars(work)) + caplog.text


def test_the_time_left_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = threading.Semaphore(0)
    clock = [0.0]
    monkeypatch.setattr("dissection.hub.background.time.monotonic", lambda: clock[0])
    told = threading.Semaphore(0)

    def work(report: Report) -> int:
        for done in range(0, 101, 10):
            steps.acquire()
            report(Progress(0, 1, done, 100))
            told.release()
        return 1

    found = Background(work)
    assert found.seconds_left is None
    for second in range(6):
        clock[0] = 2.0 * second
        steps.release()
        told.acquire()
    assert found.seconds_left == pytest.approx(10.0), "50 of 100 bytes in ten seconds"
    steps.release(10)
    found.wait(10)
    assert (found.state, found.result) == ("finished", 1)
