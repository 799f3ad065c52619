"""A fault of Streamlit (1.67) that shows under load, mended: parts of a page that draw themselves anew could swallow the page's last run."""

from typing import Any

from streamlit.runtime.app_session import AppSession

AGAIN_SECONDS = 0.05
_request_rerun = AppSession.request_rerun


def mend() -> None:
    """Let a fragment's run wait until what the last run of its page has to say is on its way to the browser.

    What a run says waits for the server's event loop. A request for a fragment that comes once the run is over, but not all that it said is
    passed on, starts a new runner, and Streamlit drops whatever the one before has still to say: the page stays as it was, and what draws itself
    anew stops. A fragment that asks by the clock is passed over while the page is busy, as it asks again in a moment.
    """
    AppSession.request_rerun = _patient  # type: ignore[method-assign, assignment]


def _patient(session: AppSession, client_state: Any) -> None:
    busy = session._scriptrunner is not None  # until the last of its events is handled
    if busy and client_state is not None and client_state.fragment_id:
        if not client_state.is_auto_rerun:
            session._event_loop.call_later(AGAIN_SECONDS, _patient, session, client_state)
        return
    _request_rerun(session, client_state)
