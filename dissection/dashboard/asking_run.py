"""A run of calls behind the pages: what it would take, a dry run, its progress, what came of it, and a way to go on."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import streamlit as st

from dissection.dashboard import analysis, show
from dissection.dashboard.asking_calls import Asking
from dissection.dashboard.asking_jobs import CallRun, Work, runs
from dissection.dashboard.asking_panel import how_far
from dissection.dashboard.asking_words import failures_in_words, most_in_words, prompts_and_replies
from dissection.dashboard.endpoint_form import Connection, whom
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call, Estimate, estimate
from dissection.endpoint.faults import PaidError
from dissection.endpoint.journal import NAME, Journal
from dissection.endpoint.journals import finished_keys, folder_for, journals_folder
from dissection.endpoint.limits import Limits
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Progress, Run, run
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.wording import count

Result = TypeVar("Result")
# Short runs, and those that the journal has whole, are over by then.
WAITED_SECONDS = 1.2


class _Wish(NamedTuple):
    """What a button starts."""

    place: str
    name: str
    folder: Path
    what: str
    connection: Connection
    work: Work


def offer(
    asking: Asking,
    connection: Connection,
    work: Callable[[Client, Journal, Limits, Callable[[Progress], None], Callable[[], bool]], Result],
    tries: Work | None = None,
) -> Result | None:
    """Say what a run would take, offer to try and to start it, show how far it is, and return its result.

    The run goes on when the visitor turns to another page or closes the tab. Whoever comes back with the same endpoint, key and study finds
    it again while it runs, and its answers in the journal afterwards, also when the server was killed in between.

    Args:
        asking: what is asked.
        connection: whom.
        work: called in a thread with a client of the connection, the open journal, the limits, a function that takes the progress, and one
            that says whether to stop. It must not use Streamlit. What it returns says in its attribute `run`, an `endpoint.run.Run`, which
            calls failed. The limits hold for all of its stages together: see `endpoint.stages`.
        tries: what the dry run does where further calls follow from the replies to the sample: as `work`, about the first pairs alone, and of
            calls that the run would make. None: it makes the calls of the sample.

    Returns:
        What the work returned, also where calls failed or it was stopped; None before that.
    """
    sample = asking.calls.sample
    try:
        folder = _folder(connection, asking.study)
        looked = _look(asking, connection, folder)
    except InputError as error:
        show.mistake(error)
        return None
    dry = f"Dry run: {asking.what}"
    trial = _Wish(f"{asking.place}-trial", looked.names[0], folder, dry, connection, tries or _asks(sample, connection))
    whole = _Wish(asking.place, looked.names[1], folder, asking.what, connection, work)
    _heading(asking, whole, looked.estimate)
    tried = f"{'at least ' if tries else ''}{count(len(sample), 'call')}" if sample else ""
    _buttons(trial, whole, tried, _start_words(asking, connection, looked.estimate), done=_all_answered(whole, looked.estimate))
    if refused := st.session_state.pop(f"asking-refused-{asking.place}", None):
        show.limit(refused)
    _panel(trial)
    held = _held(trial)
    prompts_and_replies(asking.place, sample, _made(held) if held else None)
    _outcome(trial)
    _panel(whole)
    _outcome(whole)
    made = _held(whole)
    result: Result | None = made.result if made else None
    return result


def _heading(asking: Asking, whole: _Wish, found: Estimate) -> None:
    st.markdown(f"**{plain_markdown(asking.what)}** · {whom(whole.connection)}")
    if not _all_answered(whole, found):
        st.caption(plain_markdown(f"{found.sentence()} {asking.upper}".strip()))


def _all_answered(whole: _Wish, found: Estimate) -> bool:
    """Whether the run is over and the estimate is not: of an upper bound, calls are left that nobody will make."""
    return found.calls > 0 and _complete(_held(whole))


def _start_words(asking: Asking, connection: Connection, found: Estimate) -> str:
    if not found.calls:
        return "Show what was answered"
    return f"Start: {'at most ' if asking.upper else ''}{most_in_words(found, connection.limits)}"


def _folder(connection: Connection, study: str) -> Path:
    """The journal's folder; its name takes a while to make, so it is kept."""
    # A hash of the key is enough to see whether it is another one.
    memo = (journals_folder(), connection.endpoint, hash((connection.key,)), study)
    held: tuple[object, Path] | None = st.session_state.get("journal-folder")
    if held is None or held[0] != memo:
        held = st.session_state["journal-folder"] = (memo, folder_for(connection.endpoint, connection.key, study))
    return held[1]


class _Looked(NamedTuple):
    """What was found out about lists of calls: it is kept, as there may be many thousands."""

    every: Sequence[Call]
    endpoint: Endpoint
    names: tuple[str, str]
    rest: tuple[object, ...]
    estimate: Estimate


def _look(asking: Asking, connection: Connection, folder: Path) -> _Looked:
    """What all calls would take, and the names of the dry run and of the run."""
    endpoint, sample, every = connection.endpoint, asking.calls.sample, asking.calls.every
    rest = (connection.limits.prices, folder, _size(folder / NAME), len(sample))
    held: _Looked | None = st.session_state.get(f"asking-looked-{asking.place}")
    if held is None or held.every is not every or held.endpoint != endpoint:
        names = (_name(sample, endpoint), _name(every, endpoint))
    elif held.rest == rest or (runs().of_folder(folder) and held.rest[1] == folder):  # what a run does, its panel says
        return held
    else:
        names = (_name(sample, endpoint), held.names[1])
    found = _Looked(every, endpoint, names, rest, estimate(every, endpoint, connection.limits.prices, finished_keys(folder)))
    st.session_state[f"asking-looked-{asking.place}"] = found
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # there is none, or it had to make room
        return 0


def _name(calls: Sequence[Call], endpoint: Endpoint) -> str:
    """Of a run: equal where the same is asked."""
    return hashlib.sha256("".join(call.key(endpoint) for call in calls).encode()).hexdigest()


def _asks(sample: Sequence[Call], connection: Connection) -> Work:
    def work(client: Client, journal: Journal, limits: Limits, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Run:
        return run(sample, client, connection.endpoint, journal, limits, progress=progress, cancelled=cancelled)

    return work


# --- Starting and finding again ---------------------------------------------------------------------------------------------------


def _held(wish: _Wish) -> CallRun | None:
    """The run of this wish: this session's last one, or one that another tab of the same visitor began."""
    found: CallRun | None = st.session_state.get(f"asking-run-{wish.place}")
    if found is not None and found.name == wish.name and found.folder == wish.folder:
        return found
    other = runs().of_folder(wish.folder)
    # Without a key, anybody may be the other one.
    if other is not None and other.name == wish.name and (wish.connection.key or other.visitor == analysis.visitor()):
        st.session_state[f"asking-run-{wish.place}"] = other
        return other
    return None


def _start(wish: _Wish, place: str) -> None:
    """Begin; runs before the page is drawn again."""
    begun = CallRun(wish.name, wish.folder, wish.what, analysis.visitor())
    try:
        runs().start(begun, wish.connection, wish.work)
    except InputError as error:
        st.session_state[f"asking-refused-{place}"] = error
        return
    st.session_state[f"asking-run-{wish.place}"] = begun
    begun.over.wait(WAITED_SECONDS)


def _buttons(trial: _Wish, whole: _Wish, tried: str, most: str, *, done: bool) -> None:
    busy = runs().of_visitor(analysis.visitor()) is not None or any(run is not None and run.running for run in map(_held, (trial, whole)))
    words = "One run at a time: wait for yours, or stop it in the sidebar." if busy else None
    with st.container(horizontal=True):
        st.button(
            f"Dry run on the first five ({tried})" if tried else "Dry run",
            icon=":material/experiment:",
            key=f"try-{whole.place}",
            on_click=_start,
            args=(trial, whole.place),
            disabled=busy or not tried,
            help=words or "Shows the replies whole. They are kept, so the run does not ask again.",
        )
        st.button(
            "All is answered" if done else most,
            type="primary",
            icon=":material/play_arrow:",
            key=f"start-{whole.place}",
            on_click=_start,
            args=(whole, whole.place),
            disabled=busy or done,
            help=words,
        )


# --- Progress and outcome ---------------------------------------------------------------------------------------------------------


def _panel(wish: _Wish) -> None:
    found = _held(wish)
    if found is not None and found.running:
        st.fragment(_live, run_every=1.0)(found, wish.place)


def _live(found: CallRun, place: str) -> None:
    """How far a run is; draws itself anew each second, and the page once when the run is over."""
    if not found.running:
        st.rerun(scope="app")
    step = found.progress
    with st.container(border=True):
        st.markdown(f"**{plain_markdown(found.what)}** · {'being cancelled' if found.cancelled else 'running'}")
        st.progress(step.done / max(step.total, 1) if step else 0.0)
        st.caption(how_far(found))
        if found.cancelled:
            st.caption("No further request begins; those under way are waited for and kept.")
        else:
            st.button("Cancel", icon=":material/cancel:", key=f"cancel-{place}", on_click=found.cancel)


def _outcome(wish: _Wish) -> None:
    """What stopped a run that is over, what failed, what it cost, and a way to go on."""
    found = _held(wish)
    if found is None or found.running:
        return
    if found.error is not None:
        show.mistake(found.error)
    made = _made(found)
    if made is not None:
        failures_in_words(made, found.left_out)
    if not _complete(found):
        missing = _missing(made)
        asked = f"{count(missing, 'call')} without an answer {'is' if missing == 1 else 'are'} asked again. " if missing else ""
        st.button(
            "Go on",
            icon=":material/resume:",
            key=f"go-on-{wish.place}",
            on_click=_start,
            args=(wish, wish.place.removesuffix("-trial")),
            help=f"{asked}No call that was answered is made again.",
        )


def _made(found: CallRun) -> Run | None:
    made = found.result if isinstance(found.result, Run) else getattr(found.result, "run", None)
    return made if isinstance(made, Run) else None


def _missing(made: Run | None) -> int:
    """How many calls have no answer; a refusal is one."""
    return sum(not isinstance(outcome.error, PaidError) for outcome in made.failures) if made else 0


def _complete(found: CallRun | None) -> bool:
    """Whether a run is over and nothing is left that it could ask."""
    if found is None or found.running or found.error is not None:
        return False
    made = _made(found)
    return not (made and made.stopped) and not _missing(made)
