"""What is made from queries alone, asked for from a page: answers, grades and verdicts in one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dissection.asking.creating import Created, Creation, create
from dissection.dashboard.asking_calls import Asking, check_creation, kept_calls
from dissection.dashboard.asking_run import offer
from dissection.dashboard.asking_words import without_endpoint
from dissection.dashboard.endpoint_form import Connection
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.client import connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Progress, Run

SAMPLE_QUERIES: Final = 5
# Stands for the model in what would be asked, where there is no endpoint.
NOBODY: Final = "any model"


@dataclass(frozen=True, eq=False)
class Made:
    """What came of a run.

    Attributes:
        creation: what was asked.
        created: what came of it.
        dataset: of it, finished for this page; None where there is none.
    """

    creation: Creation
    created: Created
    dataset: PairDataset | None

    @property
    def run(self) -> Run:
        """Of all calls; see `offer`."""
        return self.created.run


def model_of(connection: Connection | None) -> str:
    """The model that answers."""
    return connection.endpoint.model if connection else NOBODY


def judge_field(key: str, model: str) -> str:
    """The model that judges: what the visitor writes, or the model that answers."""
    name = st.text_input(
        "Judge", key=key, placeholder=f"{model}, the model above", max_chars=200, persist_state="session", help="At the same endpoint."
    )
    return name.strip() or model


def offer_creation(
    place: str,
    creation: Creation,
    connection: Connection | None,
    what: str,
    upper: str = "",
    finish: Callable[[PairDataset], PairDataset] = lambda dataset: dataset,
) -> Made | None:
    """Say what a creation would take, and offer it.

    Args:
        place: on the page. All creations of a place share one journal, so that more queries, or other ones, don't make the same be answered again.
        creation: what is made.
        connection: whom to ask; None: nobody.
        what: it is, in a few words.
        upper: why the estimate is an upper bound, where it is one.
        finish: what the dataset still needs; called in the run's thread.

    Raises:
        InputError: it is more than a page can hold.
    """
    check_creation(creation)
    calls = kept_calls(place, creation, lambda: _calls(creation))
    asking = Asking(place, place, what, calls, upper)
    if connection is None:
        without_endpoint(asking)
        return None
    return offer(asking, connection, _work(creation, connection, finish))


def _calls(creation: Creation) -> tuple[Sequence[Call], Sequence[Call]]:
    answers = [(author, part) for author in creation.authors for part in creation.answer_calls(author)]
    # The dry run asks the model of the form alone.
    sample = [call for author, part in answers if author.model == creation.authors[0].model for call in part[:SAMPLE_QUERIES]]
    return sample, [call for _, part in answers for call in part] + creation.later_calls()


_Work = Callable[[Client, Journal, Limits, Callable[[Progress], None], Callable[[], bool]], Made]


def _work(creation: Creation, connection: Connection, finish: Callable[[PairDataset], PairDataset]) -> _Work:
    endpoint, key = connection.endpoint, connection.key

    def work(client: Client, journal: Journal, limits: Limits, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Made:
        def client_of(whom: Endpoint) -> Client:
            return client if whom == endpoint else connect(whom, key)

        created = create(creation, endpoint, client_of, journal, limits, progress=progress, cancelled=cancelled)
        return Made(creation, created, None if created.dataset is None else finish(created.dataset))

    return work
