"""The worker process: real sampling, and what becomes of a cell when its worker, its server or its disk fails."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dissection.jobs import process
from dissection.jobs.process import WorkerDied, WorkerProcess
from dissection.jobs.store import PosteriorStore
from dissection.regression.cells import Cell
from dissection.regression.diagnostics import diagnose
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD
from dissection.regression.nuts import Draws, Settings
from dissection.regression.sampling import posterior_to_json
from tests.conftest import make_dataset
from tests.fault_tools import until
from tests.jobs_cells import LONG, TASTES, small_cells

ROOT = Path(__file__).resolve().parents[1]


def gone(pid: int, seconds: float) -> bool:
    """Whether a process ends in this time; a dead one that nobody has waited for yet has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def draws_of(store: PosteriorStore, cell: Cell) -> Draws:
    found = store.draws(cell.key)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PosteriorStore:
    return PosteriorStore(tmp_path_factory.mktemp("posteriors") / "store", 10**9)


@pytest.fixture(scope="module")
def worker(store: PosteriorStore) -> Iterator[WorkerProcess]:
    """One process for all tests that leave it alive; its model is compiled by the first cell.

    A server ends many: what they compiled would fill its disk.
    """
    made = WorkerProcess(store)
    yield made
    assert made._temporary
    folder = Path(made._temporary.name)
    assert folder.stat().st_mode & 0o077 == 0, "nobody else's business"
    assert list(folder.iterdir()), "the compiled model's sources"
    made.kill()
    until(lambda: not folder.exists(), "its files are left behind", 10)


def test_a_cell_comes_back_and_its_draws_are_in_the_store(worker: WorkerProcess, store: PosteriorStore) -> None:
    cell = small_cells(1)[0]
    reply = worker.run(cell)
    assert (reply.kept, reply.warning, reply.error) == (True, "", "")
    (posterior,) = reply.posteriors
    assert (posterior.judge, posterior.group, posterior.engine) == ("one", cell.groups[0], "nuts")
    (stored,) = store.get(cell) or ()
    assert json.dumps(posterior_to_json(stored)) == json.dumps(posterior_to_json(posterior)), "as text, where NaN equals NaN"
    assert draws_of(store, cell).posterior["weights"].shape == (2, 200, 2)


def test_the_process_stays_for_the_next_cell(worker: WorkerProcess) -> None:
    first, second = small_cells(2, seed=1)
    worker.run(first)
    pid, started = worker.pid, time.monotonic()
    assert worker.run(second).posteriors[0].judge == "two"
    assert worker.pid == pid
    assert time.monotonic() - started < 5, "nothing is compiled again"


def test_it_agrees_with_the_fast_engine(worker: WorkerProcess, store: PosteriorStore) -> None:
    settings = Settings(draws=2000, tune=500, chains=4)
    cells = small_cells(2, settings, n=400)
    fast = fit(make_dataset(400, 2, TASTES, ["s0", "s1"]), STANDARD, groups=["s0"])
    for cell, expected in zip(cells, fast, strict=True):
        (found,) = worker.run(cell).posteriors
        assert (found.status, found.judge, found.group, found.n) == ("fitted", expected.judge, expected.group, expected.n)
        np.testing.assert_array_equal(found.differs, expected.differs)
        assert np.abs((found.mean - expected.mean) / expected.sd).max() < 0.15
        assert np.abs(found.sd / expected.sd - 1).max() < 0.1
        assert found.diagnostics is not None
        kept = draws_of(store, cell)
        again = diagnose(kept.posterior, kept.sample_stats, 0.0)
        # Not to the last digit of float32: the two draws beside the median lie equally far from it, and rounding orders their ranks.
        assert again.rhat == pytest.approx(found.diagnostics.rhat, abs=1e-5)
        assert again.ess_bulk == pytest.approx(found.diagnostics.ess_bulk, rel=1e-3)
        assert again.bfmi == pytest.approx(found.diagnostics.bfmi, rel=1e-4)
        assert again.divergences == found.diagnostics.divergences


def test_a_cell_that_can_not_be_sampled_says_so_and_the_next_one_is(worker: WorkerProcess) -> None:
    cell = small_cells(1)[0]
    broken = replace(cell, rows=(cell.rows[0]._replace(design=cell.rows[0].design[1:]),))
    reply = worker.run(broken)
    assert reply.posteriors == []
    assert reply.error.startswith("Sampling failed with ")
    assert reply.error.endswith(".")
    assert "\n" not in reply.error
    assert worker.run(cell).posteriors


def test_a_full_disk_loses_draws_alone(worker: WorkerProcess, store: PosteriorStore) -> None:
    cell = small_cells(1, seed=2)[0]
    before = set(store.folder.iterdir())
    assert worker.pid
    _, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (5000, hard))
    try:
        reply = worker.run(cell)
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert reply.posteriors[0].judge == "one"
    assert not reply.kept
    assert reply.warning.startswith("Draws could not be kept on disk: the file would be larger than allowed. The results are complete")
    assert set(store.folder.iterdir()) == before
    assert worker.run(cell).kept, "and once there is room, it keeps them"


def test_a_folder_that_is_none_loses_draws_alone(worker: WorkerProcess, store: PosteriorStore) -> None:
    aside = store.folder.with_name("aside")
    store.folder.rename(aside)
    store.folder.write_text("in the way")
    try:
        reply = worker.run(small_cells(1, seed=3)[0])
    finally:
        store.folder.unlink()
        aside.rename(store.folder)
    assert reply.posteriors
    assert not reply.kept
    assert "could not be kept on disk: File exists." in reply.warning


def test_ctrl_c_in_the_terminal_does_not_end_it(worker: WorkerProcess) -> None:
    assert worker.pid
    os.kill(worker.pid, signal.SIGINT)
    assert worker.run(small_cells(1)[0]).posteriors


def test_what_libraries_print_is_not_taken_for_a_reply() -> None:
    code = """
import os
from dissection.jobs import worker
from dissection.jobs.frames import write_frame
pipe = worker._reserve_stdout()
print("from Python", flush=True)
os.write(1, b"from below\\n")
os.system("echo from a child")
write_frame(pipe, b"reply")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert done.stdout == bytes(7) + b"\x05reply"
    assert done.stderr.splitlines() == [b"from Python", b"from below", b"from a child"]


def test_large_messages_pass_whole() -> None:
    """Larger than a pipe holds, both ways."""
    code = """
import os
from dissection.jobs.frames import read_frame, write_frame
with open(0, "rb", buffering=0) as come, open(1, "wb", buffering=0) as go:
    while (content := read_frame(come)) is not None:
        write_frame(go, content[::-1])
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as echo:
        for content in (b"", b"x", os.urandom(5_000_000)):
            process.write_frame(echo.stdin, content)  # type: ignore[arg-type]
            assert process.read_frame(echo.stdout) == content[::-1]  # type: ignore[arg-type]
        assert echo.stdin
        echo.stdin.write(b"\x00\x00")
        echo.stdin.close()
        assert process.read_frame(echo.stdout) is None, "half a message is none"  # type: ignore[arg-type]
        assert echo.wait() == 0


def test_a_worker_that_can_not_start_says_why(store: PosteriorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ROOT", tmp_path)
    worker = WorkerProcess(store)
    assert worker.alive
    with pytest.raises(WorkerDied, match=r"^The sampling process ended with exit code 1: .*No module named 'dissection'"):
        worker.run(small_cells(1)[0])
    assert not worker.alive


def _dies_by(worker: WorkerProcess, end: Callable[[int], None]) -> str:
    said: list[str] = []

    def run() -> None:
        try:
            worker.run(small_cells(1, LONG)[0])
        except WorkerDied as death:
            said.append(str(death))

    thread = threading.Thread(target=run)
    thread.start()
    while not worker.pid:
        time.sleep(0.01)
    time.sleep(1)
    end(worker.pid)
    thread.join(timeout=10)
    assert not worker.alive
    return said[0]


def test_how_it_died_is_told(store: PosteriorStore) -> None:
    """Here while it starts; in the midst of sampling in the tests of the queue."""
    assert _dies_by(WorkerProcess(store), lambda pid: os.kill(pid, signal.SIGKILL)) == (
        "The sampling process was killed, perhaps because memory ran out."
    )
    assert _dies_by(WorkerProcess(store), lambda pid: os.kill(pid, signal.SIGSEGV)).startswith("The sampling process was ended by SIGSEGV")


def test_killed_before_it_started_it_never_starts(store: PosteriorStore) -> None:
    worker = WorkerProcess(store)
    worker.kill()
    assert not worker.alive
    with pytest.raises(WorkerDied):
        worker.run(small_cells(1)[0])
    assert worker.pid is None


SERVER = """
import sys
from pathlib import Path
from dissection.jobs.process import WorkerProcess
from dissection.jobs.store import PosteriorStore
from tests.jobs_cells import LONG, small_cells
worker = WorkerProcess(PosteriorStore(Path(sys.argv[1]), 10**9))
worker.run(small_cells(1)[0])
print(worker.pid, flush=True)
worker.run(small_cells(1, LONG)[0])
"""


def test_it_ends_in_mid_cell_when_its_server_is_killed(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command, environ = [sys.executable, "-c", SERVER, str(tmp_path / "store")], {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE) as server:
        assert server.stdout
        pid = int(server.stdout.readline())
        assert list(temporary.iterdir())
        time.sleep(2)
        assert not gone(pid, 0.1), "it samples"
        server.kill()
        assert gone(pid, 5)
    assert not list(temporary.iterdir()), "its files went with it"
