"""Parts of the Judges page: from queries alone, answers of one or two models, verdicts on them, and a new dataset."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import streamlit as st

from dissection.asking.creating import MAX_ANSWERS, Created, Creation, create, name_authors
from dissection.asking.queries import Queries, from_lines, queries_of, read_queries
from dissection.asking.scores import MAX_REPEATS
from dissection.dashboard import controls
from dissection.dashboard.asking_run import offer
from dissection.dashboard.asking_words import check_creation, without_endpoint
from dissection.dashboard.endpoint_form import Connection
from dissection.dashboard.judges_created import show_created
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.client import connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Progress
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.readers import with_properties
from dissection.wording import count

SAMPLE_QUERIES: Final = 5
MOST_AT_FIRST: Final = 100
SOURCES: Final[dict[str, str]] = {"pasted": "Pasted, one a line", "file": "A file", "data": "Those of the data in view"}
NOBODY: Final = "any model"


def online(dataset: PairDataset, connection: Connection | None) -> None:
    """From queries alone to a dataset with a judge.

    Raises:
        InputError: a field is wrong.
    """
    st.caption("From queries alone: models answer, a judge compares their answers in both orders, and the pairs become a new dataset.")
    queries = _queries(dataset)
    if queries is None:
        return
    creation = _creation(queries, connection.endpoint.model if connection else NOBODY)
    check_creation(creation)
    calls = _calls(creation, connection.endpoint if connection else Endpoint(NOBODY, provider="auto"))
    authors = " and ".join(dict.fromkeys(author.name for author in creation.authors))
    what = f"{count(creation.total, 'answer')} to each of {count(len(queries), 'query', 'queries')} by {authors}"
    upper = (
        "Grades and verdicts are counted with answers of the greatest length, and again where the journal has them."
        if creation.verdicts or creation.graded
        else ""
    )
    if connection is None:
        without_endpoint("online", what, calls.sample, calls.every, upper)
        return
    # One journal for all of them, so that more queries, or other ones, don't make the same be answered again.
    made: _Made | None = offer(
        "online",
        study="online",
        what=what,
        connection=connection,
        sample=calls.sample,
        every=calls.every,
        work=_work(creation, connection),
        upper=upper,
    )
    if made is not None:
        show_created(made.created, made.dataset)


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
    given = [(model, first.strip()), *([(second_model, second.strip())] if second_model else [])]
    columns = st.columns(4)
    with columns[0]:
        least = 3 - len(given)
        answers = int(
            st.number_input(
                "Answers by each model",
                least,
                MAX_ANSWERS // len(given),
                least,
                key=f"online-answers-{len(given)}",
                persist_state="session",
                help=_OF_ANSWERS,
            )
        )
    with columns[1]:
        repeats = int(
            st.number_input(
                "Grades of each answer",
                1,
                MAX_REPEATS,
                3,
                key="online-repeats",
                persist_state="session",
                disabled=answers * len(given) == 2,
            )
        )
    with columns[2]:
        tokens = int(st.number_input("Tokens of an answer, at most", 1, None, 1024, key="online-tokens", persist_state="session"))
    with columns[3]:
        temperature = float(
            st.number_input("Temperature", 0.0, 2.0, 1.0, 0.1, key="online-temperature", persist_state="session", help=_OF_TEMPERATURE)
        )
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        judge = st.text_input(
            "Judge",
            key="online-judge",
            placeholder=f"{model}, the first model",
            max_chars=200,
            persist_state="session",
            help="At the same endpoint.",
        )
    with right:
        verdicts = st.toggle("Verdicts in both orders", value=True, key="online-verdicts", persist_state="session")
    return Creation(
        queries, name_authors(given), answers, judge.strip() or model, verdicts, repeats=repeats, max_tokens=tokens, temperature=temperature
    )


_OF_ANSWERS: Final = "Two in all make a pair. Of more, each is graded from 1 to 5, and the best stands against the worst; equal is a tie."
_OF_TEMPERATURE: Final = "Above 0 where one model answers more than once, or its answers are the same."


class _Calls(NamedTuple):
    """What a creation asks; kept between reruns."""

    creation: Creation
    endpoint: Endpoint
    sample: list[Call]
    every: list[Call]


def _calls(creation: Creation, endpoint: Endpoint) -> _Calls:
    held: _Calls | None = st.session_state.get("online-calls")
    if held is None or (held.creation, held.endpoint) != (creation, endpoint):
        answers = [part for author in creation.authors for part in creation.answer_calls(author)]
        # The dry run asks the model of the form alone.
        sample = [call for part in answers[: creation.answers] for call in part[:SAMPLE_QUERIES]]
        every = [call for part in answers for call in part] + creation.later_calls()
        held = st.session_state["online-calls"] = _Calls(creation, endpoint, sample, every)
    return held


# --- The work ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Made:
    """What came of it, and its dataset with the properties that are computed from texts; None where there is none."""

    created: Created
    dataset: PairDataset | None

    @property
    def run(self) -> object:
        """Of all calls; see `offer`."""
        return self.created.run


_Work = Callable[[Client, Journal, Limits, Callable[[Progress], None], Callable[[], bool]], _Made]


def _work(creation: Creation, connection: Connection) -> _Work:
    endpoint, key = connection.endpoint, connection.key

    def work(
        client: Client, journal: Journal, limits: Limits, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> _Made:
        def client_of(whom: Endpoint) -> Client:
            return client if whom == endpoint else connect(whom, key)

        created = create(creation, endpoint, client_of, journal, limits, progress=progress, cancelled=cancelled)
        dataset = created.dataset
        return _Made(created, None if dataset is None else with_properties(replace(dataset, name=f"Online: {dataset.name}")))

    return work
