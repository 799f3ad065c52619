"""Datasets of the Hugging Face Hub: chosen from a list or by address, downloaded with their progress shown, and looked at before use."""

import dataclasses
import os
import threading

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from dissection.dashboard import session, show
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.hub import open_hub
from dissection.hub.address import HubAddress, parse
from dissection.hub.catalogue import catalogue
from dissection.hub.client import MAX_BYTES, Listing, Progress, Token, list_parts
from dissection.hub.parts import Part, choose
from dissection.inspection import inspect
from dissection.readers import READERS

BY_CONTENT = "whatever it looks like"


def hub_form() -> None:
    """The part of the Upload page where a dataset of the Hub is found, downloaded, looked at and kept."""
    _known_sets()
    text = st.text_input(
        "Address",
        key="hub_address",
        placeholder="owner/name, hf://datasets/owner/name@revision/config/split, or the address of the dataset's page",
        max_chars=500,
        on_change=_forget,
    )
    token = _token_field()
    if not text.strip():
        return
    try:
        address = parse(text)
        listing = _listing(address, token)
        if listing is None:
            return
        address, part = _choose_part(address, listing)
    except InputError as error:
        show.mistake(error)
        return
    reader = st.selectbox("Read it as", [BY_CONTENT, *(reader.NAME for reader in READERS)], key="hub_reader")
    size = f"{max(part.size / 1e6, 0.1):,.1f} MB in {len(part.files)} file{'s' if len(part.files) > 1 else ''}" if part else "one file"
    if st.button(f"Download ({size})", icon=":material/download:", type="primary", key="hub_download"):
        _download(address, token, None if reader == BY_CONTENT else reader, listing)
    _preview(address)


def _known_sets() -> None:
    table = pd.DataFrame(
        {
            "Dataset": [known.label for known in catalogue()],
            "Rows": pd.array([known.rows for known in catalogue()], dtype="Int64"),
            "MB": pd.array([known.megabytes for known in catalogue()], dtype="Float64"),
            "Licence": [known.licence for known in catalogue()],
            "Terms": [{True: "to accept", False: "none"}.get(known.gated, "see its page") for known in catalogue()],  # type: ignore[arg-type]
            "What can be learned": [known.learn for known in catalogue()],
        }
    )

    def chosen() -> None:
        rows = st.session_state["hub_sets"]["selection"]["rows"]
        if rows:
            known = catalogue()[rows[0]]
            st.session_state["hub_address"] = str(known.address)
            names = [reader.NAME for reader in READERS]
            st.session_state["hub_reader"] = known.reader if known.reader in names else BY_CONTENT
            _forget()

    picked = st.dataframe(table, hide_index=True, height=260, on_select=chosen, selection_mode="single-row", key="hub_sets")
    rows = picked["selection"]["rows"]
    reading = "Select a line to fill in its address. None: its card does not say."
    st.caption(plain_markdown(catalogue()[rows[0]].learn) if rows else reading)


def _token_field() -> Token:
    hosted = "SPACE_ID" in os.environ
    own = "" if hosted else " Without one, HF_TOKEN or the login of this machine is used, if there is one."
    given = st.text_input(
        "Token, for gated or private datasets",
        type="password",
        key="hub_token",
        max_chars=4096,
        autocomplete="off",
        help="A token with read access, from the Hub's settings. It is sent to the Hub alone, is not part of the address bar, and is gone when "
        f"you leave this page.{own}",
    )
    # On a Space, HF_TOKEN is its owner's, whose private datasets are not for visitors.
    return given.strip() or (False if hosted else None)


def _forget() -> None:
    for key in ("hub_listing", "hub_dataset", "hub_part"):
        st.session_state.pop(key, None)


def _listing(address: HubAddress, token: Token) -> Listing | None:
    """What the Hub has there; None until the visitor asks for it."""
    whole = dataclasses.replace(address, config=None, split=None)
    held: tuple[HubAddress, Listing] | None = st.session_state.get("hub_listing")
    if held and held[0] == whole:
        return held[1]
    if not st.button("Look what is there", icon=":material/search:", key="hub_look"):
        return None
    with st.spinner("Asking the Hub …"):
        listing = list_parts(whole, token)
    st.session_state["hub_listing"] = (whole, listing)
    return listing


def _choose_part(address: HubAddress, listing: Listing) -> tuple[HubAddress, Part | None]:
    """The address with configuration and split as chosen from those there are."""
    if address.file:
        return address, None
    if not listing.parts:
        choose(listing.parts, address)  # says so
    if address.config or address.split:
        part = choose(listing.parts, address)
    else:
        labels = list(listing.parts)
        usual = next((label for label in ("default/train", *labels) if label in labels and label.endswith("/train")), labels[0])
        part = listing.parts[str(st.selectbox("Configuration and split", labels, index=labels.index(usual), key="hub_part"))]
    st.caption(
        f"Commit {listing.commit[:12]} of {listing.address.revision or 'the main branch'}. At most {MAX_BYTES / 1e9:.0f} GB is downloaded."
    )
    return dataclasses.replace(address, config=part.config, split=part.split), part


def _download(address: HubAddress, token: Token, reader: str | None, listing: Listing) -> None:
    st.session_state.pop("hub_dataset", None)
    bar, context, script = st.progress(0.0, "Downloading …"), get_script_run_ctx(), threading.current_thread()

    def progress(step: Progress) -> None:
        # Large files come in on a thread of their own, which has to be told whose page it draws on.
        if threading.current_thread() is not script:
            add_script_run_ctx(threading.current_thread(), context)
        share = step.bytes_done / step.bytes if step.bytes else 0.0
        done = step.files_done == step.files
        text = f"file {min(step.files_done + 1, step.files)} of {step.files}, {step.bytes_done / 1e6:,.1f} of {step.bytes / 1e6:,.1f} MB"
        bar.progress(min(share, 1.0), "Reading …" if done else f"Downloading {text}")

    try:
        dataset = open_hub(address, token, reader, progress, listing=listing)
        st.session_state["hub_dataset"] = (address, dataset)
    except InputError as error:
        show.mistake(error)
    bar.empty()


def _preview(address: HubAddress) -> None:
    held: tuple[HubAddress, PairDataset] | None = st.session_state.get("hub_dataset")
    if not held or held[0] != address:
        return
    with st.container(border=True):
        st.markdown("  \n".join(plain_markdown(line).replace("  \\- ", "- ", 1) for line in inspect(held[1]).lines()))
    st.button("Open it", type="primary", icon=":material/folder_open:", on_click=_keep, args=(held[1],), key="hub_open")


def _keep(dataset: PairDataset) -> None:
    """Keep the dataset and look at it; runs before the page is drawn again."""
    try:
        st.session_state["data"] = session.add_dataset(dataset)
        st.session_state["added"] = [dataset.name]
        _forget()
    except InputError as error:
        st.session_state["upload_error"] = error
