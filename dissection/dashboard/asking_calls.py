"""What a page asks of a model: its calls, kept between reruns, and how many of them a page can hold."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from dissection.asking.creating import Creation
from dissection.dashboard.kept import kept
from dissection.endpoint.calls import Call
from dissection.errors import InputError
from dissection.wording import count

# The prompts of a page are in memory as long as it is open, and a server has many visitors.
MOST_CALLS = 50_000
MOST_CHARACTERS = 200_000_000


class Calls(NamedTuple):
    """What is asked. The lists are the same ones as long as it is about the same, as they take a while to make and to go through.

    Attributes:
        about: what they are made from.
        sample: those about the first five pairs or queries, for the dry run; some of `every`, so that the run does not ask again.
        every: all; for work in stages, as many and as long ones as there can be.
    """

    about: object
    sample: Sequence[Call]
    every: Sequence[Call]


class Asking(NamedTuple):
    """What a page would ask.

    Attributes:
        place: on the page; for the names of its widgets.
        study: the kind of study and the data, which make the journal's folder. Leave out what may change without making answers useless, such
            as the judges that the data have already: `session.hash_of_pairs` is a hash of ids and texts alone.
        what: it is, in a few words: "2 judges on 100 pairs".
        calls: another list of calls is another run.
        upper: a sentence that says why the estimate is an upper bound, where it is one.
    """

    place: str
    study: str
    what: str
    calls: Calls
    upper: str = ""


def kept_calls(place: str, about: object, make: Callable[[], tuple[Sequence[Call], Sequence[Call]]], owner: str = "") -> Calls:
    """The calls of a place on a page, made where they are about something else than last time.

    Args:
        place: on the page.
        about: all that they are made from; compared by `==`.
        make: gives `sample` and `every`.
        owner: hash of the data, where they are made from it alone: then all who have it share them, as the prompts take megabytes.
    """
    held: Calls | None = st.session_state.get(f"calls-{place}")
    if held is None or held.about != about:
        held = kept().result(owner, ("calls", place, about), lambda: Calls(about, *make())) if owner else Calls(about, *make())
        st.session_state[f"calls-{place}"] = held
    return held


def check_size(calls: int, characters: int) -> None:
    """Refuse more than a page can hold, before any prompt is made.

    Args:
        calls: how many there would be.
        characters: in all of them, as far as is known.

    Raises:
        InputError: it is more.
    """
    if calls > MOST_CALLS or characters > MOST_CHARACTERS:
        words = f", with prompts of {characters:,} characters" if characters > MOST_CHARACTERS else ""
        raise InputError(
            f"These would be {count(calls, 'call')}{words}.",
            accepted=f"up to {MOST_CALLS:,} calls and {MOST_CHARACTERS:,} characters on this page",
            remedy="ask about fewer at a time, or use the command line: see docs/asking.md",
        )


def check_creation(creation: Creation) -> None:
    """The same of what is made from queries alone, whose verdicts are on two answers of at most four characters a token."""
    n = len(creation.queries)
    later = n * creation.later_per_query
    check_size(n * creation.total + later, later * 8 * creation.max_tokens)
