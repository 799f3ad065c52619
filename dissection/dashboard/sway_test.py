"""Part of the page "Manipulate": predictions put to the test, by two files of results or by asking models here."""

from typing import Final

import streamlit as st

from dissection.asking.creating import Creation
from dissection.asking.queries import queries_of
from dissection.dashboard import controls, show
from dissection.dashboard.asking_creation import judge_field, model_of, offer_creation
from dissection.dashboard.endpoint_form import endpoint_form
from dissection.dashboard.sway import Asked, asked_for, changes_in_view, direction_choice
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.export import safe_cells
from dissection.figures.style import plain_markdown
from dissection.figures.sway import shifts_chart
from dissection.figures.sway_sentences import COLUMNS, REFERENCE, shift_reading
from dissection.sway.prompt import system_prompt
from dissection.sway.results import Results, read_results, template
from dissection.sway.shift import Shift, direction, observed_shift, side_by_side
from dissection.sway.staged import trial_of, trial_plan
from dissection.sway.study import Direction, Study
from dissection.wording import count

WAYS: Final = {"files": "Two files of results", "ask": "Ask models here"}
MOST_AT_FIRST: Final = 50
FORMS: Final = (
    "Results of one model, before and after its answers were changed: AlpacaEval annotations, MT-Bench scores (question_id, turn, score), or a table "
    "with an id and `verdict` (win, tie, loss, or 0 to 1) or `score`. CSV, TSV, JSON, JSON Lines or Parquet."
)


def put_to_the_test(dataset: PairDataset) -> None:
    """Predicted against observed."""
    asked = asked_for(dataset)
    left, right = st.columns(2)
    with left:
        wanted = direction_choice()
    with right:
        way = controls.choice("Observed by", list(WAYS), "swayway", WAYS)
    known = changes_in_view(dataset, asked, wanted)
    if known is None:
        return
    changes, found = known
    words = ", ".join(plain_markdown(change.words) for change in changes) or "no change is told apart from 0"
    how = (
        f"Predicted for {plain_markdown(asked.judge)}, {plain_markdown(asked.where)}"
        if found
        else f"By weight, for {plain_markdown(asked.judge)}"
    )
    st.caption(f"{how}: {words}. ↑ the answers gain it, ↓ they lose it.")
    if way == "files":
        _by_files(found, wanted)
    elif not changes:
        st.info("No change is told apart from 0, so there is nothing to ask for.", icon=":material/remove:")
    else:
        _by_asking(dataset, asked, found, wanted, system_prompt(changes, found.properties if found else dataset.properties))


def compared(found: Study | None, wanted: Direction, shift: Shift) -> None:
    """The observed shift, beside the predicted one where there is one.

    Args:
        found: the study; None for published weights.
        wanted: which changes were made.
        shift: that was observed.
    """
    st.markdown(plain_markdown(shift_reading(shift)))
    gains = found.together[wanted] if found else None
    if gains is None:
        st.caption(f"Nothing is predicted to compare it with. {REFERENCE}")
        return
    table = side_by_side(gains, len(gains.table) - 1, shift)
    st.markdown(f"**{direction(table)}**")
    if shift.kind == "verdicts":
        show.chart(
            shifts_chart(table),
            table.round(4),
            "Predicted and observed",
            f"Predicted: {gains.table.iloc[-1]['gain']:+.1f} points if the answers had all of it, n = {gains.n:,} pairs. Observed: {shift.shift:+.1f} "
            f"points, n = {shift.n:,}. The evaluation may have another judge, other queries and other rivals than the pairs in view. {REFERENCE}",
            width="narrow",
            key="sway-shift",
            columns=COLUMNS,
        )
    else:
        st.caption(f"Scores have another unit than win rates, so only the direction is compared. {REFERENCE}")
        show.data_table(table.round(4), "Predicted and observed", COLUMNS)


def _by_files(found: Study | None, wanted: Direction) -> None:
    st.caption(FORMS)
    left, right = st.columns(2)
    with left:
        before = _uploaded("before", "Before")
    with right:
        after = _uploaded("after", "After")
    if before is None or after is None:
        st.caption(f"Choose both files. {REFERENCE}")
        st.download_button(
            "Template (CSV)",
            lambda: safe_cells(template()).to_csv(index=False).encode(),
            file_name="results.csv",
            mime="text/csv",
            icon=":material/download:",
            key="sway-template",
        )
        return
    try:
        shift = observed_shift(before, after)
    except InputError as error:
        show.mistake(error)
        return
    compared(found, wanted, shift)


def _uploaded(key: str, label: str) -> Results | None:
    """The results of a file, kept for the session; None where there are none, or what is wrong with them is said."""
    file = st.file_uploader(label, key=f"sway-{key}")
    if file is not None:
        st.session_state[f"sway-{key}-file"] = (file.getvalue(), file.name)
    held: tuple[bytes, str] | None = st.session_state.get(f"sway-{key}-file")
    if held is None:
        return None
    if file is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"In use: {plain_markdown(held[1])}.")
            st.button("Remove", icon=":material/close:", key=f"sway-{key}-off", on_click=_forget, args=(key,))
    try:
        found = read_results(*held)
    except InputError as error:  # there is still a place for the other file
        show.mistake(error)
        return None
    whose = f" of {plain_markdown(found.model)}" if found.model else ""
    st.caption(f"{count(len(found.values), 'item')}{whose}: {plain_markdown(found.form)}.")
    for note in found.notes:
        st.caption(plain_markdown(note))
    return found


def _forget(key: str) -> None:
    st.session_state.pop(f"sway-{key}-file", None)


# --- Asking here ------------------------------------------------------------------------------------------------------------------


def _by_asking(dataset: PairDataset, asked: Asked, found: Study | None, wanted: Direction, prompt: str) -> None:
    if not dataset.has_pairs:
        st.info("These weights came without their pairs, so there are no queries to ask. Two files of results can be compared.")
        return
    st.caption(
        "A model answers queries of the data in view twice, without and with the system prompt, and a judge compares the two answers in both orders. "
        "Equal answers would win half the time, so the observed shift is the win rate of the prompted answers less 50 %."
    )
    connection = endpoint_form("model")
    creation = _creation(queries_of(dataset).texts, model_of(connection), prompt)
    what = f"2 answers to each of {count(len(creation.queries), 'query', 'queries')} by {creation.authors[0].name}, compared by {creation.judge}"
    if connection is None:
        st.info("Without an endpoint, what would be asked is shown below; two files of results can be compared without one.")
    made = offer_creation("sway", creation, connection, what, "Verdicts are counted with answers of the greatest length.")
    if made is None:
        return
    trial = trial_of(made.creation, made.created)
    missing = f" {count(trial.missing, 'query', 'queries')} without a verdict." if trial.missing else ""
    other = "" if trial.judge == asked.judge else f" The prediction is for {plain_markdown(asked.judge)}."
    st.caption(f"Judge: {plain_markdown(trial.judge)}.{other}{missing}")
    compared(found, wanted, trial.shift)


def _creation(queries: tuple[str, ...], model: str, prompt: str) -> Creation:
    first, second, third = st.columns(3)
    with first:
        there = len(queries)
        n = int(
            st.number_input(
                f"How many of the {there:,} queries, from the first", 1, there, min(there, MOST_AT_FIRST), key=f"sway-n-{there}"
            )
        )
    with second:
        judge = judge_field("sway-judge", model)
    with third:
        tokens = int(st.number_input("Tokens of an answer, at most", 1, None, 1024, key="sway-tokens"))
    return trial_plan(queries[:n], model, judge, prompt, max_tokens=tokens)
