"""What downloads may cost a server: pieces left behind, turns to take, and what several files hold together."""

import gzip
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dissection.dashboard import hub_form
from dissection.errors import FileError, InputError
from dissection.hub import faults, open_hub
from dissection.hub.address import parse
from dissection.hub.background import Background, Report
from dissection.hub.client import Progress
from dissection.hub.transfer import LEFT_ALONE, sweep
from dissection.hub.trouble import translated
from dissection.tables import Table, read_table
from tests.hub_fixtures import SET, TOKEN, hub, jsonl, pairs, parquet
from tests.hub_server import HubServer
from tests.test_hub_background import threads, until

__all__ = ["hub"]  # the fixture


# --- pieces ----------------------------------------------------------------------------------------------------------------------------


def piece(cache: Path, name: str, days: float) -> Path:
    """A file beside the blobs of some dataset, last written so many days ago."""
    path = cache / "datasets--owner--other" / "blobs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (time.time() - 86_400 * days,) * 2)
    return path


def test_pieces_are_kept_a_week_and_the_next_download_sweeps(hub: HubServer, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert LEFT_ALONE == 7 * 86_400
    gone = [piece(cache, name, 8) for name in ("aa.kept.incomplete", "bb.0f1e2d3c.kept.incomplete")]
    stay = [piece(cache, "cc.kept.incomplete", 6), piece(cache, "dd.0f1e2d3c.incomplete", 80), piece(cache, "ee", 800)]
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    assert len(open_hub(SET)) == 3
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stay), "the client's own and whole files are not ours to remove"
    sweep()


def test_what_a_killed_server_leaves_has_a_name_that_is_swept(hub: HubServer, tmp_path: Path) -> None:
    """While it is written a file has a name of its own, so that two at once do not mix; killed there, it stays."""
    seen: list[str] = []

    def look(_: Progress) -> None:
        seen.extend(path.name for path in tmp_path.rglob("*.incomplete"))

    hub.add(SET, {"train.parquet": parquet([{**row, "response_a": os.urandom(30_000).hex()} for row in pairs(20)])})
    open_hub(SET, progress=look)
    assert seen
    assert all(name.endswith(".kept.incomplete") for name in seen)
    assert not list(tmp_path.rglob("*.incomplete"))


# --- turns -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    monkeypatch.setattr("dissection.hub.background._LOOK", 0.02)
    opened = threading.Event()
    yield opened
    opened.set()
    until(lambda: not threads())


def test_work_waits_for_its_turn_and_gives_it_back(gate: threading.Event) -> None:
    turns, began = threading.BoundedSemaphore(1), []

    def work(name: str) -> "Background[str]":
        def done(report: Report) -> str:
            began.append(name)
            report(Progress(0, 1, 0, 1))
            gate.wait(30)
            if name == "broken":
                raise InputError("No.")
            return name

        return Background(done, turns)

    first = work("broken")
    until(lambda: began)
    second, given_up, dropped = work("second"), work("given up"), [work("dropped")]
    until(lambda: second.waiting and given_up.waiting and dropped[0].waiting)
    assert second.running, "who waits is not over"
    given_up.cancel()
    dropped.clear()
    until(lambda: len(threads()) == 2)
    assert began == ["broken"]
    gate.set()
    second.wait(30)
    assert (first.state, second.state, second.result, given_up.state) == ("failed", "finished", "second", "cancelled")
    assert not second.waiting
    assert began == ["broken", "second"]
    until(lambda: not threads())
    assert turns.acquire(blocking=False), "also work that failed gives its turn back"


def test_visitors_share_four_turns() -> None:
    assert hub_form.AT_ONCE == 4
    assert all(hub_form._TURNS.acquire(blocking=False) for _ in range(4))
    assert not hub_form._TURNS.acquire(blocking=False)
    hub_form._TURNS.release(4)


# --- several files together ----------------------------------------------------------------------------------------------------------------


def test_gzip_files_are_counted_and_not_believed(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a gzip file says at its end is the size of its last member alone."""
    monkeypatch.setattr("dissection.hub.opening.MAX_UNPACKED", 10_000)
    body = gzip.compress(jsonl(pairs(300))) + gzip.compress(b"\n")
    assert int.from_bytes(body[-4:], "little") == 1
    hub.add(SET, {"train.jsonl.gz": body})
    with pytest.raises(FileError, match="bytes once unpacked"):
        open_hub(SET)


def test_parquet_files_are_bounded_together_once_they_are_decoded(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary of one long text is small in the file, and large in every row."""
    read: list[str] = []
    monkeypatch.setattr("dissection.hub.opening.MAX_DECODED", 250_000)

    def counted(path: Path, name: str, most: int) -> Table:
        read.append(name)
        return read_table(path, name, most)

    monkeypatch.setattr("dissection.hub.opening.read_table", counted)
    rows = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100, dtype=np.int32)), pa.array(["x" * 1_000]))
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"response_a": rows, "response_b": ["y"] * 100, "label.me": ["a"] * 100}), out)
    body = out.getvalue().to_pybytes()
    assert len(body) < 10_000
    hub.add(SET, {f"train-{i:05}-of-00009.parquet": body for i in range(9)})
    with pytest.raises(FileError, match="bytes once decoded"):
        open_hub(SET)
    assert len(read) == 3, "the rest is not read any more"


# --- errors ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (InputError("Ours."), InputError, "Ours."),
        (OSError(28, "No space"), faults.DiskError, "can't be kept"),
    ],
)
def test_errors_are_said_once_and_nothing_hangs_on_them(raised: Exception, kind: type[Exception], words: str) -> None:
    raised.__context__ = KeyError(TOKEN)
    with pytest.raises(kind, match=words) as caught, translated(parse(SET), "", TOKEN):
        raise raised
    assert caught.value.__suppress_context__


def test_what_went_wrong_in_an_upload_is_behind_another_error() -> None:
    with pytest.raises(faults.DiskError), translated(parse(SET), "", None):
        raise RuntimeError("while x was sent") from OSError(28, "No space")
    with pytest.raises(RuntimeError, match="a fault of ours"), translated(parse(SET), "", None):
        raise RuntimeError("a fault of ours")
