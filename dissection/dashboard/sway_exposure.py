"""Part of the page "Manipulate": how exposed judges are to style alone."""

import streamlit as st

from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dashboard.substance import by_text, texts_first, with_text_properties
from dissection.dataset import PairDataset
from dissection.figures.style import judge_colours
from dissection.figures.sway import exposure_chart
from dissection.figures.sway_sentences import COLUMNS, EXPOSURE_METHOD, exposure_reading
from dissection.properties import Family
from dissection.sway.exposure import exposure


def exposed(dataset: PairDataset) -> None:
    """All judges, the most exposed first, with intervals."""
    first, second = st.columns(2)
    with first:
        group = controls.group(dataset)
    with second:
        judges = controls.some_judges(dataset, "judges")
    # The same choice as on the page "Style or substance".
    text = by_text(dataset, "shareprops", first=texts_first(dataset))
    given = {} if text else _given(dataset)
    model = session.model()
    found = behind.result(
        "exposure",
        (dataset.content_hash, group, judges, text, tuple(given), model),
        "Restyling answers",
        lambda _: exposure(with_text_properties(dataset) if text else dataset, model, group.name, given, judges),
    )
    if found is None:
        return
    show.chart(
        exposure_chart(found, judge_colours(dataset.judge_names), dataset.own_judges),
        found.round(3),
        f"Exposure {group.name}",
        exposure_reading(found, group.label),
        width="narrow",
        key="sway-exposure",
        columns=COLUMNS,
    )
    with st.expander("How this is computed", icon=":material/functions:"):
        st.markdown(EXPOSURE_METHOD)


def _given(dataset: PairDataset) -> dict[str, Family]:
    """Properties that the catalogue does not know and the visitor counts as style; as on the page "Style or substance"."""
    others = [property_.name for property_ in dataset.properties if property_.family == "other"]
    if not others:
        return {}
    chosen = st.multiselect("Count as style", others, placeholder="properties that are in no family yet", **keep("as-style", others, []))
    return dict.fromkeys(chosen, "style")
