"""The list of pages, and the way into them."""

import streamlit as st
from streamlit.navigation.page import Page

from dissection.judges import DATA_FOLDER

_PAGES = (
    ("pages/overview.py", "Overview", ":material/home:"),
    ("pages/dissect.py", "Dissect", ":material/grid_on:"),
    ("pages/compare.py", "Compare", ":material/balance:"),
    ("pages/similarity.py", "Similarity", ":material/hub:"),
    ("pages/substance.py", "Style or substance", ":material/style:"),
    ("pages/manipulate.py", "Manipulate", ":material/tune:"),
    ("pages/scores.py", "Scores", ":material/target:"),
    ("pages/diagnostics.py", "Diagnostics", ":material/monitor_heart:"),
    ("pages/pairs.py", "Pairs", ":material/compare_arrows:"),
    ("pages/annotate.py", "Annotate", ":material/label:"),
    ("pages/judges.py", "Judges", ":material/gavel:"),
    ("pages/upload.py", "Upload", ":material/upload_file:"),
    ("pages/doctor.py", "Doctor", ":material/stethoscope:"),
    ("pages/export.py", "Export", ":material/ios_share:"),
    ("pages/community.py", "Community", ":material/groups:"),
    ("pages/method.py", "Method", ":material/menu_book:"),
)


def navigation() -> Page:
    """Declare the pages and return the one in view; called by `app.py` at each run."""
    st.session_state["entered"] = True
    pages = [st.Page(path, title=title, icon=icon, default=path == _PAGES[0][0]) for path, title, icon in _PAGES]
    # Else the last of more than twelve pages would hide behind “View more”.
    page = st.navigation(pages, expanded=True)
    st.session_state["page"] = page.title
    return page


def path_in_view() -> str:
    """The file of the page in view."""
    return next((path for path, title, _ in _PAGES if title == st.session_state.get("page")), _PAGES[0][0])


def through_app() -> None:
    """Make sure that a page runs inside `app.py`.

    Streamlit runs a file of a folder named `pages` on its own when its address is the first that a new server is asked for. Declaring the
    pages ends that for the whole server; the rerun then goes through `app.py`, at the same address.
    """
    if not st.session_state.get("entered"):
        # Where a page has no icon of its own yet, browsers would ask a host of Google's for that of the list of pages.
        st.set_page_config(page_icon=str(DATA_FOLDER / "icon.png"))
        navigation()
        st.rerun()
