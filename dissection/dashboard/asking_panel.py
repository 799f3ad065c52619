"""A visitor's run of calls in the sidebar of every page: how far it is, and a way to cancel it."""

import streamlit as st

from dissection.dashboard import analysis
from dissection.dashboard.asking_jobs import CallRun, runs
from dissection.figures.style import plain_markdown


def panel() -> None:
    """The run that goes on; draws itself anew each second, and the page once when the run is over."""
    if found := runs().of_visitor(analysis.visitor()):
        st.fragment(_live, run_every=1.0)(found)


def strip() -> None:
    """The same in one line above every page, for narrow screens, where the sidebar is folded away."""
    if found := runs().of_visitor(analysis.visitor()):
        with st.container(key="small-screens-only-asking"):
            st.fragment(_line, run_every=1.0)(found)


def _line(found: CallRun) -> None:
    if not found.running:
        st.rerun(scope="app")
    st.caption(f":material/hourglass: {plain_markdown(found.what)}: {how_far(found)}")


def _live(found: CallRun) -> None:
    if not found.running:
        st.rerun(scope="app")
    with st.container(border=True):
        st.markdown(f"**{plain_markdown(found.what)}** · {'being cancelled' if found.cancelled else 'running'}")
        st.caption(how_far(found))
        if not found.cancelled:
            st.button("Stop this run", icon=":material/cancel:", key="stop-asking", on_click=found.cancel)


def how_far(found: CallRun) -> str:
    """Calls that are over, failures, cost and the time left, in words."""
    step = found.progress
    if step is None:
        return "Nothing is answered yet."
    words = [f"{step.done:,} of {step.total:,} calls"]
    words += [f"{step.from_journal:,} from the journal"] if step.from_journal else []
    words += [f"{step.failed:,} failed"] if step.failed else []
    words += [f"cost so far {step.spent.money:,.4f}"] if step.spent.money is not None else []
    left = (
        "time left: not known before the first call is answered" if found.seconds_left is None else analysis.time_left(found.seconds_left)
    )
    return " · ".join([*words, left])
