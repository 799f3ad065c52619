"""Links to what this session does not have: another visitor's data or judges. They are found in the community, or named and waited for."""

import re
from typing import NamedTuple

import streamlit as st

from dissection.community.content import read_dataset
from dissection.dashboard import entry, session, show
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown

MOST_NAMES = 5
_NAMED = 80


class Link(NamedTuple):
    """A link to data that are not here: their key, the page, and everything in the address."""

    key: str
    page: str
    query: dict[str, list[str]]


def _is_new(key: str) -> bool:
    """Whether the address bar holds a value that this session did not write, as a followed link does."""
    shown = st.query_params.get_all(key)
    return bool(shown) and shown != st.session_state.get("address", {}).get(key)


def follow() -> None:
    """Look for the data that a link names; where they come later, by an upload, go to the link's view. Call it before the sidebar."""
    asked = st.query_params.get("data", "")
    if _is_new("data") and asked not in session.dataset_options():
        st.session_state.pop("link", None)
        if not re.fullmatch(r"own-[0-9a-f]{8}", asked):
            st.warning("This link names data that this server does not have.", icon=":material/link_off:")
        elif not _opened_from_community(asked):
            query = {key: st.query_params.get_all(key) for key in st.query_params}
            st.session_state["link"] = Link(asked, entry.path_in_view(), query)
    link: Link | None = st.session_state.get("link")
    if link is None:
        return
    if link.key in session.own_datasets():
        del st.session_state["link"]
        st.session_state.pop("added", None)
        st.switch_page(link.page, query_params=link.query)
    _say_what_is_missing(link)


def _opened_from_community(key: str) -> bool:
    try:
        store = session.community()
        if store is None:
            return False
        for card in store.listing().cards:
            if card.kind == "dataset" and session.own_key(card.source.identity) == key:
                with st.spinner("Opening the data from the community …"):
                    session.add_dataset(read_dataset(card, store.packed(card)), key)
                session.from_community()[key] = card.id
                return True
    except InputError as error:
        show.mistake(error)
    return False


def _say_what_is_missing(link: Link) -> None:
    instead = next(iter(session.dataset_options().values()))
    with st.container(horizontal=True, vertical_alignment="center", key="link-missing"):
        st.warning(
            f"This link was made on data that another visitor uploaded ({link.key}), which is not in this session: upload the same file "
            "(it will be recognised), or ask its author for it or to publish it. "
            f"{plain_markdown(instead)} is shown instead.",
            icon=":material/link_off:",
        )
        st.page_link("pages/upload.py", label="Upload it", icon=":material/upload_file:", query_params={"kind": "dataset"}, width="content")
        st.button("Go on without it", key="link-drop", on_click=st.session_state.pop, args=("link", None), width="content")


# --- Judges -----------------------------------------------------------------------------------------------------------------------


def missing_judges(dataset: PairDataset, key: str, *, several: bool = False) -> tuple[str, ...]:
    """The judges that a link names and the data lack; once they are there, they are chosen. Call it before `keep` reads the address.

    Args:
        dataset: in view.
        key: of the widget that chooses judges.
        several: whether it chooses several.
    """
    if "link" in st.session_state:  # the data themselves are missing, and that is said
        return ()
    waiting: dict[tuple[str, str], list[str]] = st.session_state.setdefault("waiting_judges", {})
    place = (session.current_key(), key)
    if _is_new(key):
        waiting.pop(place, None)
        asked = st.query_params.get_all(key)
        if not set(asked) <= set(dataset.judge_names):
            waiting[place] = asked if several else asked[:1]
    missing = tuple(name for name in waiting.get(place, ()) if name not in dataset.judge_names)
    if place in waiting and not missing:
        names = waiting.pop(place)
        st.session_state[key] = names if several else names[0]
    return missing


def forget_judges(key: str) -> None:
    """The visitor chose others; for callbacks."""
    st.session_state.get("waiting_judges", {}).pop((session.current_key(), key), None)


def say_missing(dataset: PairDataset, missing: tuple[str, ...], instead: str) -> None:
    """Name the judges of a link that the data lack.

    Args:
        dataset: in view.
        missing: their names, as the link has them.
        instead: what is shown.
    """
    if not missing:
        return
    names = ", ".join(f"“{plain_markdown(name[:_NAMED])}”" for name in missing[:MOST_NAMES])
    more = f" and {len(missing) - MOST_NAMES:,} more" if len(missing) > MOST_NAMES else ""
    one = len(missing) == 1
    st.warning(
        f"This link names {'a judge' if one else f'{len(missing):,} judges'} that {'is' if one else 'are'} not in this data: {names}{more}. "
        f"Shown: {plain_markdown(instead)}. A judge that a visitor uploaded stays in their session: ask its author for the labels, or to "
        "publish them.",
        icon=":material/person_off:",
    )
    if _published(dataset, missing):
        st.page_link("pages/community.py", label="Labels of that name are in the community", icon=":material/groups:")


def _published(dataset: PairDataset, names: tuple[str, ...]) -> bool:
    try:
        store = session.community()
        cards = [card for card in store.listing().cards if card.kind == "labels"] if store and dataset.has_pairs else []
    except InputError:  # said on the Community page
        return False
    found = [card for card in cards if card.judges and card.judges[0][0] in names]
    return bool(found) and any(card.source.pairs_hash == session.hash_of_pairs(dataset) for card in found)
