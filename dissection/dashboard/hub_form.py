"""Datasets of the Hugging Face Hub: chosen from a list or by address, downloaded behind the pages, and looked at before use."""

import dataclasses
import threading
from typing import NamedTuple

import pandas as pd
import streamlit as st

from dissection import settings
from dissection.dashboard import analysis, session, show
from dissection.dashboard.limits import check_pairs, visitors_rows
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown
from dissection.hub import open_hub
from dissection.hub.address import HubAddress, parse
from dissection.hub.background import Background, Report
from dissection.hub.catalogue import catalogue
from dissection.hub.client import MAX_BYTES, Listing, Token, list_parts
from dissection.hub.parts import Part, choose
from dissection.inspection import inspect
from dissection.readers import READERS

BY_CONTENT = "whatever it looks like"
# Downloads of all visitors of this server, with the reading of their rows; each may take a gigabyte of disk and memory for its rows.
AT_ONCE = 4
_TURNS = threading.BoundedSemaphore(AT_ONCE)
# Most answers of the Hub come sooner; only a later one makes the page be drawn twice.
SOON = 1.0


class _Opened(NamedTuple):
    """A dataset that was downloaded and read, and what is said of it."""

    dataset: PairDataset
    lines: list[str]


class _Download(NamedTuple):
    """What a visitor downloads; one at a time."""

    address: str
    work: Background[_Opened]


def hub_form() -> None:
    """The part of the Upload page where a dataset of the Hub is found, downloaded, looked at and kept."""
    _known_sets()
    try:
        _find()
    except InputError as error:
        show.mistake(error)
    download_panel()


def download_panel() -> None:
    """This visitor's download, wherever on the Upload page they are: how far it is, then what was read."""
    if found := _current():
        running = found.work.running
        # A button of a fragment draws the fragment alone anew, and data that were opened there came to no other part of the page.
        panel = st.fragment(_panel, run_every=0.5) if running else _panel
        panel(found, was_running=running)


def _find() -> None:
    text = st.text_input(
        "Address",
        key="hub_address",
        placeholder="owner/name, hf://datasets/owner/name@revision/config/split, or the address of the dataset's page",
        max_chars=500,
    )
    token = _token_field()
    if not text.strip():
        return
    address = parse(text)
    listing = _listing(address, token)
    if listing is None:
        return
    address, part = _choose_part(address, listing)
    reader = st.selectbox("Read it as", [BY_CONTENT, *(reader.NAME for reader in READERS)], key="hub_reader")
    size = f"{max(part.size / 1e6, 0.1):,.1f} MB in {len(part.files)} file{'s' if len(part.files) > 1 else ''}" if part else "one file"
    current = _current()
    busy = current is not None and current.work.running
    if st.button(
        f"Download ({size})",
        icon=":material/download:",
        type="primary",
        disabled=busy,
        help="One download at a time: wait for yours, or cancel it." if busy else None,
        key="hub_download",
    ):
        _start(address, token, None if reader == BY_CONTENT else reader, listing)
        st.rerun()


def _current() -> _Download | None:
    found: _Download | None = st.session_state.get("hub_current")
    return found


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

    picked = st.dataframe(table, hide_index=True, height=260, on_select=chosen, selection_mode="single-row", key="hub_sets")
    rows = picked["selection"]["rows"]
    reading = "Select a line to fill in its address. None: its card does not say."
    st.caption(plain_markdown(catalogue()[rows[0]].learn) if rows else reading)


def _token_field() -> Token:
    hosted = settings.hosted()
    own = "" if hosted else " Without one, HF_TOKEN or the login of this machine is used, if there is one."
    given = st.text_input(
        "Token, for gated or private datasets",
        type="password",
        key="hub_token",
        max_chars=4096,
        autocomplete="off",
        help="A token with read access, from the Hub's settings. It is sent to the Hub alone, is not part of the address bar, and is gone when "
        f"you leave this page; a download that goes on has it until it is done.{own}",
    )
    # On a server for others, HF_TOKEN is its owner's, whose private datasets are not for visitors.
    return given.strip() or _login_token() or (False if hosted else None)


def _login_token() -> str | None:
    """The visitor's own token where the server has a login and they are logged in; a button to do so where they are not."""
    if not st.secrets.load_if_toml_exists() or "auth" not in st.secrets:
        return None
    if not st.user.get("is_logged_in"):
        st.button("Log in with Hugging Face", icon=":material/login:", key="hub_login", on_click=st.login)
        return None
    st.button("Log out", icon=":material/logout:", key="hub_logout", on_click=st.logout)
    token: str | None = st.user.tokens.get("access")
    return token


def _listing(address: HubAddress, token: Token) -> Listing | None:
    """What the Hub has there; None until the visitor asks for it, and until the Hub answers."""
    whole = dataclasses.replace(address, config=None, split=None)
    held: tuple[HubAddress, Background[Listing]] | None = st.session_state.get("hub_listing")
    look = held[1] if held and held[0] == whole else None
    if look and look.result:
        return look.result
    waiting = look is not None and look.running
    if st.button("Look what is there", icon=":material/search:", disabled=waiting, key="hub_look"):
        look = Background(lambda _: list_parts(whole, token))
        st.session_state["hub_listing"] = (whole, look)
        look.wait(SOON)
        if not look.error:
            st.rerun()  # the button was drawn before the question was asked
    if look and look.running:
        st.fragment(_await, run_every=0.5)(look)
    if look and look.error:
        del st.session_state["hub_listing"]
        raise look.error
    return None


def _await(look: Background[Listing]) -> None:
    if not look.running:
        st.rerun(scope="app")
    st.caption(":material/hourglass: Asking the Hub …")


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


def _start(address: HubAddress, token: Token, reader: str | None, listing: Listing) -> None:
    def opened(report: Report) -> _Opened:
        with visitors_rows():
            dataset = open_hub(address, token, reader, report, listing=listing)
        check_pairs(dataset)
        return _Opened(dataset, inspect(dataset).lines())

    st.session_state["hub_current"] = _Download(str(address), Background(opened, _TURNS))


def _panel(found: _Download, *, was_running: bool) -> None:
    work = found.work
    if was_running and not work.running:
        st.rerun(scope="app")  # drawn anew as a whole, the panel no longer asks each half second
    state = work.state if not work.running else "reading" if work.reading else "downloading"
    with st.container(border=True):
        st.markdown(f"**From the Hub** · {state}")
        st.caption(plain_markdown(found.address))
        if work.running:
            _going_on(work)
        elif work.error:
            show.mistake(work.error)
        elif work.result:
            show.inspection(work.result.lines)
        else:
            st.caption("What has come is kept; the next download of the same goes on there.")
        if not work.running:
            with st.container(horizontal=True):
                if work.result:
                    st.button("Open it", type="primary", icon=":material/folder_open:", on_click=_keep, args=(work.result,), key="hub_open")
                st.button("Put away", on_click=_put_away, key="hub_put_away")


def _going_on(work: Background[_Opened]) -> None:
    step = work.progress
    share = step.bytes_done / step.bytes if step and step.bytes else 0.0
    st.progress(min(share, 1.0))
    if work.waiting:
        st.caption(f"Waiting for its turn: at most {AT_ONCE} downloads go on at once on this server.")
    elif step is None:
        st.caption("Asking the Hub …")
    elif work.reading:
        st.caption(f"{step.bytes / 1e6:,.1f} MB are here; their rows are being read.")
    else:
        left = work.seconds_left
        st.caption(
            f"File {min(step.files_done + 1, step.files)} of {step.files} · {step.bytes_done / 1e6:,.1f} of {step.bytes / 1e6:,.1f} MB · "
            + ("time left: not known before more has come" if left is None else analysis.time_left(left))
        )
    st.button("Cancel", icon=":material/cancel:", on_click=work.cancel, key="hub_cancel")


def _put_away() -> None:
    st.session_state.pop("hub_current", None)


def _keep(opened: _Opened) -> None:
    """Keep the dataset and look at it; runs before the page is drawn again."""
    session.open_own(opened.dataset)
    if "upload_error" not in st.session_state:
        _put_away()
