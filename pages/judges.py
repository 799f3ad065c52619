"""Judges: models are asked for verdicts, grades, and for the answers themselves."""

import streamlit as st

from dissection import settings
from dissection.dashboard import controls, session, show
from dissection.dashboard.endpoint_form import endpoint_form
from dissection.dashboard.judges_online import online
from dissection.dashboard.judges_verdicts import grades, verdicts
from dissection.dashboard.limits import only_shown
from dissection.errors import InputError

VIEWS = {"verdicts": "Verdicts", "scores": "Scores", "online": "Online"}
PARTS = {"verdicts": verdicts, "scores": grades, "online": online}

session.follow()
dataset = session.current()
show.page_head("Judges", "What does a model say when it is asked to judge, and how far can it be steered?", dataset)
if "upload_error" in st.session_state:
    show.mistake(st.session_state.pop("upload_error"))
if settings.read_only():
    only_shown("ask a model to judge")
    st.stop()
view = controls.choice("What to ask", list(VIEWS), "ask", VIEWS)
connection = endpoint_form("model")
if connection is None:
    st.info(
        "Without an endpoint, the prompts and an estimate are shown below. Labels of a judge that was asked elsewhere can be joined on the Upload "
        "page, which has templates for them; docs/asking.md says how the command line asks.",
        icon=":material/power_off:",
    )
    st.page_link("pages/upload.py", label="Upload labels", icon=":material/upload_file:", query_params={"kind": "labels"})
try:
    PARTS[view](dataset, connection)
except InputError as error:
    show.limit(error)
