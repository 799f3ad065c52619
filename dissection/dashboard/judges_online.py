"""Parts of the Judges page: from queries alone, answers of one or two models, verdicts on them, and a new dataset."""

from dataclasses import replace
from typing import Final

import streamlit as st

from dissection.asking.creating import MAX_ANSWERS, Creation, name_authors
from dissection.asking.queries import Queries, from_lines, queries_of, read_queries
from dissection.asking.scores import MAX_REPEATS
from dissection.dashboard import controls
from dissection.dashboard.asking_creation import judge_field, model_of, offer_creation
from dissection.dashboard.endpoint_form import Connection
from dissection.dashboard.judges_created import show_created
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.readers import with_properties
from dissection.wording import count

MOST_AT_FIRST: Final = 100
SOURCES: Final[dict[str, str]] = {"pasted": "Pasted, one a line", "file": "A file", "data": "Those of the data in view"}


def online(dataset: PairDataset, connection: Connection | None) -> None:
    """From queries alone to a dataset with a judge.

    Raises:
        InputError: a field is wrong.
    """
    st.caption("From queries alone: models answer, a judge compares their answers in both orders, and the pairs become a new dataset.")
    queries = _queries(dataset)
    if queries is None:
        return
    creation = _creation(queries, model_of(connection))
    authors = " and ".join(dict.fromkeys(author.name for author in creation.authors))
    what = f"{count(creation.total, 'answer')} to each of {count(len(queries), 'query', 'queries')} by {authors}"
    upper = (
        "Grades and verdicts are counted with answers of the greatest length, and again where the journal has them."
        if creation.verdicts or creation.graded
        else ""
    )
    made = offer_creation("online", creation, connection, what, upper, _finished)
    if made is not None:
        show_created(made.created, made.dataset)


def _finished(dataset: PairDataset) -> PairDataset:
    return with_properties(replace(dataset, name=f"Online: {dataset.name}"))


# --- What is asked ----------------------------------------------------------------------------------------------------------------


def _queries(dataset: PairDataset) -> tuple[str, ...] | None:
    """The chosen queries; None while there are none."""
    source = controls.choice("Queries", list(SOURCES), "queries-from", SOURCES)
    found: Queries | None = None
    if source == "pasted":
        text = st.text_area("One query a line", key="online-queries", height=140, persist_state="session")
        found = from_lines(text, "the field above") if text.strip() else None
    elif source == "file":
        file = st.file_uploader(
            "A .txt with a query a line, or a table with a column `query` (CSV, TSV, JSON Lines, Parquet)", key="online-file"
        )
        found = read_queries(file.getvalue(), file.name) if file else None
    elif not dataset.has_pairs:
        raise InputError("Published weights have no queries.", remedy="choose another dataset in the sidebar, or paste some")
    else:
        found = queries_of(dataset)
    if found is None:
        st.caption("Give some queries to begin with.")
        return None
    for note in found.notes:
        st.caption(plain_markdown(f"{note}."))
    there = len(found.texts)
    if there == 1:
        return found.texts
    n = st.number_input(
        f"How many of the {there:,}, from the first", 1, there, min(there, MOST_AT_FIRST), key=f"online-n-{there}", persist_state="session"
    )
    return found.texts[: int(n)]


def _creation(queries: tuple[str, ...], model: str) -> Creation:
    given = _authors(model)
    answers, repeats, tokens, temperature = _extent(len(given))
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        judge = judge_field("online-judge", model)
    with right:
        verdicts = st.toggle("Verdicts in both orders", value=True, key="online-verdicts", persist_state="session")
    return Creation(queries, name_authors(given), answers, judge, verdicts, repeats=repeats, max_tokens=tokens, temperature=temperature)


def _authors(model: str) -> list[tuple[str, str]]:
    """Model and instruction of one or two who answer."""
    left, right = st.columns(2)
    with left:
        st.text_input("First model", model, disabled=True, help="That of the form above.")
        first = st.text_area("Its system instruction", key="online-system-1", height=80, placeholder="none", persist_state="session")
    with right:
        second_model = st.text_input(
            "Second model",
            key="online-model-2",
            placeholder="none: the first answers more than once",
            max_chars=200,
            persist_state="session",
            help="At the same endpoint. The first one's name is allowed, under another instruction.",
        ).strip()
        second = st.text_area("Its system instruction ", key="online-system-2", height=80, placeholder="none", persist_state="session")
    return [(model, first.strip()), *([(second_model, second.strip())] if second_model else [])]


def _extent(authors: int) -> tuple[int, int, int, float]:
    """Answers of each author, grades of each answer, tokens of an answer, and the temperature."""
    columns = st.columns(4)
    least = 3 - authors
    with columns[0]:
        answers = st.number_input(
            "Answers by each model",
            least,
            MAX_ANSWERS // authors,
            least,
            key=f"online-answers-{authors}",
            persist_state="session",
            help=_OF_ANSWERS,
        )
    with columns[1]:
        pair = int(answers) * authors == 2
        repeats = st.number_input("Grades of each answer", 1, MAX_REPEATS, 3, key="online-repeats", persist_state="session", disabled=pair)
    with columns[2]:
        tokens = st.number_input("Tokens of an answer, at most", 1, None, 1024, key="online-tokens", persist_state="session")
    with columns[3]:
        temperature = st.number_input(
            "Temperature", 0.0, 2.0, 1.0, 0.1, key="online-temperature", persist_state="session", help=_OF_TEMPERATURE
        )
    return int(answers), int(repeats), int(tokens), float(temperature)


_OF_ANSWERS: Final = "Two in all make a pair. Of more, each is graded from 1 to 5, and the best stands against the worst; equal is a tie."
_OF_TEMPERATURE: Final = "Above 0 where one model answers more than once, or its answers are the same."
