"""Annotate: properties of answers, asked of a model, and how far they can be trusted."""

import streamlit as st

from dissection import settings
from dissection.dashboard import controls, session, show
from dissection.dashboard.annotate_form import ask_model
from dissection.dashboard.annotate_result import show_opened, trust_of
from dissection.dashboard.endpoint_form import endpoint_form
from dissection.dashboard.limits import only_shown, visitors_rows
from dissection.errors import InputError

VIEWS = {"ask": "Annotate", "trust": "Trust"}

session.follow()
dataset = session.current()
show.page_head("Annotate", "What do these answers differ in, when a model reads every pair, and can one believe it?", dataset)
if "upload_error" in st.session_state:
    show.mistake(st.session_state.pop("upload_error"))
if not dataset.has_pairs:
    st.info("Published weights come without their pairs, so there is nothing to annotate. Choose other data in the sidebar.")
    st.stop()
if settings.read_only():
    only_shown("let a model annotate pairs, or compare two annotations")
    st.stop()
view = controls.choice("View", list(VIEWS), "annotateview", VIEWS)
try:
    if view == "trust":
        with visitors_rows():
            trust_of(dataset)
    elif not dataset.has_texts:
        st.info(
            "These pairs have no texts, so a model has nothing to read. The view Trust compares annotations that they have with a second file.",
            icon=":material/notes:",
        )
    else:
        show_opened()
        connection = endpoint_form("model")
        if connection is None:
            st.info(
                "Without an endpoint, the prompts and an estimate are shown below. Properties computed from the texts need none; annotations made "
                "elsewhere can be uploaded in the native form; and the view Trust compares two annotations of the same pairs.",
                icon=":material/power_off:",
            )
            st.page_link("pages/upload.py", label="Upload annotated pairs", icon=":material/upload_file:", query_params={"kind": "dataset"})
        ask_model(dataset, connection)
except InputError as error:
    show.limit(error)
