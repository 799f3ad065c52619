"""Scores: how well explanations foretell verdicts that they have not seen."""

import streamlit as st

from dissection.dashboard import controls, scoring, session, show
from dissection.dataset import Group, PairDataset
from dissection.figures.evidence import EVIDENCE_LABELS, correlation_chart, correlation_frame, evidence_frame
from dissection.figures.score_sentences import (
    calibration_reading,
    confusable_sentences,
    correlation_reading,
    few_pairs_sentence,
    length_sentence,
    score_reading,
    smallest_sentence,
    unscored_sentence,
)
from dissection.figures.scores import METRIC_LABELS, calibration_chart, order_rows, score_chart
from dissection.figures.style import plain_markdown
from dissection.regression.calibration import calibration, calibration_error
from dissection.regression.collinearity import collinearity, confusable, used_comparisons
from dissection.regression.scores import Score, scores_frame

VIEWS = {"judges": "Judges in one group", "groups": "One judge, all groups"}
MOST_NAMED = 8
EVIDENCE_DIGITS = {"vif": 2, "smallest": 1, "percent": 1, "low": 1, "high": 1}


def held_out_scores(dataset: PairDataset, cells: list[Score], metric: str, where: str, field: str) -> None:
    frame = scores_frame(cells)
    rows = order_rows(frame, metric, field)
    if rows:
        figure = score_chart(frame, metric, rows, field, dataset.own_judges)
        show.chart(figure, frame, f"Held-out scores {where}", score_reading(frame, metric, where, field), key="scores")
        st.markdown(length_sentence(frame, field))
    if missing := unscored_sentence(frame, field):
        st.caption(missing)


def calibrated(cell: Score) -> None:
    where = f"{cell.judge}, {cell.group.label}"
    error = calibration_error(cell)
    if error is None:
        st.caption(f"{plain_markdown(where)}: not scored, since {plain_markdown(cell.reason)}.")
        return
    table = calibration(cell)
    show.chart(
        calibration_chart(table), table, f"Calibration {where}", calibration_reading(table, error, where), width="narrow", key="calibration"
    )


def told_apart(dataset: PairDataset, group: Group, judge: str) -> None:
    where = f"{judge}, {group.label}"
    found = collinearity(used_comparisons(dataset, group, judge), dataset.property_names)
    if not found.n:
        st.caption(
            f"{plain_markdown(where)}: there is no verdict on a pair with all properties assessed, so there is nothing to tell apart."
        )
        return
    table, close = correlation_frame(found), confusable(found)
    if len(found.properties) > 1:
        show.chart(
            correlation_chart(found), table, f"Correlations {where}", correlation_reading(found, table, close, where), key="correlations"
        )
    for sentence in confusable_sentences(close)[:MOST_NAMED]:
        st.markdown(f"- {sentence}")
    if len(close) > MOST_NAMED:
        st.caption(f"The {MOST_NAMED} closest of {len(close)} pairs; the table of the chart has the rest.")
    if found.note:
        st.markdown(plain_markdown(found.note))
    st.subheader("How small an effect could have been seen?", anchor=False)
    evidence = evidence_frame(found, scoring.posterior(dataset, group, judge), scoring.model().prior_scale)
    if few := few_pairs_sentence(evidence, where):
        st.markdown(few)
    st.caption(smallest_sentence(evidence, where))
    st.caption(
        f"Holds at FDR 5 %: of the properties so marked here, at most one in twenty is expected to be wrong "
        f"(Benjamini and Hochberg, over the {len(evidence)} properties of this table)."
    )
    show.data_table(evidence.round(EVIDENCE_DIGITS), f"Evidence {where}", EVIDENCE_LABELS)


dataset = session.current()
show.page_head(
    "Scores", "Is the explanation any good? Verdicts that the fit has not seen, foretold by properties and by simpler rules.", dataset
)
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
if not dataset.has_pairs:
    st.info(
        "These are published weights: posterior means without the pairs and verdicts that they came from. Nothing can be held out, so "
        "there are no scores, no calibration and no correlations of properties. Open data with pairs to see them.",
        icon=":material/block:",
    )
    st.stop()

left, right = st.columns([3, 2])
with left:
    view = controls.choice("View", list(VIEWS), "scoreview", VIEWS)
with right:
    metric = controls.choice("Measure", list(METRIC_LABELS), "metric", METRIC_LABELS)
left, right = st.columns(2)
with left:
    group = controls.group(dataset)
with right:
    judges = controls.some_judges(dataset, "judges") if view == "judges" else (controls.one_judge(dataset),)
if not scoring.ready(dataset, (group,) if view == "judges" else dataset.selectable_groups):
    st.stop()
if view == "judges":
    held_out_scores(dataset, scoring.scores(dataset, (group,), judges), metric, group.label, "judge")
else:
    held_out_scores(dataset, scoring.scores(dataset, dataset.selectable_groups, judges), metric, judges[0], "group")

st.subheader("Do predictions of 70 % come true 70 % of the time?", anchor=False)
judge = controls.one_judge(dataset) if view == "judges" else judges[0]
calibrated(scoring.scores(dataset, (group,), (judge,))[0])

st.subheader("What this data can't tell apart", anchor=False)
told_apart(dataset, group, judge)
about = scoring.model().description + " Change it in the sidebar."
if scoring.model() != session.model():
    about += (
        " This page fits each group on its own and once in each fold: that is what can be held out, whatever the sidebar says beyond it."
    )
st.caption(about)
