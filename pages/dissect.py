"""Dissect: heatmaps and dot plots of what judges want, and one effect looked at closely."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from dissection.dashboard import closer, controls, served, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.figures.dots import dot_plot
from dissection.figures.effects import PROPERTY_ORDERS, order_judges, order_properties, percent_frame
from dissection.figures.heatmap import heatmap
from dissection.figures.sentences import dots_reading, heatmap_reading
from dissection.regression.cautions import cautions
from dissection.regression.discoveries import discoveries
from dissection.regression.posterior import Posterior

VIEWS = {"judges": "Judges × properties", "scenarios": "One judge, all scenarios", "dots": "Judges side by side"}
MOST_BESIDE = 6
TABLE_COLUMNS = ["judge", "group", "property", "percent", "percent_low", "percent_high", "direction", "n", "differs", "status"]


def click(dataset: PairDataset) -> Callable[[dict[str, Any]], None] | None:
    """What a click on a cell or dot does: the pairs behind it, where there are any."""
    return (lambda point: session.open_pairs(*point["customdata"][:3])) if dataset.has_pairs else None


def in_view(posteriors: list[Posterior]) -> pd.DataFrame:
    """The cells of the view; under control of false discoveries only discoveries count as decided."""
    frame = percent_frame(posteriors)
    if controls.false_discoveries_controlled():
        frame["decided"] = discoveries(frame)
    return frame


def caution(dataset: PairDataset, posteriors: list[Posterior]) -> None:
    for sentence in cautions(dataset, posteriors):
        st.caption(f":material/warning: {show.plain_markdown(sentence)}")


def judges_by_properties(dataset: PairDataset, group: Group, judges: tuple[str, ...], sort: str) -> None:
    posteriors = session.posteriors(dataset, (group,), judges)
    frame = in_view(posteriors)
    columns = order_properties(frame, dataset.properties, sort)
    figure = heatmap(
        frame,
        order_judges(frame, "cluster"),
        columns,
        row_field="judge",
        column_field="property",
        families=dataset.properties if sort == "family" else (),
        own=dataset.own_judges,
    )
    name = f"Judges by properties {group.name}"
    show.chart(
        figure,
        frame[TABLE_COLUMNS],
        name,
        heatmap_reading(frame, group.label, controls.false_discoveries_controlled()),
        on_click=click(dataset),
        key="judges",
    )


def properties_by_scenarios(dataset: PairDataset, judge: str, sort: str) -> None:
    posteriors = session.posteriors(dataset, dataset.groups, (judge,))
    frame = in_view(posteriors)
    rows = order_properties(frame, dataset.properties, sort)
    figure = heatmap(
        frame,
        rows,
        [group.name for group in dataset.groups],
        row_field="property",
        column_field="group",
        families=dataset.properties if sort == "family" else (),
    )
    show.chart(
        figure,
        frame[TABLE_COLUMNS],
        f"{judge} by scenario",
        heatmap_reading(frame, judge, controls.false_discoveries_controlled()),
        on_click=click(dataset),
        key="scenarios",
    )
    caution(dataset, posteriors)


def side_by_side(dataset: PairDataset, group: Group, judges: tuple[str, ...], sort: str) -> None:
    posteriors = session.posteriors(dataset, (group,), judges)
    frame = in_view(posteriors)
    truth = served.planted(dataset, group)
    show_truth = bool(truth) and st.toggle("Show the planted tastes beside what was found", **keep("planted", [True, False], default=True))
    figure = dot_plot(
        frame,
        order_properties(frame, dataset.properties, sort),
        judges,
        dataset.judge_names,
        truth if show_truth else None,
        dataset.own_judges,
        session.model().prior_reach if dataset.has_pairs else None,
    )
    if dataset.simulated and not truth and any(served.planted(dataset, scenario) for scenario in dataset.scenarios):
        st.caption("Tastes are planted for each scenario; choose a scenario to see them beside what was found.")
    show.chart(
        figure,
        frame[TABLE_COLUMNS],
        f"Judges side by side {group.name}",
        dots_reading(frame, group.label, controls.false_discoveries_controlled()),
        on_click=click(dataset),
        width="narrow",
        key="dots",
    )
    caution(dataset, posteriors)


session.follow()
dataset = session.current()
show.page_head("Dissect", "Which properties of an answer make each judge prefer it?", dataset)
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
left, right = st.columns([3, 2])
with left:
    view = controls.choice("View", list(VIEWS), "view", VIEWS)
with right:
    order = controls.choice("Sort properties by", PROPERTY_ORDERS, "sort")
if dataset.has_pairs:
    controls.false_discoveries()
if view == "scenarios":
    properties_by_scenarios(dataset, controls.one_judge(dataset), order)
else:
    left, right = st.columns(2)
    with left:
        chosen = controls.group(dataset)
    with right:
        if view == "dots":
            shown = controls.some_judges(dataset, "beside", default=dataset.judge_names[:3])
        else:
            shown = controls.some_judges(dataset, "judges")
    if view == "dots":
        if len(shown) > MOST_BESIDE:
            st.caption(f"The first {MOST_BESIDE} of {len(shown)} judges; more would not fit beside each other.")
        side_by_side(dataset, chosen, shown[:MOST_BESIDE], order)
    else:
        judges_by_properties(dataset, chosen, shown, order)
if dataset.has_pairs:
    if view != "scenarios":
        closer.position_biases(dataset, chosen, shown)
    closer.one_effect(dataset)
    st.caption(session.model().description + " Change it in the sidebar.")
session.fit_ahead(dataset)
