"""A full disk, and a store that can't be written: said where the visitor is, nothing that was kept is harmed, and the app goes on."""

import contextlib
import gzip
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dissection import cli, packed, spool
from dissection.community.folder import FolderStore
from dissection.dashboard import analysis
from dissection.endpoint import journal
from dissection.endpoint.journals import finished_keys
from dissection.jobs import worker
from dissection.jobs.process import Reply
from dissection.jobs.queue import JobQueue
from dissection.jobs.store import PosteriorStore
from dissection.regression.cells import Cell
from dissection.regression.posterior import Posterior
from dissection.regression.sampling import posterior_from_json
from tests.asking_app import opened
from tests.asking_tools import laptop, mind, server
from tests.chat_server import ChatServer
from tests.fault_tools import full
from tests.jobs_cells import made_up
from tests.test_community_page import agree, fill, mine, own, press, put, store
from tests.test_pages import APP, Open, open_page, rows, run, text, upload, write

__all__ = ["laptop", "mind", "open_page", "server", "store"]  # the fixtures

NO_ROOM = "no space left on device"


# --- The store of sampled cells ---------------------------------------------------------------------------------------------------


class Inside:
    """A worker in this process, which has its draws from nowhere; all else is as in a process of its own."""

    alive = True

    def __init__(self, kept: PosteriorStore, may_end: threading.Event | None = None) -> None:
        self.kept, self.may_end = kept, may_end

    def run(self, cell: Cell) -> Reply:
        assert self.may_end is None or self.may_end.wait(30)
        facts = worker.answer(cell.to_bytes(), self.kept)
        return Reply([posterior_from_json(one) for one in facts["posteriors"]], facts["kept"], facts["warning"])

    def kill(self) -> None:
        """There is no process."""


def sampled(open_page: Open, monkeypatch: pytest.MonkeyPatch, file: Path, folder: Path) -> AppTest:
    """The Diagnostics page after a cell was sampled that can't be kept in the folder."""
    kept = PosteriorStore(folder, 10**9)
    queue = JobQueue(kept, 1, new_worker=lambda: Inside(kept))
    monkeypatch.setattr(worker.sampling, "run", made_up)
    monkeypatch.setattr(analysis, "store", lambda: kept)
    monkeypatch.setattr(analysis, "queue", lambda: queue)
    at = open_page("diagnostics", file)
    press(at, "sample")
    job = analysis.queue().latest(at.session_state["visitor"])
    assert job is not None
    assert job.wait(30)
    queue.close()
    return run(at)


def test_a_warning_comes_with_its_result(open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The cell is sampled while the page is drawn."""
    kept, may_end, inner = PosteriorStore(tmp_path / "kept", 10**9), threading.Event(), analysis.sampled
    queue = JobQueue(kept, 1, new_worker=lambda: Inside(kept, may_end))
    monkeypatch.setattr(worker.sampling, "run", made_up)
    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(analysis, "store", lambda: kept)
    monkeypatch.setattr(analysis, "queue", lambda: queue)
    at = open_page("diagnostics", write(tmp_path, rows(n=40)))
    press(at, "sample")
    job = queue.latest(at.session_state["visitor"])
    assert job is not None
    assert not job.ended

    def just_now(*arguments: Any) -> list[Posterior]:
        may_end.set()
        assert job.wait(30)
        return inner(*arguments)

    monkeypatch.setattr(analysis, "sampled", just_now)
    run(at)
    queue.close()
    assert "1 of 1 sampled cells passed" in text(at)
    assert "could not be kept on disk" in at.warning[0].value


def test_a_file_in_place_of_the_folder_is_said_on_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("DISSECTION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "argv", ["app.py"])
    analysis.store.clear()
    at = AppTest.from_file(APP, default_timeout=60).run()
    assert not at.exception
    assert "is not a folder" in at.error[0].value
    assert "DISSECTION\\_CACHE" in at.error[0].value


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_draws_that_can_not_be_kept_are_said_and_the_results_are_there(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    folder = tmp_path / "kept"
    if fault == "full":
        monkeypatch.setattr(Path, "write_bytes", full)
        reason = "the disk is full"
    else:
        # Root writes into any folder, but not into this one.
        if not Path("/sys/kernel").is_dir():
            pytest.skip("needs a folder that nobody can write, as /sys/kernel")
        folder, reason = Path("/sys/kernel/preference-dissection"), "the folder can't be written"
    at = sampled(open_page, monkeypatch, write(tmp_path, rows(n=40)), folder)
    assert f"could not be kept on disk: {reason}. The results are complete" in at.warning[0].value.replace("\\", "")
    assert "1 of 1 sampled cells passed" in text(at)
    assert not at.error
    assert not list(tmp_path.glob("kept/*"))


# --- Data that are larger than memory ---------------------------------------------------------------------------------------------


class Full:
    """A temporary file on a disk that has no room left; what has been written is there."""

    def __init__(self, *_: object, **__: object) -> None:
        self.closed = False

    def __enter__(self) -> "Full":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    def tell(self) -> int:
        return 0

    write = flush = full


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts go to the disk at once."""
    monkeypatch.setattr(spool, "SPILL_BYTES", 1_000)
    monkeypatch.setattr(spool, "_BUFFERED", 1_000)


@pytest.mark.usefixtures("small_memory")
def test_an_upload_that_finds_the_disk_full(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("upload", kind="dataset")
    with monkeypatch.context() as patched:
        patched.setattr(spool, "private_file", Full)
        upload(at, mine(), "pairs.jsonl")
        assert NO_ROOM in at.error[0].value.replace("\\", "")
        assert "TMPDIR" in at.error[0].value
        assert "open" not in {button.key for button in at.button}
    upload(at, mine(), "pairs.jsonl")
    assert not at.error, "with room it is read"
    assert "60 pairs" in text(at)


@pytest.mark.usefixtures("small_memory")
def test_a_folder_for_temporary_files_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_page: Open) -> None:
    at = open_page("upload", kind="dataset")
    with monkeypatch.context() as patched:
        patched.setattr(spool.tempfile, "tempdir", str(tmp_path / "gone"))
        upload(at, mine(), "pairs.jsonl")
    assert "no such file or directory" in at.error[0].value.replace("\\", "")


def test_a_packed_file_that_finds_the_disk_full_is_not_said_to_be_broken(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.jsonl.gz"
    found = [{**row, "response_b": "word " * 30_000} for row in rows()]
    file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in found).encode(), 1))
    monkeypatch.setattr(spool, "SPILL_BYTES", 7_000_000)  # the demo has less
    st.cache_resource.clear()
    with monkeypatch.context() as patched:
        patched.setattr(packed, "private_file", Full)
        at = open_page("dissect", file)
        said = at.error[0].value.replace("\\", "")
        assert NO_ROOM in said
        assert "broken" not in said
        assert "Choose the demo" in at.info[0].value
        at.sidebar.selectbox(key="data").set_value("demo")
        assert not run(at).error
    at.sidebar.selectbox(key="data").set_value("file")
    assert not run(at).error


# --- What visitors publish, and what they paid for --------------------------------------------------------------------------------


def test_publishing_on_a_full_disk_says_so_and_can_be_done_later(
    open_page: Open, store: FolderStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(store, tmp_path, title="Earlier")
    at = agree(fill(own(open_page, judges=["another"])))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        press(at, "publish")
    assert "The disk of this server is full; nothing was published." in at.error[0].value
    assert next(field for field in at.text_input if field.label == "Title").value == "My pairs", "what was written stays"
    assert [card.title for card in store.listing().cards] == ["Earlier"]
    press(at, "publish")
    assert not at.error
    assert sorted(card.title for card in store.listing().cards) == ["Earlier", "My pairs"]


def test_a_run_of_calls_that_finds_the_disk_full_pays_for_few_twice(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened(server.url)
    real, left = os.fsync, iter(range(20))

    def soon_full(number: int) -> None:
        real(number) if next(left, None) is not None else full()

    with monkeypatch.context() as patched:
        patched.setattr(journal.os, "fsync", soon_full)
        press(at, "start-calls")
    assert f"The journal can't be kept: {NO_ROOM}" in at.error[0].value.replace("\\", "")
    (folder,) = (path for path in (tmp_path / "journals").iterdir() if path.is_dir())
    assert len(finished_keys(folder)) == 19, "after the line at the head of the journal"
    press(at, "go-on-calls")
    assert not at.error
    assert not at.session_state["result"].failures
    assert sum(times - 1 for times in server.answered.values()) <= 4, "those that were under way"


# --- The command line -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_files() -> Iterator[None]:
    """No file of this process may be larger than 5 kB: as a full disk, but for the words."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "csv", "parquet"])
def test_a_file_is_written_whole_or_the_one_before_stays(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = write(tmp_path, rows(n=600)), tmp_path / "out" / f"pairs.{form}"
    out.parent.mkdir()
    out.write_bytes(b"what was there")
    with small_files():
        assert cli.main(["convert", str(data), "--out", str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "error: File too large"
    assert {path.name: path.read_bytes() for path in out.parent.iterdir()} == {out.name: b"what was there"}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("fit", "DATA", "--out"), "effects.csv"),
        (("demo", "--pairs", "60", "--judges", "3", "--out"), "demo.jsonl"),
        (("demo", "--pairs", "600", "--judges", "3", "--out"), "demo.jsonl.gz"),
        (("report", "DATA", "--out"), "report.html"),
    ],
)
def test_what_other_commands_write_too(tmp_path: Path, words: tuple[str, ...], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = write(tmp_path, rows(n=60, properties=[f"property {i}" for i in range(12)])), tmp_path / "out" / name
    out.parent.mkdir()
    out.write_bytes(b"what was there")
    with small_files():
        assert cli.main([str(data) if word == "DATA" else word for word in words] + [str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "error: File too large"
    assert {path.name: path.read_bytes() for path in out.parent.iterdir()} == {name: b"what was there"}
