"""What visitors may bring and do on this server: how many pairs at most, and whether anything at all."""

import contextlib
import threading
from collections.abc import Iterator

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dissection import settings
from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.tables_text import at_most
from dissection.wording import count

READ_AT_ONCE = 2  # files of visitors: the largest takes some gigabytes while it is read
_TURNS = threading.BoundedSemaphore(READ_AT_ONCE)


@contextlib.contextmanager
def visitors_rows() -> Iterator[None]:
    """Let no file that is read within have more rows than a visitor's dataset may have pairs; in this thread, which waits for its turn."""
    if not _TURNS.acquire(blocking=False):
        with st.spinner("Waiting until files of others have been read …") if get_script_run_ctx() else contextlib.nullcontext():
            _TURNS.acquire()
    try:
        with at_most(settings.PAIRS.read()):
            yield
    finally:
        _TURNS.release()


def check_pairs(dataset: PairDataset, *further: PairDataset) -> None:
    """Whether a visitor may have a dataset, or several put together: a row may be more than a pair.

    Raises:
        DatasetError: it has too many pairs.
    """
    found, most = sum(map(len, (dataset, *further))), settings.PAIRS.read()
    if found > most:
        raise DatasetError(
            f"{'Together these' if further else 'These'} are {count(found, 'pair')}.",
            where=" and ".join(one.name for one in (dataset, *further)),
            accepted=f"at most {count(most, 'pair')} from visitors of this server",
            remedy="bring a part of them, or run the app on your own machine",
        )


def only_shown(what: str) -> None:
    """Says that a server which only shows has nothing to offer here; `what` the visitor came to do."""
    st.info(
        f"This server only shows its data; to {what}, run the app on your own machine, as its README says.",
        icon=":material/visibility:",
    )
