"""A worker process as its owner sees it."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from dissection.jobs.frames import read_frame, write_frame
from dissection.jobs.store import PosteriorStore
from dissection.regression.cells import Cell
from dissection.regression.posterior import Posterior
from dissection.regression.sampling import posterior_from_json

ROOT = Path(__file__).resolve().parents[2]
# Cells run side by side; more threads in each would only get in each other's way.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
LAST_LINES = 3
LINE_LENGTH = 300


class Reply(NamedTuple):
    """What a worker says of one cell.

    Attributes:
        posteriors: one a group.
        kept: whether the draws are in the store.
        warning: why not, in words.
        error: why there are no posteriors, in words; empty where there are.
    """

    posteriors: list[Posterior]
    kept: bool = False
    warning: str = ""
    error: str = ""


class WorkerDied(RuntimeError):  # noqa: N818 (it reads as what happened)
    """The process ended before it answered; the message says how."""


class WorkerProcess:
    """One life of a worker: started by the first cell, kept for the next ones, as the compiled model is in it.

    Args:
        store: where the worker puts draws.
    """

    def __init__(self, store: PosteriorStore) -> None:
        self._store = store
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._lock = threading.Lock()
        self._killed = False

    @property
    def alive(self) -> bool:
        """False once it was killed or has died."""
        return not self._killed and (self._process is None or self._process.poll() is None)

    @property
    def pid(self) -> int | None:
        """Of the process; None before the first cell."""
        return self._process.pid if self._process else None

    def run(self, cell: Cell) -> Reply:
        """Sample a cell and wait for its posteriors.

        Raises:
            WorkerDied: the process ended first.
        """
        process = self._started()
        try:
            write_frame(cast("BinaryIO", process.stdin), cell.to_bytes())
            content = read_frame(cast("BinaryIO", process.stdout))
        except OSError:
            content = None
        if content is None:
            raise WorkerDied(self._how_it_died(process))
        facts = json.loads(content)
        if "error" in facts:
            return Reply([], error=facts["error"])
        return Reply([posterior_from_json(one) for one in facts["posteriors"]], facts["kept"], facts["warning"])

    def kill(self) -> None:
        """End the process at once, from any thread; it can't be used again."""
        with self._lock:
            self._killed = True
            if self._process:
                self._process.kill()

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._killed:
                raise WorkerDied("The sampling process was ended.")
            if self._process is None:
                # What is compiled leaves files, which a process that is killed can't remove.
                self._temporary = tempfile.TemporaryDirectory(prefix="dissection-worker-", ignore_cleanup_errors=True)
                words = [str(self._store.folder), str(self._store.max_bytes), self._temporary.name, *["--readable"] * self._store.readable]
                self._process = subprocess.Popen(  # noqa: S603 (nothing in the command comes from a visitor)
                    [sys.executable, "-m", "dissection.jobs.worker", *words],
                    cwd=ROOT,
                    env={**os.environ, **ONE_THREAD},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                )
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, self._process.pid, 15)
                self._listener.start()
            return self._process

    def _listen(self) -> None:
        """Remember the last lines of stderr, which must be read or the worker would stop, and bury the process."""
        assert self._process is not None
        assert self._temporary is not None
        errors = self._process.stderr
        assert errors is not None
        with io.BufferedReader(cast("io.FileIO", errors)) as lines:
            for line in iter(lambda: lines.readline(LINE_LENGTH), b""):
                if words := line.decode(errors="replace").strip():
                    self._last_lines.append(words)
        self._process.wait()
        self._temporary.cleanup()

    def _how_it_died(self, process: "subprocess.Popen[bytes]") -> str:
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it closed its pipes and lives on
            self.kill()
            code = process.wait()
        if code == -signal.SIGKILL:
            return "The sampling process was killed, perhaps because memory ran out."
        self._listener.join(timeout=1)
        said = " ".join(self._last_lines)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"The sampling process {how}{': ' + said if said else '.'}"
