"""The server as others visit it: what it takes and refuses, what is in its log, whose tokens it uses, and what it only shows."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.Common_pb2 import FileUploaderState
from streamlit.testing.v1 import AppTest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from dissection.dashboard import limits, server
from dissection.dashboard.endpoint_form import own_machine
from dissection.errors import InputError
from dissection.tables_text import MAX_ROWS
from tests.browser import ROOT
from tests.conftest import make_dataset
from tests.fault_tools import Server, Tab, multipart, serving, until
from tests.hub_fixtures import MEMBER, SET, hub, pairs, parquet
from tests.hub_server import HubServer
from tests.test_pages import Open, go, open_page, text

__all__ = ["hub", "open_page"]  # the fixtures

SECRET = "my-private-words"
TOKEN = "hf_ownersownersowners"


def lines(of: Server) -> list[dict[str, Any]]:
    """The log; each line of it is JSON, and nothing of a visitor's is in it."""
    content = of.log.read_text(encoding="utf-8")
    assert SECRET not in content
    assert TOKEN not in content
    return [json.loads(line) for line in content.splitlines()]


def events(of: Server) -> list[str]:
    return [line["event"] for line in lines(of)]


# What the first visitor of a page would wait for: how many modules its functions load after the start.
FIRST_USE = """
import importlib, sys
import numpy as np
from dissection.dashboard.server import LIBRARIES
from dissection.judges import DATA_FOLDER
from dissection.readers import open_dataset
from dissection.scenarios import by_topics
from dissection.substance.strengths import bradley_terry
from dissection.text_properties import measure
demo = open_dataset(DATA_FOLDER / "demo.jsonl.gz")
if sys.argv[1] == "warm":
    for name in LIBRARIES:
        importlib.import_module(name)
before = set(sys.modules)
by_topics(demo, 2)
bradley_terry(np.array([[0.0, 3.0], [1.0, 0.0]]))
measure("What is a leaf?", "A leaf is a part of a plant. It is green.")
print(len(set(sys.modules) - before))
"""


def test_a_warm_server_has_loaded_what_functions_need() -> None:
    cold, warm = (
        int(subprocess.run([sys.executable, "-c", FIRST_USE, how], cwd=ROOT, check=True, capture_output=True).stdout)
        for how in ("cold", "warm")
    )
    assert cold > 500
    assert warm < 25


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with little room."""
    environ = {"DISSECTION_VISITORS": "3", "DISSECTION_UPLOAD_MB": "1", "DISSECTION_PAIRS": "50", "HF_TOKEN": TOKEN}
    with serving(tmp_path_factory.mktemp("small"), **environ) as found:
        yield found
    assert events(found)[-1] == "server stopped"


def send(to: Tab, content: bytes, name: str) -> tuple[int, str]:
    path = to.upload_path()
    body, headers = multipart(content, name)
    return to.server.status(path, "PUT", body, headers), path


def bring(tab: Tab, content: bytes, name: str) -> str:
    """What the Upload page says of a file."""
    status, path = send(tab, content, name)
    assert status == 204
    state = FileUploaderState()
    state.uploaded_file_info.add(name=name, size=len(content), file_id=path.rsplit("/", 1)[1])
    widget = next(name for (kind, _), name in tab.widgets.items() if kind == "file_uploader")
    tab.values[widget] = {"file_uploader_state_value": state}
    tab.rerun()
    return tab.settle().said()


def test_what_a_visitor_brings_is_in_no_line_of_the_log(small: Server) -> None:
    rows = [{"pair_id": f"{SECRET}-{i}", SECRET: SECRET} for i in range(3)]
    with Tab(small, "upload", kind="dataset", group=SECRET) as tab:
        said = bring(tab, "".join(json.dumps(row) + "\n" for row in rows).encode(), f"{SECRET}.jsonl")
        assert "of no known form" in said
        assert not tab.faults
        with contextlib.suppress(OSError):
            small.status(f"_stcore/upload_file/{SECRET}/{SECRET}", "PUT", b"x")
    found = lines(small)
    started = next(line for line in found if line["event"] == "server started")
    assert started["numbers"] == {"DISSECTION_UPLOAD_MB": 1, "DISSECTION_PAIRS": 50, "DISSECTION_VISITORS": 3}
    assert {"DISSECTION_HOSTED", "HF_TOKEN", "SPACE_ID"} <= set(started["set"])
    taken = next(line for line in found if line["event"] == "upload taken")
    assert taken["status"] == 204
    assert 100 < taken["bytes"] < 1000
    assert "upload refused" in [line["event"] for line in found]
    assert "session opened" in [line["event"] for line in found]
    until(lambda: "warmed up" in events(small))
    assert next(line for line in lines(small) if line["event"] == "warmed up")["drawn"]


def test_more_pairs_than_the_server_takes(small: Server) -> None:
    with Tab(small, "upload", kind="dataset") as tab:
        said = bring(tab, "".join(json.dumps(row) + "\n" for row in pairs(51)).encode(), "pairs.jsonl")
        assert "There are more than 50 rows." in said
        assert "run the app on your own machine" in said
        assert "Open it" not in [label for _, label in tab.widgets]


def test_uploads_end_where_the_room_does(small: Server) -> None:
    megabyte = b"x" * 1_040_000
    with Tab(small, "upload", kind="dataset") as tab:
        assert send(tab, 2 * megabyte, "a.jsonl")[0] == 413
        assert [send(tab, megabyte, "a.jsonl")[0] for _ in range(4)] == [204, 204, 204, 413]
        assert [line["status"] for line in lines(small) if line["event"] == "upload refused"][-1] == 413


def test_no_more_pages_than_the_server_has_room_for(small: Server) -> None:
    where = f"ws://127.0.0.1:{small.port}/_stcore/stream"
    until(lambda: [line["open"] for line in lines(small) if "open" in line][-1] == 0, "earlier tabs are not closed yet")
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connect(where))
        with pytest.raises(InvalidStatus) as caught, connect(where):
            pass
        assert caught.value.response.status_code == 503
        assert b"try again in a minute" in caught.value.response.body
        assert small.status("", headers={"Accept": "text/html"}) == 503
        assert small.status("_stcore/health") == 200
    until(lambda: small.status("", headers={"Accept": "text/html"}) == 200)


def test_a_message_of_a_browser_is_small(small: Server) -> None:
    with connect(f"ws://127.0.0.1:{small.port}/_stcore/stream") as socket:
        # The head of a message, by RFC 6455, 5.2: binary, masked, with its length in eight bytes.
        socket.socket.sendall(bytes([0x82, 0x80 | 127]) + (server.MOST_MESSAGE_BYTES + 1).to_bytes(8) + bytes(4))
        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv(timeout=20)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


def test_a_script_that_fails_is_logged_without_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.py").write_text(f"def fail():\n    raise ValueError('{SECRET}')\n\nfail()\n")
    code = "import sys; from pathlib import Path; from dissection import serve; serve.APP = Path(sys.argv.pop(1)); "
    code += "from dissection.dashboard import server; server.main()"
    monkeypatch.setattr(sys, "executable", str(write_start(tmp_path, code)))
    with serving(tmp_path) as bad:
        until(lambda: "warmed up" in events(bad))
        with Tab(bad) as tab:
            assert SECRET not in str(tab.faults)
        found = [line for line in lines(bad) if line["level"] == "error"]
        # Of nobody's visit, then of the visitor's, where the page is known.
        assert [line["event"] for line in found] == ["log", "log", "script error"]
        assert {line["error"] for line in found} == {"ValueError"}
        assert all([frame.split()[-1] for frame in line["frames"]][-2:] == ["<module>", "fail"] for line in found[:2])
        assert not next(line for line in lines(bad) if line["event"] == "warmed up")["drawn"]


def test_loggers_that_streamlit_makes_later_write_lines_too() -> None:
    code = "import sys; from dissection.dashboard import server; import streamlit.logger; server._log_in_lines(); "
    code += "log = streamlit.logger.get_logger('late'); streamlit.logger.update_formatter(); log.error('The file ' + sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, SECRET], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["logger"] == "late"
    assert SECRET not in done.stderr + done.stdout


def write_start(folder: Path, code: str) -> Path:
    """A program that starts another script in the same server, whatever it is called with."""
    start = folder / "start"
    start.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' {folder / 'bad.py'}\n")
    start.chmod(0o755)
    return start


# --- The owner's tokens ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [True, False])
def test_the_owners_token_is_not_for_visitors(hub: HubServer, open_page: Open, monkeypatch: pytest.MonkeyPatch, *, own: bool) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(8))})
    monkeypatch.setenv("HF_TOKEN", MEMBER)
    monkeypatch.setenv("DISSECTION_HOSTED", "0" if own else "1")
    at = open_page("upload", kind="hub")
    at.text_input(key="hub_address").set_value(SET).run()
    at.button(key="hub_look").click().run()
    at.button(key="hub_download").click().run()
    at.session_state["hub_current"].work.wait(30)
    assert "hub_open" in {str(button.key) for button in at.run().button}
    told = {asked.headers["authorization"] for asked in hub.asked if "authorization" in asked.headers}
    assert told == ({f"Bearer {MEMBER}"} if own else set())


@pytest.mark.parametrize(("hosted", "own"), [("0", True), ("", True), ("1", False)])
def test_the_owners_keys_are_not_for_visitors(hosted: str, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    monkeypatch.setenv("DISSECTION_HOSTED", hosted)
    assert own_machine() is own


# --- Limits ------------------------------------------------------------------------------------------------------------------------


def test_rows_of_the_hub_and_pairs_that_are_appended_count(hub: HubServer, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(8))})
    monkeypatch.setenv("DISSECTION_PAIRS", "7")
    at = open_page("upload", kind="hub")
    at.text_input(key="hub_address").set_value(SET).run()
    at.button(key="hub_look").click().run()
    at.button(key="hub_download").click().run()
    at.session_state["hub_current"].work.wait(30)
    assert "There are 8 rows." in at.run().error[0].value.replace("\\", "")
    two = make_dataset(n=4)
    with pytest.raises(InputError, match=r"Together these are 8 pairs\..* at most 7 pairs from visitors"):
        limits.check_pairs(two, two)
    limits.check_pairs(two)


def test_the_servers_own_data_may_be_larger(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_PAIRS", "7")
    assert not open_page("overview").error
    with limits.visitors_rows():
        assert limits.settings.PAIRS.read() == 7
    assert server.upload_bounds().total >= server.upload_bounds().largest
    assert limits.settings.PAIRS.usual == MAX_ROWS, "usually the readers' own bound holds"


# --- Only shown --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["upload", "annotate", "judges", "manipulate", "diagnostics", "community"])
def test_a_server_that_only_shows_says_so(page: str, open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISSECTION_READ_ONLY", "1")
    monkeypatch.setenv("DISSECTION_STORE", str(tmp_path))
    at: AppTest = open_page(page, **({"swayview": "test"} if page == "manipulate" else {}))
    assert "This server only shows its data; to " in "\n".join(info.value for info in at.info)
    assert not at.button
    assert not at.get("file_uploader")
    assert not at.text_input or page == "community"
    monkeypatch.setenv("DISSECTION_READ_ONLY", "0")
    assert "This server only shows" not in text(go(at, page))


def test_a_server_that_only_shows_takes_no_file(tmp_path: Path) -> None:
    with serving(tmp_path, DISSECTION_READ_ONLY="1") as shows, Tab(shows, "upload", kind="dataset") as tab:
        assert "This server only shows its data" in tab.said()
        assert send(tab, b"{}", "a.jsonl")[0] == 403
