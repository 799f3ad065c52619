"""Similarity: which judges are alike, how surely, and what they have in common."""

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.likeness import asked, groups, how_sure
from dissection.dashboard.likeness_matrix import matrix_and_tree
from dissection.errors import InputError
from dissection.wording import count

VIEWS = {"matrix": "Matrix and tree", "sure": "How sure", "groups": "Groups"}

dataset = session.current()
show.page_head("Similarity", "Which judges want the same?", dataset)
if len(dataset.judges) < 2:
    st.info(
        f"This data has {count(len(dataset.judges), 'judge')}, and similarity needs two. Add another judge's labels on the Upload page.",
        icon=":material/upload_file:",
    )
    st.stop()
view = controls.choice("View", list(VIEWS), "simview", VIEWS)
choice = asked(dataset)
try:
    {"matrix": matrix_and_tree, "sure": how_sure, "groups": groups}[view](dataset, choice)
except InputError as error:
    show.limit(error)
