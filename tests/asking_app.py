"""A page with nothing but the form of an endpoint and a run of calls; the tests of these, and a process that is killed, open it."""

import os
import sys
from typing import Any

from streamlit.testing.v1 import AppTest


def page(pairs: int, study: str) -> None:
    """Verdicts on `pairs` pairs, in both orders."""
    import streamlit as st

    from dissection.asking.verdicts import verdict_calls
    from dissection.dashboard import asking_panel
    from dissection.dashboard.asking_calls import Asking, Calls
    from dissection.dashboard.asking_run import offer
    from dissection.dashboard.endpoint_form import endpoint_form
    from dissection.endpoint.run import run
    from tests.asking_tools import marked

    with st.sidebar:
        asking_panel.panel()
    connection = endpoint_form("here")
    st.session_state["connection"] = connection
    if connection is not None:
        every = st.session_state.setdefault("every", verdict_calls(marked(pairs)))
        st.session_state["result"] = offer(
            Asking("calls", study, f"Verdicts on {pairs} pairs", Calls(pairs, every[:10], every)),
            connection,
            lambda client, journal, limits, progress, cancelled: run(
                every, client, connection.endpoint, journal, limits, progress=progress, cancelled=cancelled
            ),
        )


def opened(url: str, pairs: int = 30, study: str = "verdicts", key: str = "", **fields: Any) -> AppTest:
    """The page of a new session, with the form filled in."""
    at = AppTest.from_function(page, default_timeout=60, kwargs={"pairs": pairs, "study": study})
    at.run()
    at.text_input(key="address-here").set_value(url)
    at.text_input(key="model-here").set_value("m")
    at.text_input(key="key-here").set_value(key)
    for name, value in fields.items():
        at.number_input(key=f"{name.replace('_', '-')}-here").set_value(value)
    at.run()
    assert not at.exception, [exception.message for exception in at.exception]
    return at


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def everything(at: AppTest) -> str:
    """All that the page sends to a browser, but for the widgets that the visitor filled in."""
    kept = [repr(element.proto) for element in at if element.type not in ("text_input",) and hasattr(element, "proto")]
    return "\n".join([*kept, repr(at.query_params)])


if __name__ == "__main__":
    # A server that is killed in the middle of a run.
    os.environ["DISSECTION_PRIVATE_ENDPOINTS"] = "1"
    at = opened(sys.argv[1], key=sys.argv[2])
    at.button(key="start-calls").click().run()
    at.session_state["asking-run-calls"].over.wait(60)
