"""Style or substance: what sways each judge by families of properties, by its own criteria, and against measures of the models."""

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.substance import criteria, shares
from dissection.dashboard.substance_measures import measures
from dissection.errors import InputError

VIEWS = {"shares": "Shares", "criteria": "Criteria", "measures": "Measures"}
PARTS = {"shares": shares, "criteria": criteria, "measures": measures}

session.follow()
dataset = session.current()
show.page_head("Style or substance", "Does a judge go by what an answer says, or by how it says it?", dataset)
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
view = controls.choice("View", list(VIEWS), "styleview", VIEWS)
if view != "shares" and not dataset.has_pairs:
    st.info(
        "These weights came without their pairs: there are no verdicts to weigh criteria by and no models to rank. The shares need neither.",
        icon=":material/balance:",
    )
    st.stop()
try:
    PARTS[view](dataset)
except InputError as error:
    show.mistake(error)
