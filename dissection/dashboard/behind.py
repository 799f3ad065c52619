"""Work of seconds to minutes behind a page: in a thread, with progress and a way to cancel, its result kept for all who ask the same."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

from dissection.dashboard import analysis, show
from dissection.errors import InputError

KEPT_RESULTS = 48
WAITED_SECONDS = 1.2  # most contrasts are done by then, and no progress flashes up
Result = TypeVar("Result")
Report = Callable[[int, int], None]
Work = Callable[[Report], Result]
_log = logging.getLogger(__name__)


class _CancelledError(Exception):
    """Nobody waits for the work any more."""


class _Results:
    """The last results of all visitors. Keys hold the hash of the data, so only who has the same data asks the same."""

    def __init__(self) -> None:
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: Hashable, result: Any) -> None:
        with self._lock:
            self._held[key] = result
            while len(self._held) > KEPT_RESULTS:
                self._held.popitem(last=False)

    def get(self, key: Hashable) -> Any:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)


@st.cache_resource(show_spinner=False)
def _results() -> _Results:
    return _Results()


class _Task:
    """Work in a thread of its own, for one key."""

    def __init__(self, key: Hashable, work: Work[Any]) -> None:
        self.key = key
        self.progress = (0, 1)
        self.error: InputError | None = None
        self.cancelled = False
        self.over = threading.Event()
        self._started = time.monotonic()
        threading.Thread(target=self._run, args=(work, _results()), daemon=True, name="behind").start()

    def _report(self, done: int, total: int) -> None:
        if self.cancelled:
            raise _CancelledError
        self.progress = (done, max(total, 1))

    def _run(self, work: Work[Any], results: _Results) -> None:
        try:
            results.put(self.key, work(self._report))
        except _CancelledError:
            pass
        except InputError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
            _log.error("Work behind a page failed: %s", type(error).__name__)
            self.error = InputError(f"It failed here with {type(error).__name__}.", remedy="try again; if it fails again, report it")
        finally:
            self.over.set()

    @property
    def seconds_left(self) -> float | None:
        done, total = self.progress
        return (time.monotonic() - self._started) / done * (total - done) if done else None


def result(place: str, key: Hashable, what: str, work: Work[Result]) -> Result | None:
    """The result of some work; None while it goes on, which is shown, or where it failed or was cancelled, which is said.

    Args:
        place: on the page; work that was begun there for another key is given up.
        key: everything that the result hangs on, with the hash of the data.
        what: in words, for the progress bar.
        work: called with a function that takes (steps done, steps in all), which it calls now and then.
    """
    whole = (place, key)
    held: Result | None = _results().get(whole)
    if held is not None:
        return held
    tasks: dict[str, _Task] = st.session_state.setdefault("behind", {})
    task = tasks.get(place)
    if task is None or task.key != whole:
        if task is not None:
            task.cancelled = True
        task = tasks[place] = _Task(whole, work)
        with st.spinner(f"{what} …"):
            task.over.wait(WAITED_SECONDS)
    if task.error is not None:
        show.limit(task.error)
    elif task.cancelled:
        st.caption(f"{what}: cancelled.")
        st.button("Start again", key=f"again-{place}", icon=":material/refresh:", on_click=_forget, args=(place,))
    elif task.over.is_set():
        found: Result | None = _results().get(whole)
        if found is None:  # others' results have pushed it out since
            _forget(place)
            st.rerun()
        return found
    else:
        st.fragment(_progress, run_every=0.5)(place, what)
    return None


def _forget(place: str) -> None:
    st.session_state["behind"].pop(place, None)


def _cancel(place: str) -> None:
    st.session_state["behind"][place].cancelled = True


def _progress(place: str, what: str) -> None:
    task: _Task | None = st.session_state.get("behind", {}).get(place)
    if task is None or task.over.is_set() or task.cancelled:
        st.rerun(scope="app")
    done, total = task.progress
    left = task.seconds_left
    st.progress(min(done / total, 1.0), f"{what} …" + ("" if left is None else f" {analysis.time_left(left)}"))
    st.button("Cancel", key=f"cancel-{place}", icon=":material/cancel:", on_click=_cancel, args=(place,))
