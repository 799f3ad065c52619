"""The Hub down, slow, answering rubbish, or refusing a token that has expired: on the Upload page, as community, and as what visitors see first."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dissection.community.hub_store import HubStore
from dissection.dashboard import served, session
from dissection.hub import client, transfer
from tests.hub_fixtures import MEMBER, SET, TOKEN, hub, pairs, parquet
from tests.hub_server import Fault, HubServer
from tests.test_community_page import agree, fill, own, press
from tests.test_hub_form import download, look, settled, shown
from tests.test_pages import APP, Open, go, open_page, run

__all__ = ["hub", "open_page"]  # the fixtures

Break = Callable[[HubServer, pytest.MonkeyPatch], None]
EXPIRED = "hf_thisonehasexpired"
EVERYTHING = "(GET|HEAD|POST) /"


def down(_: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:  # nobody listens there any more
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{probe.getsockname()[1]}")


def slow(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.3)
    monkeypatch.setattr(transfer, "TIMEOUT", 0.3)
    monkeypatch.setattr("dissection.community.remote.TIMEOUT", 0.3)
    server.faults = [Fault(EVERYTHING, delay=1.0)]


def rubbish(server: HubServer, _: pytest.MonkeyPatch) -> None:
    server.faults = [Fault(EVERYTHING, 200, body=b"<html><script>alert(1)</script>Log in to the hotel's network</html>")]


def expired(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.tokens.clear()
    monkeypatch.setenv("HF_TOKEN", EXPIRED)


FAULTS: dict[str, tuple[Break, str]] = {
    "down": (down, "The Hub can't be reached"),
    "slow": (slow, "The Hub did not answer in time"),
    "rubbish": (rubbish, "The Hub"),
    "expired": (expired, "The Hub does not accept this token"),
}
every_fault = pytest.mark.parametrize("fault", FAULTS)


def broken(fault: str, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """What has to be said of a fault that begins now."""
    breaks, words = FAULTS[fault]
    breaks(server, monkeypatch)
    return words


def errors(at: AppTest) -> str:
    found = "\n".join(error.value for error in at.error).replace("\\", "")
    assert "<script>" not in found
    assert all(secret not in found for secret in (TOKEN, MEMBER, EXPIRED))
    return found


@every_fault
def test_a_dataset_that_a_visitor_asks_for(open_page: Open, hub: HubServer, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(40))})
    at = open_page("upload", kind="hub")
    with monkeypatch.context() as patched:
        words = broken(fault, hub, patched)
        look(at, SET)
        if "hub_listing" in at.session_state:  # it is asked behind the page
            at.session_state["hub_listing"][1].wait(30)
            run(at)
        assert words in errors(at)
        assert at.text_input(key="hub_address").value == SET
    hub.faults, hub.tokens = [], {TOKEN, MEMBER}
    press(at, "hub_look")
    settled(download(at))
    assert "40 pairs" in shown(at)


@pytest.mark.parametrize("fault", ["rubbish", "down"])
def test_a_download_that_is_broken_off(open_page: Open, hub: HubServer, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(40))})
    at = look(open_page("upload", kind="hub"), SET)
    with monkeypatch.context() as patched:
        words = broken(fault, hub, patched)
        if fault == "down":
            patched.setattr(
                huggingface_hub.constants,
                "HUGGINGFACE_CO_URL_TEMPLATE",
                huggingface_hub.constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}",
            )
        settled(download(at))
        assert words in errors(at)
        assert "failed" in shown(at)
    hub.faults = []
    settled(download(at))
    assert "40 pairs" in shown(at)


@pytest.fixture
def community(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubStore]:
    """The community is a dataset of the Hub, which this server may write."""
    monkeypatch.setenv("DISSECTION_STORE", "hf://datasets/owner/community")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.writers = {TOKEN}
    st.cache_resource.clear()
    store = session.community()
    assert isinstance(store, HubStore)
    yield store
    store.close()


@every_fault
def test_the_community(open_page: Open, hub: HubServer, community: HubStore, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    with monkeypatch.context() as patched:
        words = broken(fault, hub, patched)
        at = agree(fill(own(open_page)))
        assert f"The list may not be whole. {words}" in at.warning[0].value.replace("\\", "")
        press(at, "publish")
        if fault != "slow":  # writing waits longer than looking, and entries are kept here until they are on the Hub
            assert f"Nothing was published: {words}" in errors(at)
            assert next(field for field in at.text_input if field.label == "Title").value == "My pairs", "what was written stays"
    hub.faults, hub.tokens = [], {TOKEN, MEMBER}
    if fault != "slow":
        press(at, "publish")
    assert not at.error
    assert [card.title for card in community.listing().cards] == ["My pairs"]


@every_fault
@pytest.mark.usefixtures("open_page")
def test_what_visitors_see_first(hub: HubServer, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(40))})
    st.cache_resource.clear()
    monkeypatch.setattr(sys, "argv", ["app.py", f"hf://datasets/{SET}"])
    with monkeypatch.context() as patched:
        words = broken(fault, hub, patched)
        at = go(AppTest.from_file(APP, default_timeout=90), "method")
        assert words in errors(at)
        at.sidebar.selectbox(key="data").set_value("demo")
        assert not run(at).error, "the demo is there"
        asked = len(hub.asked)
        assert words in errors(other := go(AppTest.from_file(APP, default_timeout=90), "method"))
        assert len(hub.asked) == asked, "the Hub is not asked again for each visitor"
    hub.faults, hub.tokens = [], {TOKEN, MEMBER}
    served._from_hub.clear()  # as a minute does
    assert not run(other).error
    assert other.sidebar.selectbox(key="data").value == "file"
    st.cache_resource.clear()
