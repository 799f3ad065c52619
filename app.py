"""Preference Dissection: `streamlit run app.py` opens the demo, `streamlit run app.py -- FILE` a file of yours."""

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.errors import InputError

PAGES = (
    ("pages/overview.py", "Overview", ":material/home:"),
    ("pages/dissect.py", "Dissect", ":material/grid_on:"),
    ("pages/similarity.py", "Similarity", ":material/hub:"),
    ("pages/pairs.py", "Pairs", ":material/compare_arrows:"),
    ("pages/upload.py", "Upload", ":material/upload_file:"),
    ("pages/method.py", "Method", ":material/menu_book:"),
)

st.set_page_config(page_title="Preference Dissection", page_icon=":material/biotech:", layout="wide")
st.html(show.STYLE)
page = st.navigation([st.Page(path, title=title, icon=icon, default=path.endswith("overview.py")) for path, title, icon in PAGES])
controls.sidebar()
try:
    session.current()
except InputError as error:
    show.mistake(error)
    st.info("The file was not opened. Choose the demo under “Data”, or start again with another file.")
    st.stop()
page.run()
