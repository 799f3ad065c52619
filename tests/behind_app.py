"""Two pages for the tests in a browser: one begins long work, which writes into a file how it goes, the other does nothing."""

import sys
import time
from pathlib import Path

import streamlit as st

from dissection.dashboard import behind, tasks
from dissection.regression.fit import Progress

tasks.GONE_SECONDS = 1.5
tasks.LOOK_SECONDS = 0.2


def counting(report: Progress) -> str:
    """A minute of steps; the file says "working", and how it ended."""
    file = Path(sys.argv[1])
    file.write_text("working", encoding="utf-8")
    try:
        for step in range(600):
            report(step, 600)
            time.sleep(0.1)
    except Exception:
        file.write_text("given up", encoding="utf-8")
        raise
    file.write_text("done", encoding="utf-8")
    return "done"


def work() -> None:
    """The page that asks for it."""
    st.title("Work")
    st.text(f"found: {behind.result('place', 'key', 'Counting', counting)}")


def other() -> None:
    """A page that does not."""
    st.title("Other")


st.navigation([st.Page(work, title="Work", default=True), st.Page(other, title="Other")]).run()
