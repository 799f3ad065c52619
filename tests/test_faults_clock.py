"""A clock that steps back or ahead, and a cache folder of an older version: nothing waits for the clock, and what is kept stays usable."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import local_script_runner

from dissection.community.folder import FolderStore
from dissection.dashboard import analysis
from dissection.dashboard.kept import Kept
from dissection.dashboard.tasks import Tasks
from dissection.endpoint.journal import HEAD, NAME, Journal
from dissection.endpoint.journals import make_room
from dissection.endpoint.limits import Limits
from dissection.jobs import netcdf
from dissection.jobs.store import PosteriorStore
from dissection.readers import open_dataset
from dissection.regression.cells import cells
from dissection.regression.model import STANDARD
from dissection.regression.nuts import Settings
from tests.asking_app import opened
from tests.asking_tools import ask, laptop, mind, questions, server
from tests.chat_server import ChatServer
from tests.jobs_cells import made_up, small_cells
from tests.test_community_page import press, put, store
from tests.test_pages import Open, open_page, rows, text, write

__all__ = ["laptop", "mind", "open_page", "server", "store"]  # the fixtures

YEAR, HOUR = 365 * 86_400.0, 3_600.0


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock finds it a year ahead or an hour back; but for `AppTest`, which waits by the clock for the page it has run."""
    real, looks = time.time, iter(range(10**9))
    monkeypatch.setattr(local_script_runner, "time", SimpleNamespace(time=real, sleep=time.sleep))
    monkeypatch.setattr(time, "time", lambda: real() + (YEAR if next(looks) % 2 else -HOUR))


def stamp(path: Path, ahead: float) -> None:
    os.utime(path, (time.time() + ahead,) * 2)


def kept(store: PosteriorStore, found: list[netcdf.Cell]) -> list[bool]:
    return [store.path(cell.key) is not None for cell in found]


# --- The clock --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [HOUR, YEAR])
def test_cells_from_before_the_clock_stepped_back_leave_in_their_turn(tmp_path: Path, ahead: float) -> None:
    cells_store, found = PosteriorStore(tmp_path, 10**9), small_cells(6)
    for cell in found[:2]:
        cells_store.put(cell, made_up(cell))
        path = cells_store.path(cell.key)
        assert path is not None
        stamp(path, ahead + found.index(cell))
    cells_store.max_bytes = int(2.5 * path.stat().st_size)
    for cell in found[2:4]:
        cells_store.put(cell, made_up(cell))
        assert cells_store.path(cell.key) is not None, "what is new stays"
    assert kept(cells_store, found) == [False, False, True, True, False, False]
    cells_store.put(found[4], made_up(found[4]))
    assert kept(cells_store, found) == [False, False, False, True, True, False]


def test_journals_from_before_the_clock_stepped_back_leave_in_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "journals" / (letter * 64) for letter in "abc"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(b"x" * 400_000)
    stamp(folders[0] / NAME, YEAR)
    make_room()
    assert (folders[0] / NAME).stat().st_mtime < time.time() + HOUR
    stamp(folders[1] / NAME, 10.0 - HOUR)
    stamp(folders[0] / NAME, -2 * HOUR)  # two hours later it is the oldest
    monkeypatch.setenv("DISSECTION_JOURNALS_MB", "1")
    make_room()
    assert [folder.exists() for folder in folders] == [False, True, True]


@pytest.mark.usefixtures("jumping")
def test_runs_of_calls_do_not_wait_for_the_clock(server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda _: "A"
    server.faults = ["429", "500"]
    made = ask(server, tmp_path / "journal", questions(6), Limits(2, per_minute=3_000))
    assert not made.failures
    assert len(made.outcomes) == 6


@pytest.mark.usefixtures("jumping")
def test_the_time_left_is_that_of_a_clock_that_never_steps() -> None:
    left = []

    def work(report: object) -> str:
        for step in range(4):
            report(step, 4)  # type: ignore[operator]
            left.append(task.seconds_left)
        return "done"

    tasks = Tasks(Kept(10**6, 0), 1)
    task = tasks.join(("data", "key"), lambda report: (time.sleep(0.05), work(report))[1], "visitor", "")
    assert task.over.wait(30)
    assert tasks.result(("data", "key")) == "done"
    assert all(seconds is None or 0 <= seconds < 60 for seconds in left)


@pytest.mark.usefixtures("jumping")
def test_pages_and_entries_of_any_date(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    for number, title in enumerate(("One", "Two")):
        put(store, tmp_path, title=title, judges=[f"judge {number}"])
        card = next(path for path in store.folder.glob("*/card.json") if title in path.read_text(encoding="utf-8"))
        fields = json.loads(card.read_text(encoding="utf-8")) | {"date": ("2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z")[number]}
        card.write_text(json.dumps(fields), encoding="utf-8")
    put(store, tmp_path, title="Three", judges=["judge 3"])
    at = open_page("community")
    assert at.dataframe[0].value["Title"].tolist() == ["One", "Three", "Two"]
    assert not at.error


# --- A folder of an older version -------------------------------------------------------------------------------------------------


@pytest.fixture
def old_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The server's cache as an older version could have left it, with files that are nobody's."""
    folder = tmp_path / "cache"
    cells_store = PosteriorStore(folder, 10**9)
    dataset = open_dataset(write(tmp_path, rows(n=40)))
    with monkeypatch.context() as patched:
        patched.setattr(netcdf, "FORMAT", 0)
        for cell in cells(dataset, STANDARD, Settings(), ["one"], ["Code"]):
            cells_store.put(cell, made_up(cell))
    (folder / f"{'b' * 64}.nc").write_bytes(b"CDF\x01 of another program")
    (folder / f".{'c' * 32}.tmp").write_bytes(b"half")
    (folder / "posteriors.pickle").write_bytes(b"\x80\x04K\x01.")
    (folder / "journals").mkdir()
    (folder / "journals" / "old-name").mkdir()
    (folder / "journals" / "old-name" / NAME).write_text(json.dumps(HEAD | {"version": 0}) + "\n")
    monkeypatch.setattr(analysis, "store", lambda: cells_store)
    queue = analysis.JobQueue(cells_store, 1)
    monkeypatch.setattr(analysis, "queue", lambda: queue)
    yield folder
    queue.close()


@pytest.mark.parametrize("page", ["diagnostics", "dissect", "export"])
def test_pages_on_an_old_cache_folder(open_page: Open, old_cache: Path, tmp_path: Path, page: str) -> None:
    foreign = {path: path.read_bytes() for path in (old_cache / "posteriors.pickle", *old_cache.rglob(NAME))}
    at = open_page(page, tmp_path / "mine.jsonl", engine="nuts")
    assert not at.error
    if page == "diagnostics":
        assert "Nothing has been sampled yet" in text(at)
        assert not at.button(key="sample").disabled, "it can be sampled again"
    assert {path: path.read_bytes() for path in foreign} == foreign, "what is not the store's stays"


def test_a_journal_of_an_older_version_is_said_and_left_as_it_is(server: ChatServer, tmp_path: Path) -> None:
    at = press(opened(server.url, pairs=2), "start-calls")
    (path,) = (tmp_path / "journals").rglob(NAME)
    old = path.read_text().replace(json.dumps(HEAD), json.dumps(HEAD | {"version": 0}))
    path.write_text(old)
    press(at, "start-calls")
    assert "no journal of this version" in at.error[0].value
    assert path.read_text() == old
    shutil.move(path, tmp_path / "kept.jsonl")
    press(at, "start-calls")
    assert not at.error
    with Journal(path.parent) as journal:
        assert len(journal._found) == 4


def test_entries_of_another_version_are_counted_and_left_as_they_are(open_page: Open, store: FolderStore, tmp_path: Path) -> None:
    put(store, tmp_path, title="Of now")
    old = put(store, tmp_path, title="Of then", judges=["another"]).card
    path = store.folder / old.id / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 0}), encoding="utf-8")
    before = path.read_bytes()
    at = open_page("community")
    assert at.dataframe[0].value["Title"].tolist() == ["Of now"]
    assert "1 file or folder is no entry, or broken, and left out" in text(at)
    assert path.read_bytes() == before
    assert (store.folder / old.id / "data.jsonl.gz").exists()
