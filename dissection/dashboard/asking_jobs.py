"""Runs of calls in threads of the server: a few at a time, one a visitor, and one for each journal."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dissection.dashboard.endpoint_form import Connection
from dissection.endpoint.faults import bare
from dissection.endpoint.journal import Journal
from dissection.endpoint.journals import make_room, most_bytes
from dissection.endpoint.limits import Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Progress
from dissection.errors import InputError

MOST_RUNS = 4
Work = Callable[[Client, Journal, Limits, Callable[[Progress], None], Callable[[], bool]], Any]
_log = logging.getLogger(__name__)


class CallRun:
    """Calls under way or made. Its thread alone holds the connection, and with it the key, and only as long as it runs.

    Attributes:
        name: of what is asked; who has the same name asks the same.
        folder: of its journal.
        what: it is, in words.
        visitor: who began it.
        progress: of the calls; None before the first.
        result: of finished work, also of work that was cancelled in time to say what there is; None else.
        error: of failed work, without the traceback, in whose frames a key would be found; None else.
        cancelled: whether it was asked to stop.
        left_out: what the endpoint did not take.
        over: set when the thread is done.
    """

    def __init__(self, name: str, folder: Path, what: str, visitor: str) -> None:
        self.name, self.folder, self.what, self.visitor = name, folder, what, visitor
        self.progress: Progress | None = None
        self.result: Any = None
        self.error: InputError | None = None
        self.cancelled = False
        self.left_out: frozenset[str] = frozenset()
        self.over = threading.Event()
        self._begun = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether its thread still works."""
        return not self.over.is_set()

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None before the first call is made."""
        step = self.progress
        if step is None or step.done <= step.from_journal:
            return None
        return (time.monotonic() - self._begun) / (step.done - step.from_journal) * (step.total - step.done)

    def cancel(self) -> None:
        """Let no further request begin; those under way are waited for and kept."""
        self.cancelled = True

    def work(self, connection: Connection, work: Work) -> None:
        """Do it; for the thread."""
        from dissection.endpoint.client import connect

        try:
            client = connect(connection.endpoint, connection.key)
            # All that run at a time fit into what the journals may take.
            with Journal(self.folder, most_bytes() // MOST_RUNS) as journal:
                make_room()
                self.result = work(client, journal, connection.limits, self._note, lambda: self.cancelled)
            self.left_out = client.left_out
        except InputError as error:
            self.error = bare(error)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
            _log.error("A run of calls failed: %s", type(error).__name__)
            self.error = InputError(
                f"It failed here with {type(error).__name__}.", remedy="go on: what was answered is kept; if it fails again, report it"
            )

    def _note(self, progress: Progress) -> None:
        self.progress = progress


class Runs:
    """The runs of all visitors that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Path, CallRun] = {}

    def start(self, run: CallRun, connection: Connection, work: Work) -> None:
        """Begin a run.

        Raises:
            InputError: this visitor has one under way, the same is asked in another tab, or the server has as many as it may.
        """
        with self._lock:
            if other := next((one for one in self._running.values() if one.visitor == run.visitor), None):
                raise InputError(f"Your run “{other.what}” goes on.", accepted="one run at a time", remedy="wait for it, or cancel it")
            if run.folder in self._running:
                raise InputError(
                    "The same study is being asked in another tab or by someone else without a key.",
                    accepted="one run at a time for each endpoint, key and study",
                    remedy="wait for it; what it is answered is kept, and this run does not ask for it again",
                )
            if len(self._running) >= MOST_RUNS:
                raise InputError(
                    f"This server asks for {MOST_RUNS} visitors at a time, and all places are taken.",
                    remedy="try again in a few minutes; nothing is lost",
                )
            self._running[run.folder] = run
        threading.Thread(target=self._work, args=(run, connection, work), name="asking", daemon=True).start()

    def _work(self, run: CallRun, connection: Connection, work: Work) -> None:
        try:
            run.work(connection, work)
        finally:
            with self._lock:
                del self._running[run.folder]
            run.over.set()

    def of_folder(self, folder: Path) -> CallRun | None:
        """The run that writes a journal at this moment."""
        with self._lock:
            return self._running.get(folder)

    def of_visitor(self, visitor: str) -> CallRun | None:
        """The run that a visitor has under way."""
        with self._lock:
            return next((run for run in self._running.values() if run.visitor == visitor), None)


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """The server's."""
    return Runs()
