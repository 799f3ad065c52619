"""Work for pages in threads of the server: shared by those who ask the same, a few at a time in turns, given up when everybody has gone."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import streamlit as st

from dissection.dashboard.kept import Kept, kept
from dissection.dashboard.visits import is_open
from dissection.errors import InputError
from dissection.regression.fit import Progress
from dissection.settings import cores

# Tasks that compute at the same time. They hold Python's lock for much of it, and pages wait for it.
PLACES = max(cores() - 1, 1)
TURN_SECONDS = 2.0  # after which a task lets the next one in, so that short work does not wait for long work
# While pages are drawn, work gives way for so many times as long as its last step took, within bounds: it has a quarter of the time then.
WAYS, LEAST_WAY, MOST_WAY = 3.0, 0.2, 3.0
WAY_SECONDS = 0.005  # after which it looks whether it still has to
GONE_SECONDS = 60.0  # without a visitor, after which work is given up; a page that lost its connection is back by then
LOOK_SECONDS = 1.0
Work = Callable[[Progress], Any]
Key = tuple[str, Hashable]  # hash of the data, and what is asked of them
_log = logging.getLogger(__name__)


class _GivenUpError(Exception):
    """Nobody waits for the work any more."""


class Task:
    """Work in a thread of its own.

    Attributes:
        key: of what is asked; who has the same key asks the same.
        progress: (steps done, steps in all).
        error: of failed work, without the traceback, in whose frames the data would be kept; None else.
        broken: whether that was a fault of the work, and not something that the data don't allow.
        over: set when the thread is done.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.progress = (0, 1)
        self.error: InputError | None = None
        self.broken = False
        self.over = threading.Event()
        self.turn_began = 0.0
        self._began: float | None = None
        self._visitors: dict[str, str] = {}  # visitor → Streamlit's name of the session
        self._looked = self._wanted = time.monotonic()

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None before the first step is done."""
        done, total = self.progress
        return (time.monotonic() - self._began) / done * (total - done) if done and self._began is not None else None

    def want(self, visitor: str, session: str) -> None:
        """A visitor's page asks for it."""
        self._visitors[visitor] = session
        self._wanted = time.monotonic()

    def cancel(self, visitor: str) -> bool:
        """A visitor wants it no more; whether nobody does."""
        self._visitors.pop(visitor, None)
        return not self._visitors

    def is_wanted_by(self, visitor: str) -> bool:
        """Whether this visitor has asked for it and not cancelled it."""
        return visitor in self._visitors

    def check(self) -> None:
        """Whether to go on.

        Raises:
            _GivenUpError: all visitors have cancelled it, or closed their tabs a while ago. Another page of the same tab is no reason.
        """
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            if any(is_open(session) for session in list(self._visitors.values())):
                self._wanted = now
        if not self._visitors or now - self._wanted > GONE_SECONDS:
            raise _GivenUpError

    def begin_turn(self) -> None:
        """It computes from now on."""
        self.turn_began = time.monotonic()
        self._began = self.turn_began if self._began is None else self._began


class Turns:
    """Who computes: at most `places` tasks at the same time. The others wait in the order in which they came or had their last turn."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._line: list[Task] = []  # the first `places` compute
        self._moved = threading.Condition()

    @property
    def tasks(self) -> int:
        """How many compute or wait."""
        return len(self._line)

    def take(self, task: Task) -> None:
        """Join the end of the line and wait for a place.

        Raises:
            _GivenUpError: see `Task.check`.
        """
        with self._moved:
            self._line.append(task)
            while self._line.index(task) >= self.places:
                task.check()
                self._moved.wait(LOOK_SECONDS)
        task.begin_turn()

    def leave(self, task: Task) -> None:
        """Make room, from any place in the line."""
        with self._moved:
            if task in self._line:
                self._line.remove(task)
                self._moved.notify_all()

    def pass_on(self, task: Task) -> None:
        """Let another in, where one waits and the task has had its turn; back at its next turn."""
        if time.monotonic() - task.turn_began >= TURN_SECONDS and self.tasks > self.places:
            self.leave(task)
            self.take(task)


class Drawing:
    """How many pages are being drawn, which work behind pages gives way to: both need Python's lock, and a page is waited for."""

    def __init__(self) -> None:
        self._pages = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def page(self) -> Iterator[None]:
        """A page is drawn within."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """The page waits within, perhaps for the very work that gives way to it."""
        self._add(-1)
        try:
            yield
        finally:
            self._add(1)

    def give_way(self, worked: float = 0.0) -> None:
        """Wait until no page is being drawn, but not for long.

        Args:
            worked: seconds of work since the last time.
        """
        end = time.monotonic() + min(max(WAYS * worked, LEAST_WAY), MOST_WAY)
        while self._pages > 0 and time.monotonic() < end:
            time.sleep(WAY_SECONDS)

    def _add(self, pages: int) -> None:
        with self._lock:
            self._pages += pages


class Tasks:
    """The server's tasks.

    Args:
        results: where what they find is kept.
        places: how many compute at the same time.
    """

    def __init__(self, results: Kept, places: int = PLACES) -> None:
        self.turns = Turns(places)
        self.drawing = Drawing()
        self._kept = results
        self._running: dict[Key, Task] = {}
        self._lock = threading.Lock()

    def result(self, key: Key) -> Any:
        """What was found for a key; None where nothing is kept."""
        found = self._kept.get(*key)
        return None if found is None else found[0]

    def join(self, key: Key, work: Work, visitor: str, session: str) -> Task:
        """The task under way for this key, or a new one that does the work."""
        with self._lock:
            held = self._running.get(key)
            task = held or self._running.setdefault(key, Task(key))
            task.want(visitor, session)
        if held is None:
            threading.Thread(target=self._run, args=(task, work), daemon=True, name="behind").start()
        return task

    def cancel(self, task: Task, visitor: str) -> None:
        """A visitor wants a task no more; it ends at its next progress if nobody else does."""
        with self._lock:
            if task.cancel(visitor) and self._running.get(task.key) is task:
                del self._running[task.key]

    def _run(self, task: Task, work: Work) -> None:
        step_began = 0.0

        def report(done: int, total: int) -> None:
            nonlocal step_began
            worked = time.monotonic() - step_began
            task.check()
            task.progress = (done, max(total, 1))
            self.turns.pass_on(task)
            self.drawing.give_way(worked)
            step_began = time.monotonic()

        try:
            self.turns.take(task)
            step_began = time.monotonic()
            self._kept.put(*task.key, work(report))
        except _GivenUpError:
            pass
        except InputError as error:
            error.__traceback__ = error.__context__ = error.__cause__ = None
            task.error = error
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
            _log.error("Work behind a page failed: %s", type(error).__name__)
            task.broken = True
            task.error = InputError(f"It failed here with {type(error).__name__}.", remedy="try again; if it fails again, report it")
        finally:
            self.turns.leave(task)
            with self._lock:
                if self._running.get(task.key) is task:
                    del self._running[task.key]
            task.over.set()


@st.cache_resource(show_spinner=False)
def tasks() -> Tasks:
    """The server's."""
    return Tasks(kept())
