"""A fault of Streamlit (1.67) that shows under load, mended: parts of a page that draw themselves anew could swallow the page's last run."""

from typing import Any
from weakref import WeakKeyDictionary

from streamlit.runtime.app_session import AppSession

AGAIN_SECONDS = 0.05
_request_rerun = AppSession.request_rerun
# Session → fragment → the last that it asked by the clock, while the page is busy.
_waiting: WeakKeyDictionary[AppSession, dict[str, Any]] = WeakKeyDictionary()


def mend() -> None:
    """Let a fragment's run wait until what the last run of its page has to say is on its way to the browser.

    What a run says waits for the server's event loop. A request for a fragment that comes once the run is over, but not all that it said is
    passed on, starts a new runner, and Streamlit drops whatever the one before has still to say: the page stays as it was, and what draws itself
    anew stops. A fragment that asks by the clock waits too, as two with the same clock would otherwise always find each other's run; but what it
    says of the widgets is old as soon as the visitor does something, so that it is passed over then, and asks again in a moment.
    """
    AppSession.request_rerun = _patient  # type: ignore[method-assign, assignment]


def _patient(session: AppSession, client_state: Any) -> None:
    fragment = client_state.fragment_id if client_state is not None else ""
    by_the_clock = bool(fragment) and client_state.is_auto_rerun
    if not by_the_clock:
        _waiting.pop(session, None)
    busy = session._scriptrunner is not None  # until the last of its events is handled
    if not fragment or not busy:
        _request_rerun(session, client_state)
    elif not by_the_clock:
        session._event_loop.call_later(AGAIN_SECONDS, _patient, session, client_state)
    else:
        waiting = _waiting.setdefault(session, {})
        if fragment not in waiting:
            session._event_loop.call_later(AGAIN_SECONDS, _again, session, fragment)
        waiting[fragment] = client_state


def _again(session: AppSession, fragment: str) -> None:
    client_state = _waiting.get(session, {}).pop(fragment, None)
    if client_state is not None:
        _patient(session, client_state)
