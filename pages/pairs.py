"""Pairs: the pairs behind a number, read side by side, with the reasons for one judge."""

import numpy as np
import pandas as pd
import streamlit as st

from dissection.dashboard import controls, session, show
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.explanation import contributions, predicted_interval, predicted_log_odds
from dissection.figures.explain import contribution_chart
from dissection.regression.posterior import Posterior, probability
from dissection.selection import SIGNS, VERDICTS, Filter, by_weight, select

NONE = "none"
# The filters inside the expander, with the values that let every pair through.
IDLE = {"text": ("",), "verdict": ("any",), "other": (NONE,), "property": (NONE,)}


def filters(dataset: PairDataset) -> tuple[Filter, str, Group]:
    """The filter, the judge to explain, and the group whose fit explains it."""
    left, right = st.columns(2)
    with left:
        group = controls.group(dataset)
    with right:
        judge = controls.one_judge(dataset)
    properties, others = [NONE, *dataset.property_names], [NONE, *dataset.judge_names]
    active = [st.session_state.get(key) not in (None, *idle) for key, idle in IDLE.items()]
    title = f"Search and filter ({sum(active)} in use)" if any(active) else "Search and filter"
    with st.expander(title, icon=":material/filter_alt:", key="filters"):
        text = st.text_input("Search the texts", placeholder="words in query or answers", **keep("text", None, ""))
        first, second = st.columns(2)
        verdict = first.selectbox("Verdict of this judge", VERDICTS, **keep("verdict", VERDICTS, "any"))
        other = second.selectbox("Disagrees with", others, **keep("other", others, NONE))
        property_ = first.selectbox("Property", properties, **keep("property", properties, NONE))
        sign = second.selectbox("Comparison", SIGNS, disabled=property_ == NONE, **keep("sign", SIGNS, "differs"))
    wanted = Filter(
        text=text,
        group=group,
        judge=judge,
        verdict=verdict,
        other=None if other in (NONE, judge) else other,
        property_name=None if property_ == NONE else property_,
        sign="any" if property_ == NONE else sign,
    )
    return wanted, judge, group


def step(ids: list[str], by: int) -> None:
    place = ids.index(st.query_params["pair"]) if st.query_params.get("pair") in ids else 0
    st.query_params["pair"] = ids[(place + by) % len(ids)]


def walk(dataset: PairDataset, rows: np.ndarray) -> int:
    """The row in view, with buttons for the next and the previous."""
    ids = [str(dataset.pairs.index[row]) for row in rows]
    asked = st.query_params.get("pair")
    known = {str(pair_id): row for row, pair_id in enumerate(dataset.pairs.index)}
    if asked is not None and asked not in known:
        st.warning(
            f"There is no pair {show.plain_markdown(repr(asked))} in this data; this is the first one found.", icon=":material/link_off:"
        )
    outside = asked in known and asked not in ids
    if asked not in known:
        asked = ids[0]
        st.query_params["pair"] = asked
    left, middle, right = st.columns([1, 3, 1], vertical_alignment="center")
    left.button("Previous", icon=":material/arrow_back:", on_click=step, args=(ids, -1), width="stretch")
    right.button("Next", icon=":material/arrow_forward:", on_click=step, args=(ids, 1), width="stretch")
    place = "not among the pairs found" if outside else f"{ids.index(asked) + 1:,} of {len(ids):,} pairs found"
    middle.markdown(f"Pair **{show.plain_markdown(asked)}** · {place} · the address bar links to it")
    return known[asked]


def answers(dataset: PairDataset, row: int) -> None:
    pair = dataset.pairs.iloc[row]
    conditions = [name for name, members in dataset.conditions.items() if members[row]]
    st.caption(show.plain_markdown(" · ".join([str(pair["scenario"]), *(Group(name, "condition").label for name in conditions)])))
    if not dataset.has_texts and not isinstance(pair["query"], str):
        st.info("This data has no texts, only properties and verdicts.")
        return
    with st.container(border=True, key="answer-query"):
        st.caption("Query")
        st.text(pair["query"] if isinstance(pair["query"], str) else "(no query)")
    for column, side in zip(st.columns(2), ("a", "b"), strict=True):
        with column.container(border=True, key=f"answer-{side}"):
            text, model = pair[f"response_{side}"], pair[f"model_{side}"]
            words = f" · {len(text.split()):,} words" if isinstance(text, str) else ""
            st.caption(f"Answer {side.upper()}{words}" + (f" · {show.plain_markdown(model)}" if isinstance(model, str) else ""))
            st.text(text if isinstance(text, str) and text.strip() else "(empty answer)" if isinstance(text, str) else "(no text)")


def reasons(dataset: PairDataset, row: int, judge: str, group: Group) -> None:
    posterior = session.posteriors(dataset, (group,), (judge,))[0]
    st.subheader(f"Why {show.plain_markdown(judge)} would choose", anchor=False)
    if not posterior.converged:
        st.info(f"No explanation: {posterior.status} for this judge in {show.plain_markdown(group.label)}.")
        return
    verdicts = dataset.verdicts[row, dataset.judge_index(judge)]
    order = 0.0 if not np.isnan(verdicts).any() else -1.0 if np.isnan(verdicts[0]) and not np.isnan(verdicts[1]) else 1.0
    frame = contributions(posterior, dataset.comparisons[row], order)
    total = predicted_log_odds(frame)
    if not (frame["contribution"] != 0).any():
        st.caption("The two answers differ in no property, so nothing is predicted.")
        return
    show.chart(
        contribution_chart(frame, session.model().prior_reach if dataset.has_pairs else None),
        frame.round(4),
        f"Contributions {dataset.pairs.index[row]}",
        summary(posterior, dataset, row, total, judge),
        width="narrow",
    )


def summary(posterior: Posterior, dataset: PairDataset, row: int, total: float, judge: str) -> str:
    label = dataset.labels[row, dataset.judge_index(judge)]
    said = "gave no verdict" if np.isnan(label) else "said tie" if label == 0.5 else f"preferred {'A' if label > 0.5 else 'B'}"
    low, high = predicted_interval(posterior, dataset.comparisons[row])
    interval = "" if np.isnan(low) else f"; from the properties alone 95 %: {float(probability(low)):.0f}–{float(probability(high)):.0f} %"
    member = dataset.members(posterior.group)[row] and dataset.assessed[row] and not np.isnan(label)
    left_out = (
        ""
        if dataset.assessed[row]
        else " Some property of this pair was not assessed; it adds nothing here, and the pair was left out of the fit."
    )
    return (
        f"The bars sum to {total:+.2f} log-odds: A is predicted to be preferred {float(probability(total)):.0f} % of the time{interval}. "
        f"{show.plain_markdown(judge)} {said}. Fitted on n = {posterior.n:,} pairs of {show.plain_markdown(posterior.group.label)}"
        f"{', this one among them' if member else ''}. “Shown first” is the position bias, where only one order was asked.{left_out}"
    )


def tables(dataset: PairDataset, row: int) -> None:
    left, right = st.columns(2)
    with left:
        st.subheader("Properties", anchor=False)
        frame = pd.DataFrame(
            {
                "property": dataset.property_names,
                "A": dataset.scores[row, :, 0].round(3),
                "B": dataset.scores[row, :, 1].round(3),
                "comparison": dataset.comparisons[row],
            }
        )
        differs = frame[frame["comparison"] != 0]
        st.dataframe(differs, hide_index=True)
        st.caption(
            f"{len(differs)} of {len(frame)} properties differ; +1 means A has more of it. Empty scores: only the comparison is known."
        )
    with right:
        st.subheader("Verdicts", anchor=False)
        verdicts = dataset.verdicts[row]
        st.dataframe(
            pd.DataFrame(
                {
                    "judge": [controls.judge_label(judge) for judge in dataset.judges],
                    "verdict": [verdict_word(label) for label in dataset.labels[row]],
                    "A shown first": verdicts[:, 0],
                    "B shown first": verdicts[:, 1],
                }
            ),
            hide_index=True,
        )
        st.caption("The two columns on the right are the probability that A is preferred in each order; empty where it was not asked.")


def verdict_word(label: float) -> str:
    if np.isnan(label):
        return "–"
    return "tie" if label == 0.5 else "A" if label > 0.5 else "B"


dataset = session.current()
show.page_head("Pairs", "What do the answers behind a number look like?", dataset)
if not dataset.has_pairs:
    st.info("Published weights come without their pairs, so there is nothing to read here.", icon=":material/visibility_off:")
    st.stop()
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
wanted, judge, group = filters(dataset)
rows = select(dataset, wanted)
if not len(rows):
    st.info("No pair fulfils all of these. Take one of the filters away.", icon=":material/search_off:")
    st.stop()
if wanted.property_name and wanted.sign != "no difference":
    posterior = session.posteriors(dataset, (group,), (judge,))[0]
    if posterior.converged:
        rows = by_weight(dataset, rows, posterior, wanted.property_name)
        st.caption(
            f"Sorted by how much *{show.plain_markdown(wanted.property_name)}* weighs for {show.plain_markdown(judge)} among all that differs."
        )
row = walk(dataset, rows)
answers(dataset, row)
reasons(dataset, row, judge, group)
tables(dataset, row)
