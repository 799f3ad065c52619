"""Dissect: heatmaps and dot plots of what judges want."""

import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dataset import Group, PairDataset
from dissection.figures.effects import PROPERTY_ORDERS, dot_plot, heatmap, order_judges, order_properties, percent_frame
from dissection.figures.sentences import dots_reading, heatmap_reading

VIEWS = {"judges": "Judges × properties", "scenarios": "One judge, all scenarios", "dots": "Judges side by side"}
TABLE_COLUMNS = ["judge", "group", "property", "percent", "percent_low", "percent_high", "direction", "n", "differs", "status"]


def open_pairs(points: list[dict], dataset: PairDataset) -> None:
    if not points or not dataset.has_pairs:
        return
    judge, group, property_ = points[0]["customdata"][:3]
    st.switch_page("pages/pairs.py", query_params={"data": session.current_key(), "judge": judge, "group": group, "property": property_})


def judges_by_properties(dataset: PairDataset, group: Group, sort: str) -> None:
    judges = controls.some_judges(dataset, "judges")
    frame = percent_frame(session.posteriors(dataset, (group,), judges))
    columns = order_properties(frame, dataset.properties, sort)
    figure = heatmap(
        frame,
        order_judges(frame, "cluster"),
        columns,
        row_field="judge",
        column_field="property",
        families=dataset.properties if sort == "family" else (),
    )
    name = f"Judges by properties {group.name}"
    open_pairs(show.chart(figure, frame[TABLE_COLUMNS], name, heatmap_reading(frame, group.label), clickable=True), dataset)


def properties_by_scenarios(dataset: PairDataset, sort: str) -> None:
    judge = controls.one_judge(dataset)
    frame = percent_frame(session.posteriors(dataset, dataset.groups, (judge,)))
    rows = order_properties(frame, dataset.properties, sort)
    figure = heatmap(
        frame,
        rows,
        [group.name for group in dataset.groups],
        row_field="property",
        column_field="group",
        families=dataset.properties if sort == "family" else (),
    )
    open_pairs(show.chart(figure, frame[TABLE_COLUMNS], f"{judge} by scenario", heatmap_reading(frame, judge), clickable=True), dataset)


def side_by_side(dataset: PairDataset, group: Group, sort: str) -> None:
    judges = controls.some_judges(dataset, "beside", default=dataset.judge_names[:3])[:6]
    frame = percent_frame(session.posteriors(dataset, (group,), judges))
    figure = dot_plot(frame, order_properties(frame, dataset.properties, sort), judges, dataset.judge_names)
    points = show.chart(
        figure, frame[TABLE_COLUMNS], f"Judges side by side {group.name}", dots_reading(frame, group.label), clickable=True, width="narrow"
    )
    open_pairs(points, dataset)


dataset = session.current()
show.page_head("Dissect", "Which properties of an answer make each judge prefer it?", dataset)
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
view = controls.choice("View", list(VIEWS), "view", VIEWS)
left, right = st.columns([2, 2])
with left:
    chosen = controls.group(dataset) if view != "scenarios" else None
with right:
    order = controls.choice("Sort properties by", PROPERTY_ORDERS, "sort")
if view == "scenarios":
    properties_by_scenarios(dataset, order)
elif chosen and view == "dots":
    side_by_side(dataset, chosen, order)
elif chosen:
    judges_by_properties(dataset, chosen, order)
if dataset.has_pairs:
    st.caption(session.model().description + " Change it in the sidebar.")
