"""Who visits the server, which data each of them has, and the end of a visit, with which everything of theirs goes."""

import gc
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dissection import logs, settings
from dissection.dashboard import analysis
from dissection.dashboard.kept import kept
from dissection.errors import InputError

LOOK_SECONDS = 10.0
LOOKS_A_COLLECTION = 3  # each stops all pages for up to a quarter of a second


class State(Protocol):
    """What is needed of a session's state."""

    @property
    def filtered_state(self) -> dict[str, object]:
        """By key."""

    def __delitem__(self, key: str) -> None: ...


class _Visit:
    """A tab: its state, when it was last seen and used, the data it has, by their hash, and the bytes that these take."""

    def __init__(self, now: float) -> None:
        self.state: State | None = None
        self.seen = self.used = now
        self.data: set[str] = set()
        self.size = 0


class Visits:
    """The tabs that are open, or were a moment ago.

    Args:
        memory: bytes that the data of all visitors together may take.
        idle_seconds: after which the data of a tab that nobody uses are cleared.
        gone_seconds: after which a tab without a connection won't come back.
        ended: called with the hash of data that no tab has any more.
    """

    def __init__(self, memory: int, idle_seconds: float, gone_seconds: float, ended: Callable[[str], None]) -> None:
        self.memory = memory
        self._idle_seconds, self._gone_seconds = idle_seconds, gone_seconds
        self._ended = ended
        self._visits: dict[str, _Visit] = {}
        self._everybodys: set[str] = set()
        self._cleared: set[str] = set()
        self._lock = threading.RLock()

    def arrive(self, session: str, state: State | None) -> bool:
        """A page is drawn; whether what its visitor had has been cleared since the last time."""
        with self._lock:
            now = time.monotonic()
            visit = self._visits.setdefault(session, _Visit(now))
            visit.state, visit.seen, visit.used = state, now, now
            cleared = session in self._cleared
            self._cleared.discard(session)
            return cleared

    def show_everybody(self, content_hash: str) -> None:
        """The server's own data, which all visitors have."""
        self._everybodys.add(content_hash)

    def has(self, session: str, content_hash: str, size: int) -> None:
        """A visitor looks at data.

        Args:
            session: of the visitor.
            content_hash: of the data.
            size: in bytes, of all that is held for this visitor.
        """
        with self._lock:
            visit = self._visits.setdefault(session, _Visit(time.monotonic()))
            visit.data.add(content_hash)
            visit.size = size

    def check_room(self, session: str, size: int, more: int) -> None:
        """Whether a visitor may bring something.

        Args:
            session: of the visitor.
            size: in bytes, of all that is held for this visitor already.
            more: in bytes, of what is to come.

        Raises:
            InputError: there is no room for that much.
        """
        with self._lock:
            left = max(self.memory - size - sum(visit.size for name, visit in self._visits.items() if name != session), 0)
        if more > left:
            raise InputError(
                f"These data take {_megabytes(more)} of memory, and this server has {_megabytes(left)} left for what visitors bring.",
                accepted=f"{_megabytes(self.memory)} for all visitors together",
                remedy="bring fewer pairs, remove what you brought before, come back later, or run the app on your own machine",
            )

    def has_visitors(self, content_hash: str) -> bool:
        """Whether anybody has the data."""
        with self._lock:
            return content_hash in self._everybodys or any(content_hash in visit.data for visit in self._visits.values())

    def look(self, is_open: Callable[[str], bool]) -> None:
        """End the visits of tabs that have gone, and clear those that nobody uses."""
        with self._lock:
            now, ended = time.monotonic(), []
            for session, visit in list(self._visits.items()):
                if is_open(session):
                    visit.seen = now
                gone = now - visit.seen > self._gone_seconds
                if gone:
                    del self._visits[session]
                    self._cleared.discard(session)
                elif now - visit.used > self._idle_seconds and visit.data:
                    self._cleared.add(session)
                else:
                    continue
                ended += list(visit.data)
                visit.data, visit.size = set(), 0
                _clear(session, visit.state)
            self._end_of(ended)

    def _end_of(self, hashes: list[str]) -> None:
        for content_hash in dict.fromkeys(hashes):
            if not self.has_visitors(content_hash):
                self._ended(content_hash)


def _clear(session: str, state: State | None) -> None:
    """Streamlit itself forgets a session some time after its end, when another one comes."""
    if state is not None:
        for key in list(state.filtered_state):
            try:
                del state[key]
            except KeyError:  # a widget's value, gone with another
                continue
    if runtime.exists():
        server = runtime.get_instance()
        server.uploaded_file_mgr.remove_session_files(session)
        server.media_file_mgr.clear_session_refs(session)
        server.media_file_mgr.remove_orphaned_files()


def _megabytes(size: int) -> str:
    return f"{max(size / 1e6, 0.1):,.0f} MB" if size >= 1e6 else f"{size / 1e6:.1f} MB"


def is_open(session: str) -> bool:
    """Whether a tab is connected."""
    try:
        return bool(runtime.get_instance().is_active_session(session))
    except RuntimeError:  # no server, as in a test without a browser
        return False


def session() -> str:
    """Streamlit's name of the session whose page is drawn; empty where none is."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def arrive() -> bool:
    """A page is drawn; whether what its visitor had has been cleared since the last time."""
    context = get_script_run_ctx()
    return visits().arrive(context.session_id, context.session_state) if context else False


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """The server's, with a thread that looks after them."""
    results = kept()

    def ended(content_hash: str) -> None:
        dropped = results.drop(content_hash)
        logs.event("data ended", data=content_hash[:12], results=dropped)
        if settings.hosted():
            analysis.forget(content_hash)

    returns = float(st.get_option("server.disconnectedSessionTTL"))  # seconds for which Streamlit keeps a tab that lost its connection
    pause = min(LOOK_SECONDS, returns)
    found = Visits(settings.MEMORY_MB.read() * 500_000, settings.IDLE_MINUTES.read() * 60.0, returns + pause, ended)

    def watch() -> None:
        for look in itertools.count(1):
            time.sleep(pause)
            if not runtime.exists():
                continue
            try:
                found.look(is_open)
                results.drop_orphans(found.has_visitors)
                if look % LOOKS_A_COLLECTION == 0:
                    gc.collect()
            except Exception as error:  # noqa: BLE001 - without this thread nothing would be cleared any more
                logs.event("clearing up failed", logging.ERROR, **logs.facts_of(error))

    threading.Thread(target=watch, daemon=True, name="visits").start()
    return found
