"""Work of seconds to minutes behind a page, with progress and a way to cancel; other pages may be read in the meantime."""

from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st

from dissection.dashboard import analysis, show, visits
from dissection.dashboard.tasks import Task, tasks
from dissection.regression.fit import Progress

WAITED_SECONDS = 0.5  # most contrasts are done by then, and no progress flashes up
LOOKED_SECONDS = 1.0  # between two looks at how far it is; each is a run of a part of the page
Result = TypeVar("Result")
Asked = tuple[str, *tuple[Hashable, ...]]


def result(place: str, key: Asked, what: str, work: Callable[[Progress], Result]) -> Result | None:
    """The result of some work; None while it goes on, which is shown, or where it failed or was cancelled, which is said.

    The work goes on while the visitor looks at another page, and ends a minute after the last one who asked for it has closed the tab.

    Args:
        place: on the page; work that was begun there for another key is given up.
        key: the hash of the data, then everything else that the result hangs on.
        what: in words, for the progress bar.
        work: called with a function that takes (steps done, steps in all), which it calls now and then: only then can it be ended, or
            others that wait have a turn.
    """
    whole = (key[0], (place, *key[1:]))
    held: Result | None = tasks().result(whole)
    if held is not None:
        return held
    own: dict[str, Task] = st.session_state.setdefault("behind", {})
    task = own.get(place)
    if task is None or task.key != whole:
        if task is not None:
            tasks().cancel(task, analysis.visitor())
        task = own[place] = tasks().join(whole, work, analysis.visitor(), visits.session())
        with st.spinner(f"{what} …"), tasks().drawing.pause():
            # What has to wait for its turn is seldom done soon.
            task.over.wait(WAITED_SECONDS / 5 if tasks().turns.tasks > tasks().turns.places else WAITED_SECONDS)
    if task.error is not None:
        show.limit(task.error)
        if task.broken:
            _start_again(place)
    elif not task.is_wanted_by(analysis.visitor()):
        st.caption(f"{what}: cancelled.")
        _start_again(place)
    elif task.over.is_set():
        found: Result | None = tasks().result(whole)
        if found is None:  # others' results have pushed it out since, or it was given up while the connection was lost
            _forget(place)
            st.rerun()
        return found
    else:
        st.fragment(_progress, run_every=LOOKED_SECONDS)(place, what)
    return None


def _start_again(place: str) -> None:
    st.button("Start again", key=f"again-{place}", icon=":material/refresh:", on_click=_forget, args=(place,))


def _forget(place: str) -> None:
    st.session_state["behind"].pop(place, None)


def _cancel(place: str) -> None:
    tasks().cancel(st.session_state["behind"][place], analysis.visitor())


def _progress(place: str, what: str) -> None:
    task: Task | None = st.session_state.get("behind", {}).get(place)
    if task is None or task.over.is_set() or not task.is_wanted_by(analysis.visitor()):
        st.rerun(scope="app")
    done, total = task.progress
    st.progress(min(done / total, 1.0), f"{what} …{_how_long(task)}")
    st.button("Cancel", key=f"cancel-{place}", icon=":material/cancel:", on_click=_cancel, args=(place,))


def _how_long(task: Task) -> str:
    """The time left, and whether others' work takes a part of it."""
    left, line = task.seconds_left, tasks().turns
    words = "" if left is None else f" {analysis.time_left(left)}"
    return words + (f" · {line.tasks} tasks take turns on this server, {line.places} at a time" if line.tasks > line.places else "")
