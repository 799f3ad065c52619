"""What visitors published: a table, the card of one entry, and the ways to open or remove it."""

import contextlib

import pandas as pd
import streamlit as st

from dissection.community.card import Card
from dissection.community.content import read_dataset, read_judge, unpacked
from dissection.community.folder import Listing, Store
from dissection.dashboard import session, show
from dissection.dashboard.address import keep
from dissection.dashboard.publish_form import publish_form
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.wording import count

KINDS = {"dataset": "dataset", "labels": "a judge's labels"}
OFF = (
    "Publishing is off on this server. Its owner turns it on by setting `DISSECTION_STORE` to a folder, or to "
    "`hf://datasets/owner/name` with a token in `HF_TOKEN`."
)


def community_page(dataset: PairDataset) -> None:
    """The whole page below its head; `dataset` is the one in view."""
    try:
        store = session.community()
        if store is None:
            st.info(OFF, icon=":material/public_off:")
            return
        with st.spinner("Looking what is there …"):
            listing = store.listing()
    except InputError as error:
        show.mistake(error)
        return
    if "community_error" in st.session_state:
        show.mistake(st.session_state.pop("community_error"))
    if said := st.session_state.pop("community_done", None):
        st.success(said, icon=":material/check:")
    if listing.trouble is not None:
        st.warning(
            f"The list may not be whole. {plain_markdown(listing.trouble.problem)} What is known here is shown.",
            icon=":material/cloud_off:",
        )
    _entries(store, listing, dataset)
    st.subheader("Publish", anchor=False)
    publish_form(store, dataset)


def _entries(store: Store, listing: Listing, dataset: PairDataset) -> None:
    if not listing.cards:
        none = "No entry is known here." if listing.trouble is not None else f"Nothing has been published {store.place} yet."
        st.caption(f"{none}{_skipped(listing)}")
        return
    find = str(st.text_input("Search the entries", placeholder="words in title, description, author or licence", **keep("find", None, "")))
    cards = [card for card in listing.cards if _fits(card, find)]
    _table(cards, listing)
    st.caption(
        f"{len(cards):,} of {count(len(listing.cards), 'entry', 'entries')} {store.place}. Select a line to see its card.{_skipped(listing)}"
    )
    if not cards:
        return
    labels = {card.id: f"{card.title} · {KINDS[card.kind]} · {card.date[:10]} · {card.id[:8]}" for card in cards}
    chosen = st.selectbox(
        "Entry", list(labels), format_func=labels.__getitem__, placeholder="Choose an entry", **keep("entry", [*labels, None], None)
    )
    card = next((card for card in cards if card.id == chosen), None)
    if card is not None:
        with st.container(border=True, key="community-card"):
            _card(store, card, listing, dataset)


def _skipped(listing: Listing) -> str:
    return (
        f" {count(listing.skipped, 'file or folder is', 'files or folders are')} no entry, or broken, and left out."
        if listing.skipped
        else ""
    )


def _fits(card: Card, words: str) -> bool:
    text = " ".join((card.title, card.description, card.author, card.licence, *(name for name, _ in card.judges))).casefold()
    return all(word in text for word in words.casefold().split())


def _table(cards: list[Card], listing: Listing) -> None:
    table = pd.DataFrame(
        {
            "Title": [card.title for card in cards],
            "Kind": [KINDS[card.kind] for card in cards],
            "Licence": [card.licence for card in cards],
            "Author": [card.author or "not said" for card in cards],
            "Date": [card.date[:10] for card in cards],
            "Pairs": [card.source.pairs for card in cards],
            "Judges": [card.judge_count for card in cards],
        }
    )
    if listing.waiting:
        table["Where"] = ["waits for the Hub" if card.id in listing.waiting else "Hub" for card in cards]

    def chosen() -> None:
        rows = st.session_state["community_table"]["selection"]["rows"]
        if rows and rows[0] < len(cards):
            st.session_state["entry"] = cards[rows[0]].id

    st.dataframe(
        table,
        hide_index=True,
        height="auto" if len(table) < 12 else 380,
        on_select=chosen,
        selection_mode="single-row",
        key="community_table",
        column_config={
            "Title": st.column_config.TextColumn(width="medium"),
            "Licence": st.column_config.TextColumn(width="small"),
            "Author": st.column_config.TextColumn(width="small"),
            "Pairs": st.column_config.NumberColumn(format="localized"),
        },
    )


def _card(store: Store, card: Card, listing: Listing, dataset: PairDataset) -> None:
    st.markdown(f"**{plain_markdown(card.title)}** :gray-badge[{KINDS[card.kind]}] :gray-badge[{plain_markdown(card.licence)}]")
    st.text(card.description)
    judges = "; ".join(f"{name} (n = {n:,})" for name, n in card.judges[:20]) + (" …" if card.judge_count > 20 else "")
    by = f" by {card.author}" if card.author else ""
    lines = [
        f"Published{by} on {card.date[:10]}" + (", on its way to the Hub" if card.id in listing.waiting else ""),
        f"{count(card.source.pairs, 'pair')} of {card.source.name}" if card.kind == "labels" else count(card.source.pairs, "pair"),
        f"{count(card.judge_count, 'judge')}{f': {judges}' if judges else ''}",
    ]
    st.markdown("\n".join(f"- {plain_markdown(line)}" for line in lines))
    if card.kind == "dataset":
        st.button("Open it", type="primary", icon=":material/folder_open:", key="community-open", on_click=_open, args=(store, card))
    else:
        _labels(store, card, listing, dataset)
    with st.container(horizontal=True):
        st.download_button(
            "Download",
            lambda: unpacked(card, store.packed(card)),
            file_name=f"{show.file_stem(card.title)}-{card.id[:8]}.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            key="community-download",
        )
        with st.popover("Remove", icon=":material/delete:"):
            key = st.text_input("Removal key", type="password", autocomplete="off", key=f"removal-{card.id}")
            st.caption(f"It was shown to the publisher once. Without it, the owner of this server can remove the entry {card.id}.")
            st.button("Remove it for everyone", key="community-remove", disabled=not key, on_click=_remove, args=(store, card, key))


def _labels(store: Store, card: Card, listing: Listing, dataset: PairDataset) -> None:
    if dataset.has_pairs and session.hash_of_pairs(dataset) == card.source.pairs_hash:
        name = st.text_input("The judge's name here", value=card.judges[0][0] if card.judges else "", max_chars=80, key=f"name-{card.id}")
        st.button(
            "Add to the data in view",
            type="primary",
            icon=":material/add:",
            key="community-add",
            disabled=not name.strip(),
            on_click=_add,
            args=(store, card, name.strip()),
        )
        return
    st.info(
        f"These labels belong to {plain_markdown(card.source.name)} ({count(card.source.pairs, 'pair')}), which is not the data in view.",
        icon=":material/link_off:",
    )
    for key, label in session.dataset_options().items():
        with contextlib.suppress(InputError):  # a file that can't be opened is not where they belong
            there = session.base_dataset(key)
            if there.has_pairs and session.hash_of_pairs(there) == card.source.pairs_hash:
                st.button(f"Look at {plain_markdown(label)}", key="community-look", on_click=_look, args=(key,))
                return
    for other in listing.cards:
        if other.kind == "dataset" and other.source.pairs_hash == card.source.pairs_hash:
            st.button(f"Open {plain_markdown(other.title)}", key="community-source", on_click=_open, args=(store, other))
            return
    st.caption("That data is not in the community either. Upload it, and the labels can be added to it.")


def _look(key: str) -> None:
    st.session_state["data"] = key


def _open(store: Store, card: Card) -> None:
    try:
        key = session.own_key(card.source.identity)
        if key not in session.own_datasets():
            session.add_dataset(read_dataset(card, store.packed(card)), key)
            session.from_community()[key] = card.id
        st.session_state["data"] = key
        st.session_state["community_done"] = f"{plain_markdown(card.title)} is the data in view on every page now."
    except InputError as error:
        st.session_state["community_error"] = error


def _add(store: Store, card: Card, name: str) -> None:
    try:
        report = read_judge(card, store.packed(card), session.current(), name)
        session.add_judge(report.judge, report.verdicts)
        st.session_state["community_done"] = (
            f"Added: {plain_markdown(report.judge)}, with verdicts on {report.matched:,} of {count(card.source.pairs, 'pair')}. "
            "It is on every page of this session now."
        )
    except InputError as error:
        st.session_state["community_error"] = error


def _remove(store: Store, card: Card, key: str) -> None:
    try:
        store.remove(card.id, key)
        st.session_state["community_done"] = f"{plain_markdown(card.title)} has been removed."
    except InputError as error:
        st.session_state["community_error"] = error
