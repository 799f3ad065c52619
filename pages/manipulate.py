"""Manipulate: what sways a judge, how far, by which prompt, and whether it does."""

import streamlit as st

from dissection import settings
from dissection.dashboard import controls, session, show
from dissection.dashboard.limits import only_shown
from dissection.dashboard.sway import predicted, prompt
from dissection.dashboard.sway_exposure import exposed
from dissection.dashboard.sway_test import put_to_the_test
from dissection.errors import InputError

VIEWS = {"predicted": "Predicted", "prompt": "Prompt", "test": "Test", "exposure": "Exposure"}
PARTS = {"predicted": predicted, "prompt": prompt, "test": put_to_the_test, "exposure": exposed}

session.follow()
dataset = session.current()
show.page_head("Manipulate", "What sways a judge?", dataset)
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
if not dataset.properties:
    st.info("This data has no properties, so nothing says what could be changed.", icon=":material/category:")
    st.stop()
view = controls.choice("View", list(VIEWS), "swayview", VIEWS)
if view == "test" and settings.read_only():
    only_shown("put a prediction to the test")
    st.stop()
try:
    PARTS[view](dataset)
except InputError as error:
    show.limit(error)
