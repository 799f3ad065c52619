"""Compare: how judges differ, and how surely."""

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.compare import two_judges
from dissection.dashboard.compare_against import against_one
from dissection.dashboard.compare_series import series, strength_and_direction
from dissection.errors import InputError
from dissection.wording import count

VIEWS = {
    "two": "Two judges",
    "against": "All against one",
    "strength": "Strength and direction",
    "rounds": "Rounds",
}

session.follow()
dataset = session.current()
show.page_head("Compare", "How do judges differ, and can one believe it?", dataset)
if len(dataset.judges) < 2:
    st.info(
        f"This data has {count(len(dataset.judges), 'judge')}, and comparing needs two. Add another judge's labels on the Upload page.",
        icon=":material/upload_file:",
    )
    st.stop()
views = VIEWS if dataset.has_pairs else {"strength": VIEWS["strength"]}
if not dataset.has_pairs:
    st.caption("These weights came without their pairs: differences have no intervals here, so only strength and direction are shown.")
view = controls.choice("View", list(views), "compare", views)
parts = {"two": two_judges, "against": against_one, "strength": strength_and_direction, "rounds": series}
try:
    parts[view](dataset)
except InputError as error:
    show.limit(error)
