"""Work of the Hub's client behind a page: in a thread of its own, asked how far it is, and given up at once when nobody waits for it."""

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from dissection.errors import InputError
from dissection.hub.client import Progress

State = Literal["running", "finished", "failed", "cancelled"]
Report = Callable[[Progress], None]
Result = TypeVar("Result")

# Seconds between two looks whether somebody still waits for work that has no turn yet.
_LOOK = 0.5
# Seconds over which the speed is taken: what was there from an earlier try counts as speed no longer than these.
_MARKS = 10
_log = logging.getLogger(__name__)


class _GivenUpError(Exception):
    """Nobody waits for the work any more."""


class Background(Generic[Result]):
    """Work that goes on while pages come and go. Threads may ask it anything at any time.

    The work itself, and whatever it was made from, such as a token, is held by its thread alone, and only as long as that runs. It is given
    up at its next progress when it is cancelled, and also when this object is dropped, as it is with the session that holds it.

    Args:
        work: told how to report; an exception that reporting raises ends it.
        turns: work that has to share them waits until one is free, and gives it back at its end.

    Attributes:
        state: "cancelled" from the moment of the request, even where the work still has to notice.
        waiting: for its turn; it is running all the same.
        progress: of the download; None before it begins.
        result: of finished work; None else.
        error: of failed work, without the traceback, in whose frames a token would be found; None else.
    """

    def __init__(self, work: Callable[[Report], Result], turns: threading.Semaphore | None = None) -> None:
        self.state: State = "running"
        self.waiting = False
        self.progress: Progress | None = None
        self.result: Result | None = None
        self.error: InputError | None = None
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS)
        self._over = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=_run, args=(weakref.ref(self), work, turns), name="hub", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it is neither finished nor failed nor cancelled."""
        return self.state == "running"

    @property
    def reading(self) -> bool:
        """Whether everything is downloaded and the rows are being read."""
        return self.running and self.progress is not None and self.progress.files_done == self.progress.files

    @property
    def seconds_left(self) -> float | None:
        """Of the download, at its speed of the last seconds; None while nothing comes."""
        step, marks = self.progress, list(self._marks)
        if step is None or not marks or step.bytes_done <= marks[0][1]:
            return None
        return (time.monotonic() - marks[0][0]) / (step.bytes_done - marks[0][1]) * (step.bytes - step.bytes_done)

    def cancel(self) -> None:
        """Give the work up; what it still finds is thrown away."""
        self._end("cancelled")

    def wait(self, seconds: float) -> None:
        """Until it is over, but no longer than this."""
        self._over.wait(seconds)

    def _note(self, step: Progress) -> None:
        if not self.running:
            raise _GivenUpError
        self.progress = step
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= 1:
            self._marks.append((now, step.bytes_done))

    def _end(self, state: State, result: Result | None = None, error: InputError | None = None) -> None:
        with self._lock:
            if self.running:
                self.result, self.error, self.state = result, error, state
                self._over.set()


def _run(held: "weakref.ref[Background[Result]]", work: Callable[[Report], Result], turns: threading.Semaphore | None) -> None:
    if turns is None:
        _work(held, work)
        return
    while not turns.acquire(timeout=_LOOK):
        if not _still_wanted(held, waiting=True):
            return
    try:
        if _still_wanted(held, waiting=False):
            _work(held, work)
    finally:
        turns.release()


def _still_wanted(held: "weakref.ref[Background[Result]]", *, waiting: bool) -> bool:
    """Whether somebody waits for the work; they are told whether it has its turn."""
    wanted = held()
    if wanted is None or not wanted.running:
        return False
    wanted.waiting = waiting
    return True


def _work(held: "weakref.ref[Background[Result]]", work: Callable[[Report], Result]) -> None:
    def report(step: Progress) -> None:
        waiting = held()
        if waiting is None:
            raise _GivenUpError
        waiting._note(step)

    result, error = None, None
    try:
        result = work(report)
    except _GivenUpError:
        return
    except InputError as caught:
        error = caught
        error.__traceback__ = error.__context__ = error.__cause__ = None
    except Exception as caught:  # noqa: BLE001 - a thread has nobody to raise it to
        _log.error("Work for the Hub failed: %s", type(caught).__name__)
        error = InputError(f"It failed here with {type(caught).__name__}.", remedy="try again; if it fails again, report it")
    if waiting := held():
        waiting._end("failed" if error else "finished", result, error)
