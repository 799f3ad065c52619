"""The server's log: one line of JSON an event, and nothing in it that a visitor gave."""

import json
import logging
import subprocess
import sys

import pytest

from dissection import logs
from tests.browser import ROOT

SECRET = "my-private-words"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> logging.Handler:
    """Lets each record be formatted while the function that logs is still under way, as a server's handler does."""

    class Keeping(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.kept: list[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.kept.append(logs.Lines().format(record))

    handler = Keeping()
    caplog.set_level(logging.INFO)
    logging.getLogger().addHandler(handler)
    yield handler  # type: ignore[misc]
    logging.getLogger().removeHandler(handler)


def last(lines: logging.Handler) -> dict[str, object]:
    assert "\n" not in lines.kept[-1]  # type: ignore[attr-defined]
    found = json.loads(lines.kept[-1])  # type: ignore[attr-defined]
    assert SECRET not in str(found)
    assert {"time", "level", "event"} <= set(found)
    return dict(found)


def test_an_event_has_its_facts(lines: logging.Handler) -> None:
    logs.event("upload taken", bytes=12, status=204)
    found = last(lines)
    assert (found["event"], found["level"], found["bytes"], found["status"]) == ("upload taken", "info", 12, 204)
    assert str(found["time"]).endswith("Z")


def test_what_is_no_json_is_named_by_its_kind(lines: logging.Handler) -> None:
    logs.event("odd", what={1, 2})
    assert last(lines)["what"] == "set"


def test_a_constant_message_is_kept_and_what_was_put_into_one_is_not(lines: logging.Handler) -> None:
    log = logging.getLogger("someone.else")
    log.warning("It is as it is.")
    assert last(lines)["words"] == "It is as it is."
    log.warning("The file %s is odd.", SECRET)
    assert last(lines)["words"] == "The file %s is odd."
    log.warning(f"The file {SECRET} is odd.")
    assert "words" not in last(lines)
    log.warning(SECRET.upper().lower())
    found = last(lines)
    assert "words" not in found
    assert str(found["at"]).startswith("tests/test_logs.py:")
    assert str(found["at"]).endswith("test_a_constant_message_is_kept_and_what_was_put_into_one_is_not")


def broken(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise KeyError(text) from error


def test_an_exception_has_its_kind_and_frames_but_no_words(lines: logging.Handler) -> None:
    try:
        broken(SECRET)
    except KeyError:
        logging.getLogger("someone").exception("It failed")
    found = last(lines)
    assert found["error"] == "KeyError"
    assert found["causes"] == ["ValueError"]
    frames = found["frames"]
    assert isinstance(frames, list)
    assert [frame.split(" ")[-1] for frame in frames] == ["test_an_exception_has_its_kind_and_frames_but_no_words", "broken"]
    assert all(frame.startswith("tests/test_logs.py:") for frame in frames)


def test_a_deep_recursion_does_not_fill_the_log(lines: logging.Handler) -> None:
    def deeper(text: str) -> None:
        deeper(text)

    try:
        deeper(SECRET)
    except RecursionError as error:
        logs.event("script error", logging.ERROR, **logs.facts_of(error))
    frames = last(lines)["frames"]
    assert isinstance(frames, list)
    assert len(frames) == logs.MOST_FRAMES


PROGRAM = """
import logging, sys, threading, warnings
from dissection import logs

secret = sys.argv[1]
other = logging.getLogger("other")
other.addHandler(logging.StreamHandler(sys.stdout))
other.propagate = False
logs.install()
logs.install()
other.error(secret)
logging.getLogger("quiet").info("not said")
warnings.warn(secret)

def fail():
    raise ValueError(secret)

class Bad:
    def __del__(self):
        raise OSError(secret)

thread = threading.Thread(target=fail)
thread.start()
thread.join()
Bad()
logs.event("done", n=1)
fail()
"""


def test_whatever_a_process_says_comes_as_lines() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, SECRET], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    assert SECRET not in done.stderr
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in found] == [
        "log",
        "warning",
        "uncaught in a thread",
        "uncaught where nothing can be raised",
        "done",
        "uncaught",
    ], "each once"
    assert [line.get("error") for line in found] == [None, "UserWarning", "ValueError", "OSError", None, "ValueError"]
    assert done.returncode == 1


def test_a_library_says_nothing_unasked(capfd: pytest.CaptureFixture[str]) -> None:
    code = "from dissection import logs; logs.event('server started', n=1)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True)
    assert capfd.readouterr() == ("", "")
