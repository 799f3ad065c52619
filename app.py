"""Preference Dissection: `streamlit run app.py` opens the demo, `streamlit run app.py -- FILE` a file of yours."""

import streamlit as st

from dissection.dashboard import analysis, asking_panel, controls, entry, session, show, visits
from dissection.dashboard.tasks import tasks
from dissection.errors import InputError
from dissection.judges import DATA_FOLDER

st.set_page_config(page_title="Preference Dissection", page_icon=str(DATA_FOLDER / "icon.png"), layout="wide")
st.html(show.STYLE)
page = entry.navigation()
try:
    cleared = visits.arrive()
    analysis.store()
except InputError as error:  # the server is set up wrongly
    show.mistake(error)
    st.stop()
if cleared:
    st.info(
        "This page was not used for a long time, so what you brought to it was cleared from this server. Upload it again to go on.",
        icon=":material/hourglass_disabled:",
    )
controls.sidebar()
try:
    session.current()
except InputError as error:
    show.mistake(error)
    st.info("The file was not opened. Choose the demo under “Data”, or start again with another file.")
    st.stop()
analysis.strip()
asking_panel.strip()
with tasks().drawing.page():
    page.run()
