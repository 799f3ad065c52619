"""What befalls a server while visitors are on it: killed in the middle of things, its workers killed, tabs closed, reruns by the thousand."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dissection.jobs.store import PosteriorStore
from dissection.readers import open_dataset
from dissection.regression.cells import cells
from dissection.regression.model import STANDARD
from dissection.regression.nuts import Settings
from tests.fault_tools import Server, Tab, children, lives, multipart, needs_proc, serving, until
from tests.jobs_cells import made_up
from tests.test_pages import rows, write

pytestmark = needs_proc
DRAWS = "500"
MANY = 1000


def finished_cells(path: Path, folder: Path) -> None:
    """Judge one's cells of both scenarios, as an earlier visitor had them sampled."""
    dataset, store = open_dataset(path), PosteriorStore(folder, 10**9)
    for cell in cells(dataset, STANDARD, Settings(draws=int(DRAWS)), ["one"], ["Code", "Advice"]):
        store.put(cell, made_up(cell))


def sampling(tab: Tab) -> int:
    """The worker's process, once it has a cell."""
    tab.until("Now: ")
    return int(until(lambda: children(tab.server.pid), "no worker was started")[0])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def half_sent(server: Server, path: str, body: bytes, headers: dict[str, str]) -> socket.socket:
    """An upload of which half has come, on a connection that stays open."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = [f"PUT /{path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body[: len(body) // 2])
    return connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all faults, as it has to survive them; judge one was sampled before it was started."""
    folder = tmp_path_factory.mktemp("faults")
    data = write(folder, rows(n=40))
    finished_cells(data, folder / "cache")
    with serving(folder, DISSECTION_DATA=str(data), DISSECTION_WORKERS="1") as found:
        yield found


def test_killed_in_mid_upload_and_in_mid_job_and_started_again(server: Server) -> None:
    before = contents(server.cache)
    body, headers = multipart(b'{"pair_id": "p"}\n' * 2_000_000)
    with Tab(server, "upload", kind="dataset") as uploading, Tab(server, "diagnostics", draws=DRAWS) as tab:
        assert "2 of 2 sampled cells passed" in tab.said()
        tab.choose("Scenarios and conditions", string_array_value=["All pairs", "Code"])
        worker = sampling(tab.settle().press("Sample 2 cells"))
        assert "1 of 2 cells, 1 from the cache" in tab.said()
        with half_sent(server, uploading.upload_path(), body, headers):
            had = server.kill()
    assert worker in had
    until(lambda: not any(map(lives, had)), "a worker outlived its server")
    assert not list(server.temporary.iterdir()), "nothing of the upload is left"
    server.start()
    with Tab(server, "diagnostics", draws=DRAWS) as tab:
        assert "2 of 2 sampled cells passed" in tab.said(), "what was sampled is found again"
        assert "Full analysis" not in tab.said(), "the job itself is gone"
        tab.choose("Scenarios and conditions", string_array_value=["All pairs", "Code"])
        tab.settle().press("Sample 2 cells").until("1 of 2 cells, 1 from the cache").until("Now: one in All pairs").press("Cancel")
    with Tab(server, "upload", kind="dataset") as tab:
        assert server.status(tab.upload_path(), "PUT", body, headers) == 204, "it can be sent again"
        assert not tab.faults
    assert contents(server.cache) == before


def test_a_killed_worker_is_said_and_the_other_cells_go_on(server: Server) -> None:
    with Tab(server, "diagnostics", draws="1000") as tab:
        tab.choose("Scenarios and conditions", string_array_value=["Code", "Advice"])
        tab.settle().press("Sample 2 cells")
        worker = sampling(tab)
        assert "Now: one in Code" in tab.said()
        os.kill(worker, signal.SIGKILL)
        tab.until("The sampling process was killed, perhaps because memory ran out.").until("Now: one in Advice")
        assert "0 of 2 cells, 1 failed" in tab.said()
        assert sampling(tab) != worker
        tab.press("Cancel").until("cancelled")
        assert not tab.faults


def test_tabs_that_are_closed_in_mid_fit_leave_nothing_behind(server: Server) -> None:
    with Tab(server, "dissect"):
        threads = server.threads()
        for scale in ("0.02", "0.05", "0.2", "0.5"):
            for _ in range(5):
                # The first of each fits anew, the others wait for it.
                Tab(server, "dissect", wait=False, model="paper", folds="True", b=scale).close()
        with Tab(server, "dissect", model="paper", folds="True", b="0.02") as other:
            assert "Dissect" in other.said()
            assert not other.faults
        until(lambda: server.threads() <= threads + 2, "threads of closed tabs go on")
        until(lambda: server.connections() == 1, "connections of closed tabs stay open")


def test_a_thousand_quick_reruns_end_in_the_last_state(server: Server) -> None:
    groups = ("All pairs", "Code", "Advice")
    with Tab(server, "dissect") as tab:
        for group in groups:  # what is fitted once is kept
            tab.choose("Scenario or condition", string_value=group)
            tab.settle()
        threads, handles, megabytes = server.threads(), server.handles(), server.megabytes()
        for number in range(MANY):
            tab.choose("Scenario or condition", string_value=groups[number % 2])
        tab.choose("Scenario or condition", string_value="Advice")
        with Tab(server, "dissect") as other:  # its connection would be given up before all of them had their run
            assert "(All pairs)" in other.said()
        tab.until("(Advice)")
        assert not tab.faults
        until(lambda: server.threads() <= threads + 2, "threads are left")
        assert server.handles() <= handles + 5
        assert server.megabytes() <= megabytes + 60


HOSTILE = (
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "pages/upload.py",
    "dissect?" + "group=" + "x" * 60_000,
    "dissect?" + "&".join(f"group={n}" for n in range(5_000)),
    "%ff%fe?%ff=%ff",
    "_stcore/upload_file/nobody/..%2f..%2fx",
    "media/..%2f..%2fapp.py",
    "static/../app.py",
    "component/../../app.py",
    "//127.0.0.1:1/x",
)


def test_addresses_that_no_browser_writes(server: Server) -> None:
    for path in HOSTILE:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
            with connection.makefile("rb") as stream:
                answer = stream.read()
        status = int(re.match(rb"HTTP/1\.1 (\d{3})", answer)[1])  # type: ignore[index]
        assert status < 500, path[:100]
        assert b"root:" not in answer
        assert b"import streamlit" not in answer, path[:100]
    with Tab(server, "dissect") as tab:
        assert not tab.faults
