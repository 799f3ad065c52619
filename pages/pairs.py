"""Pairs: the pairs behind a number, read side by side, with the reasons for a judge's prediction and lists of those to read first."""

import numpy as np
import streamlit as st

from dissection.dashboard import controls, pair_lists, pair_view, session, show, what_if
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
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
    what_if.forget()


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
        what_if.forget()
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


dataset = session.current()
show.page_head("Pairs", "What do the answers behind a number look like?", dataset)
if not dataset.has_pairs:
    st.info("Published weights come without their pairs, so there is nothing to read here.", icon=":material/visibility_off:")
    st.stop()
if not dataset.judges:
    st.info("This data has no judge yet. Add one on the Upload page.", icon=":material/upload_file:")
    st.stop()
wanted, judge, group = filters(dataset)
pair_lists.lists(dataset, judge, group)
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
beside = pair_view.why(dataset, row, judge, group)
what_if.panel(dataset, row, [judge, *([beside] if beside else [])], group)
pair_view.tables(dataset, row, group)
